"""Default settings of the training form: a table for known datasets, rules for one's own."""

import math
from dataclasses import dataclass

from app.resources import datasets
from app.resources.datasets import Reading
from vae_core import data, recipes


@dataclass(frozen=True)
class Suggestion:
    """Default settings for a dataset: layer widths by kind of network, and the rest."""

    hidden: dict[str, str]
    latent_dim: int = 2
    batch_size: int = 50
    epochs: int = 100
    likelihood: str = "bernoulli"
    learning_rate: float = 2e-3
    warmup: float = 0.05
    decay: str = "cosine"
    precision: str = "float32"


_FAST = recipes.fast()
GRAPHS = Suggestion({"mlp": "100", "conv": "8, 16, 32", "rows": "64"}, batch_size=20)
SUGGESTED = {
    "mnist": Suggestion(
        {"mlp": ", ".join(map(str, _FAST["hidden"])), "conv": "16, 32", "rows": "128"},
        batch_size=_FAST["batch_size"], epochs=_FAST["epochs"],
        learning_rate=_FAST["learning_rate"], warmup=_FAST["warmup"], decay=_FAST["decay"],
        precision=_FAST["precision"],
    ),
    "fashion-mnist": Suggestion(
        {"mlp": "512, 256, 128", "conv": "16, 32", "rows": "128"}, batch_size=200, epochs=10
    ),
    "digits": Suggestion({"mlp": "256, 128", "conv": "16, 32", "rows": "64"}),
    "frey-face": Suggestion(
        {"mlp": "200", "conv": "16, 32", "rows": "100"}, likelihood="discretised-logistic"
    ),
    "cifar-10": Suggestion(
        {"mlp": "500, 200", "conv": "32, 64, 64", "rows": "200"},
        batch_size=100, epochs=20, likelihood="discretised-logistic",
    ),
    "graphs": GRAPHS,
    "graphs-symmetric": GRAPHS,
}  # fmt: skip
#: Pictures that a training on one's own data sees, so that it takes about half a minute of one core
#: with pictures of `USUAL_VALUES` values, and of fewer larger ones.
SEEN, USUAL_VALUES = 150_000, 784
#: Steps of an epoch that are enough to learn from; batches have no fewer and no more pictures.
STEPS, BATCHES = 60, (20, 200)
EPOCHS = (10, 200)


def find(name: str) -> Suggestion:
    """Return the default settings for a dataset, by its name or path."""
    known = SUGGESTED.get(name)
    if known is not None:
        return known
    dataset = datasets.without_pixels(Reading(name))
    is_ink = name in data.SOURCES or datasets.survey(name).is_ink
    return by_rule(len(dataset.train), dataset.image_shape, is_ink=is_ink)


def by_rule(n: int, image_shape: tuple[int, int, int], *, is_ink: bool) -> Suggestion:
    """Choose settings from the number of training pictures, their size and their values.

    Ink on a ground has pixels that are nearly on or off, which a Bernoulli models; other pictures
    have grey levels, which a discretised logistic models.
    """
    values = math.prod(image_shape)
    seen = SEEN * min(1.0, (USUAL_VALUES / values) ** 0.5)
    low, high = EPOCHS
    epochs = round(min(high, max(low, seen / n)))
    batch = round(min(BATCHES[1], max(BATCHES[0], n / STEPS)), -1)
    return Suggestion(
        {"mlp": "512, 256" if values > 200 else "256, 128", "conv": "16, 32, 64", "rows": "128"},
        batch_size=int(batch),
        epochs=epochs,
        likelihood="bernoulli" if is_ink and image_shape[0] == 1 else "discretised-logistic",
    )

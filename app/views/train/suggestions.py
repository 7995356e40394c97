"""Default settings of the training form for each dataset."""

from dataclasses import dataclass

from vae_core import recipes


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
#: For a dataset without a suggestion.
DEFAULT = Suggestion({"mlp": "256, 128", "conv": "16, 32", "rows": "64"})


def find(name: str) -> Suggestion:
    """Return the default settings for a dataset."""
    return SUGGESTED.get(name, DEFAULT)

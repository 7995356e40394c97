"""Images, labels, models and codes are accepted alike everywhere, or refused by a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import dataset, images, model, train_config
from torch import Tensor

import vae_core
from vae_core import model_folder
from vae_core.errors import ConfigError, ImageError
from vae_core.learning import Trainer

LEVELS = images(6)  # uint8 (6, 1, 5, 4)
UNIT = LEVELS.float() / 255

#: The same pictures in every way that they may be given.
ALIKE: dict[str, Any] = {
    "levels": LEVELS,
    "floats": UNIT,
    "doubles": UNIT.double(),
    "numpy levels": LEVELS.numpy(),
    "numpy doubles": LEVELS.numpy() / 255,
    "without the channel": LEVELS[:, 0],
    "numpy without the channel": LEVELS.numpy()[:, 0] / 255,
    "a list of pictures": list(LEVELS.numpy()),
    "a list of tensors": list(UNIT),
    "read only": np.broadcast_to(LEVELS.numpy(), LEVELS.shape),
    "backwards twice": LEVELS.numpy()[::-1].copy()[::-1],
    "big-endian": UNIT.numpy().astype(">f4"),
}
#: Functions that take images, and a tensor of what they return.
READERS: dict[str, Callable[[Any, Any], Tensor]] = {
    "VAE.encode": lambda vae, x: vae.encode(x).mu,
    "VAE.reconstruct": lambda vae, x: vae.reconstruct(x),
    "encode": lambda vae, x: vae_core.encode(vae, x).mu,
    "reconstruct": lambda vae, x: vae_core.reconstruct(vae, x).images,
    "evaluate": lambda vae, x: torch.tensor(
        [one.value for one in vae_core.evaluate(vae, x, importance_samples=3).values()]
    ),
    "interpolate": lambda vae, x: vae_core.interpolate(vae, x[0], x[1]).codes,
    "traverse": lambda vae, x: vae_core.traverse(vae, x[0]).codes,
    "plot_latent": lambda vae, x: torch.tensor(
        np.array(vae_core.plot_latent(vae, x, projection="raw").data[0].x)
    ),
}
REFUSED = [
    (LEVELS.float(), "values from 0 to 2"),
    (2 * UNIT - 1, "values from -1 to"),
    (LEVELS.long(), "type torch.int64: allowed are uint8 and floats"),
    (LEVELS.numpy().astype(str), "type <U3: allowed are uint8"),
    (LEVELS.permute(0, 2, 3, 1), "channels come first"),
    (LEVELS.flatten(1), r"shape \(6, 20\): allowed is \(n, 1, 5, 4\) or \(n, 5, 4\)"),
    (LEVELS[0, 0], r"shape \(5, 4\): allowed is"),
    (torch.full((2, 1, 5, 4), torch.nan), "values from nan"),
    ([LEVELS[0].numpy(), LEVELS[0, 0, 0].numpy()], "no array: allowed are NumPy arrays"),
]


@pytest.mark.parametrize("how", ALIKE)
@pytest.mark.parametrize("function", READERS)
def test_the_same_pictures_mean_the_same_however_they_are_given(function: str, how: str) -> None:
    """Type, library and channel axis change nothing."""
    vae = model()
    read = READERS[function]
    torch.testing.assert_close(read(vae, ALIKE[how]), read(vae, LEVELS), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("given", "sentence"), REFUSED, ids=[one for _, one in REFUSED])
def test_other_pictures_are_refused_everywhere(given: Any, sentence: str) -> None:
    """By a sentence with what came and what is allowed."""
    vae = model()
    for name in ("VAE.encode", "VAE.reconstruct", "encode", "reconstruct", "evaluate"):
        with pytest.raises(ImageError, match=sentence) as raised:
            READERS[name](vae, given)
        assert "\n" not in str(raised.value)


def test_binary_levels_are_not_read_as_black() -> None:
    """uint8 pictures of 0 and 1 are nearly always binary ones."""
    ink = (LEVELS > 90).numpy()
    assert torch.equal(vae_core.encode(model(), ink).mu, vae_core.encode(model(), ink * 1.0).mu)
    with pytest.raises(ImageError, match=r"uint8 images with values from 0 to 1: .* bool"):
        vae_core.encode(model(), ink.astype(np.uint8))
    with pytest.raises(ImageError, match="uint8 images with values from 0 to 1"):
        vae_core.dataset(ink.astype(np.uint8))


def test_a_place_is_a_code_or_a_picture() -> None:
    """Told apart by their shapes; a sentence says both."""
    vae = model()
    code = vae.encode(LEVELS[:1]).mu[0]
    for place in (code, code.numpy().astype(float), LEVELS[0], LEVELS[0, 0].numpy(), code.tolist()):
        path = vae_core.interpolate(vae, place, torch.zeros(3), steps=2)
        torch.testing.assert_close(path.codes[0], code)
    for wrong in (torch.zeros(4), LEVELS, UNIT[0] * 300, torch.tensor([0.0, torch.nan, 0.0])):
        with pytest.raises(ConfigError, match="start"):
            vae_core.interpolate(vae, wrong, code)


@pytest.mark.parametrize(
    "labels", [[0, 1] * 3, np.array([0, 1] * 3, np.int16), torch.arange(6) % 2]
)
def test_labels_are_integers_of_any_kind(labels: Any) -> None:
    """Lists, NumPy and torch."""
    vae = model(conditional=True, classes=2)
    expected = vae.encode(UNIT, torch.arange(6) % 2).mu
    torch.testing.assert_close(vae.encode(UNIT, labels).mu, expected)
    torch.testing.assert_close(vae_core.encode(vae, LEVELS, labels=labels).mu, expected)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (None, "needs labels, integers from 0 to 1"),
        ([0.0] * 6, "type float64: allowed are integers"),
        (torch.zeros(6), "type torch.float32: allowed are integers"),
        ([0, 1], r"shape \(2,\): allowed is \(6,\)"),
        ([0, 1, 2] * 2, "from 0 to 2"),
    ],
)
def test_other_labels_are_refused(labels: Any, sentence: str) -> None:
    """By a sentence."""
    with pytest.raises(ConfigError, match=sentence):
        vae_core.encode(model(conditional=True, classes=2), LEVELS, labels=labels)


def test_a_label_is_a_number_or_a_name(tmp_path: Path) -> None:
    """A name of the classes of the model's card."""
    training = Trainer(model(conditional=True, classes=2).config, train_config(epochs=1), dataset())
    pictures = vae_core.sample(training, 4, seed=1, label="right").images
    torch.testing.assert_close(vae_core.sample(training, 4, seed=1, label=1).images, pictures)
    with pytest.raises(
        ConfigError, match=r"label 'up': unknown; allowed are 0 to 1, .*left, right"
    ):
        vae_core.sample(training, 4, label="up")
    with pytest.raises(ConfigError, match="label is needed"):
        vae_core.traverse(training)
    with pytest.raises(ConfigError, match="takes no labels"):
        vae_core.sample(model(), label=1)


def test_a_model_is_given_in_any_form(tmp_path: Path) -> None:
    """A model, a training, an open folder, a path and a name."""
    name = "digits-2d"
    folder = model_folder.PRETRAINED / name
    forms = [name, folder, str(folder), model_folder.open_folder(name), vae_core.load_model(name)]
    pictures = [vae_core.traverse(form, [0.5, 1.0]).images for form in forms]
    assert all(torch.equal(pictures[0], one) for one in pictures)
    with pytest.raises(ConfigError, match="a model of type int: allowed are"):
        vae_core.sample(3)  # type: ignore[arg-type]


def test_a_model_in_memory_needs_data() -> None:
    """It does not know its dataset; a training does."""
    with pytest.raises(ConfigError, match="data are needed"):
        vae_core.encode(model())
    training = Trainer(model().config, train_config(), dataset())
    assert len(vae_core.encode(training).mu) == 20
    assert len(vae_core.encode(training, split="train").mu) == 50
    with pytest.raises(ConfigError, match="split 'all': allowed are train, test"):
        vae_core.encode(training, split="all")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="labels go with images"):
        vae_core.encode(training, dataset(), labels=[1])
    with pytest.raises(ImageError, match="no images"):
        vae_core.encode(training, LEVELS[:0])

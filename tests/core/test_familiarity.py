"""Whether a picture is anything that a model knows: calibrated on a model's own codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_core import familiarity, images, load_card, load_codes, load_dataset, load_model
from vae_core.familiarity import Known
from vae_core.models import VAE


@pytest.fixture(scope="module")
def mnist_model() -> tuple[VAE, Known]:
    """Open the model of MNIST; its folder holds codes and no picture."""
    model = load_model("mnist-20d")
    return model, familiarity.calibrated(model, load_codes("mnist-20d"), dataset="mnist")


def known_digits(model: VAE, n: int = 300) -> torch.Tensor:
    """Decode codes of the test set: pictures that the model surely knows."""
    mu = load_codes("mnist-20d").mu[3 :: len(load_codes("mnist-20d").mu) // n][:n]
    with torch.inference_mode():
        return model.decode(mu).mean


@pytest.mark.parametrize("name", ["digits-2d", "frey-2d", "mnist-conditional", "graphs-2d"])
def test_any_model_folder_can_be_calibrated(name: str):
    """From its codes alone; of pictures like its own, few are doubted."""
    model, codes, card = load_model(name), load_codes(name), load_card(name)
    known = familiarity.calibrated(model, codes, dataset=card.dataset)
    y = None if codes.labels is None else codes.labels[:40]
    with torch.inference_mode():
        x = model.decode(codes.mu[:40], y).mean.clamp(0, 1)
    found = familiarity.judged(known, model, x, y=y)
    assert np.mean([one.doubtful for one in found]) <= 0.1
    assert all(0 < one.score <= 1 for one in found)


def test_known_digits_are_rarely_doubted():
    """Of scikit-learn's digits, which the model was tested on, about the share that is meant."""
    model, codes = load_model("digits-2d"), load_codes("digits-2d")
    known = familiarity.calibrated(model, codes, dataset="digits")
    test = load_dataset("digits").test
    found = familiarity.judged(known, model, test.images.float() / 255)
    doubtful = np.mean([one.doubtful for one in found])
    assert doubtful < familiarity.DOUBTFUL + 3 * np.sqrt(familiarity.DOUBTFUL / len(test))
    assert all(one.reasons == () and one.warning is None for one in found if not one.doubtful)


@pytest.mark.mnist
def test_test_digits_are_rarely_doubted(mnist_model: tuple[VAE, Known]):
    """The share of doubted test digits is the one that is meant, within its error."""
    model, known = mnist_model
    x = load_dataset("mnist").test.images[1::10].float() / 255
    doubtful = np.mean([one.doubtful for one in familiarity.judged(known, model, x)])
    assert doubtful < familiarity.DOUBTFUL + 3 * np.sqrt(familiarity.DOUBTFUL / len(x))


def strange(kind: str) -> torch.Tensor:
    """Make pictures (20, 1, 28, 28) of what is no digit."""
    rng = np.random.default_rng(0)
    x = np.zeros((20, 1, 28, 28), dtype=np.float32)
    if kind == "noise":
        x = rng.random((20, 1, 28, 28), dtype=np.float32)
    elif kind == "checks":
        rows, columns = np.indices((28, 28))
        for size in range(20):
            x[size, 0] = (rows // (size % 5 + 2) + columns // (size % 5 + 2)) % 2
    elif kind == "frames":
        for inset in range(20):
            x[inset, 0, 4 : 24 - inset // 4, 4:24] = 1
            x[inset, 0, 6 : 22 - inset // 4, 6:22] = 0
            x[inset, 0, 12:14, 4:24] = 1
            x[inset, 0, 4:20, 13:15] = 1
    return torch.from_numpy(x)


@pytest.mark.parametrize("kind", ["noise", "checks", "frames"])
def test_what_is_no_digit_is_doubted(mnist_model: tuple[VAE, Known], kind: str):
    """With its reasons, and it lies farther out than what is known."""
    model, known = mnist_model
    digits = familiarity.judged(known, model, known_digits(model))
    found = familiarity.judged(known, model, strange(kind))
    assert all(one.doubtful for one in found)
    assert min(one.distance for one in found) > np.quantile([one.distance for one in digits], 0.98)
    assert all(one.reasons and (one.warning or "").startswith("This may be") for one in found)


def test_several_glyphs_and_clutter_are_reasons_of_their_own(mnist_model: tuple[VAE, Known]):
    """Two digits in one picture are doubted, each alone is not."""
    model, known = mnist_model
    digits = known_digits(model)[:2, 0].numpy()
    both = images.to_bytes(np.concatenate([np.kron(one, np.ones((8, 8))) for one in digits], 1))
    prepared = [images.prepare(both, (1, 28, 28), glyph=glyph) for glyph in (None, 0, 1)]
    x = torch.stack([one.image for one in prepared])
    found = familiarity.judged(known, model, x, prepared=prepared)
    assert [one.doubtful for one in found] == [True, False, False]
    assert found[0].reasons[0].startswith("The picture holds 2 glyphs")


def test_a_landscape_is_doubted(mnist_model: tuple[VAE, Known]):
    """Hills under a sky, with their texture, are neither ink nor empty paper."""
    model, known = mnist_model
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:300, :400]
    hills = y > 150 + 30 * np.sin(x / 40) + 10 * np.sin(x / 11)
    grass = np.kron(rng.normal(80, 40, (60, 80)), np.ones((5, 5)))
    picture = np.where(hills, grass, 220 - 0.3 * y) + rng.normal(0, 3, (300, 400))
    prepared = images.prepare(images.to_bytes(picture / 255), (1, 28, 28))
    (found,) = familiarity.judged(known, model, prepared.image[None], prepared=[prepared])
    assert found.doubtful


def test_the_score_is_the_share_of_known_pictures_that_are_as_unusual(
    mnist_model: tuple[VAE, Known],
):
    """It falls with the distance, and is the rank among known pictures."""
    model, known = mnist_model
    found = familiarity.judged(known, model, torch.cat([known_digits(model, 50), strange("noise")]))
    for one in found:
        expected = (1 + (known.distances >= one.distance).sum()) / (1 + len(known.distances))
        assert one.score == pytest.approx(expected)

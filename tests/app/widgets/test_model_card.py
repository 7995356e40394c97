"""What a model says of itself, and the training pictures nearest to what it decodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.resources import examples, library
from app.widgets import model_card
from vae_core import data, model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.model_folder import Codes, ModelCard
from vae_core.models import VAE

Open = Callable[..., AppTest]


def texts(session: AppTest) -> str:
    """Return all words of a page."""
    parts = [*session.markdown, *session.caption, *session.warning, *session.subheader]
    return "\n".join(str(part.value) for part in parts)


def test_the_card_is_one_click_away(open_page: Open) -> None:
    """Architecture, training, each figure with its error and kind, and the command."""
    session = open_page()
    assert "by Adam" not in texts(session)
    session.button(key="w-about").click().run()
    assert not session.exception
    shown, card = texts(session), model_folder.load_card("digits-2d")
    assert "8 × 8 images, hidden layers 256–128 (silu), 2 latent dimensions" in shown
    assert f"{card.training.epochs} epochs in batches of {card.training.batch_size}" in shown
    elbo = card.metrics["elbo"]
    value = f"{-elbo.value:.2f}\u00a0±\u00a0{elbo.se:.2f}\u00a0nats"
    assert f"| −ELBO | {value} | grey, test, n = 360, 1 sample each |" in shown
    for said in ("1,000-sample bound", "MMD²", "Linear probe", "Distance of samples"):
        assert said in shown
    assert "Not in this card" not in shown
    assert session.code[0].value == card.command


def test_figures_that_a_card_lacks_are_named(open_page: Open) -> None:
    """With the command that measures them."""
    name = "mnist-2d"
    lacking = {"mmd", "probe_accuracy"} - model_folder.load_card(name).metrics.keys()
    session = open_page(model=name)
    session.button(key="w-about").click().run()
    shown = texts(session)
    assert ("Not in this card" in shown) == bool(lacking)
    assert (f"`python -m vae_core evaluate {name}`" in shown) == bool(lacking)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "28 × 28 images, hidden layers 500 (tanh), 20 latent dimensions; Bernoulli"),
        (
            {"image_shape": (3, 32, 32), "network": "conv", "hidden": (16, 32),
             "likelihood": "discretised-logistic"},
            "32 × 32 × 3 images, convolutions with channels 16–32 (tanh), 20 latent dimensions; "
            "Discretised logistic likelihood, standard prior",
        ),
        ({"conditional": True, "classes": 10}, "20 latent dimensions, conditioned on the label; "),
        ({"first_latent_dim": 100, "latent_dim": 50}, "50 latent dimensions (z₂) above 100 (z₁)"),
    ],
)  # fmt: skip
def test_an_architecture_in_one_line(settings: dict[str, object], says: str) -> None:
    """Shapes, network, code, likelihood and prior."""
    assert says in model_card.architecture(ModelConfig.of(**settings))


def test_a_training_in_one_line() -> None:
    """What is unusual about it is said, what is usual is not."""
    usual = model_card.training(TrainConfig())
    assert usual.endswith("seed 0: ELBO.")
    unusual = TrainConfig(objective="iwae", samples=50, beta=2, kl_warmup_epochs=3, epochs=2000)
    said = model_card.training(unusual)
    assert "2,000 epochs" in said
    assert said.endswith(
        "importance-weighted bound with 50 samples, β = 2, KL warm-up over 3 epochs."
    )


def write_collapsed(folder: Path) -> None:
    """Write an untrained model's folder, one of whose three dimensions is idle."""
    torch.manual_seed(0)
    config = ModelConfig(image_shape=(1, 8, 8), latent_dim=3, hidden=(8,))
    mu, logvar = torch.randn(40, 3), torch.full((40, 3), -2.0)
    mu[:, 1], logvar[:, 1] = 0, 0
    codes = Codes(
        ids=torch.arange(40), labels=None, mu=mu, logvar=logvar,
        rate=torch.rand(40), distortion=torch.rand(40),
    )  # fmt: skip
    card = ModelCard(
        name="idle", dataset="digits", model=config, training=TrainConfig(dataset="digits")
    )
    model_folder.save(folder, card=card, model=VAE(config), codes=codes, history=[])


def test_collapse_is_shown_on_decode_and_in_the_card(open_page: Open, tmp_path: Path) -> None:
    """In words, and once in each place; other models do not say it."""
    write_collapsed(tmp_path / "runs" / "idle")
    session = open_page("decode", model="idle")
    said = [warning.value for warning in session.warning]
    assert len(said) == 1
    assert "1 of 3 latent dimensions is unused" in said[0]
    session = open_page("explore", model="idle")
    session.button(key="w-about").click().run()
    assert [warning.value for warning in session.warning] == said
    assert not open_page("decode").warning


def test_nearest_training_pictures_are_those_of_brute_force(no_data: Path) -> None:
    """Of the decoded picture, nearest first."""
    opened = library.open_model("digits-2d")
    z = np.array([0.3, -0.8], dtype=np.float32)
    found = examples.nearest_training_images(opened, z, None, 5)
    assert found is not None
    train = data.load_dataset("digits").train.images.double() / 255
    picture = torch.from_numpy(examples.decode(opened, z[None])).double() / 255
    distances = (train - picture).flatten(1).norm(dim=1)
    expected = distances.sort()
    np.testing.assert_allclose(found.distances, expected.values[:5], rtol=1e-5)
    nearest = (train[expected.indices[:5]] * 255).round().byte().numpy()
    np.testing.assert_array_equal(found.images, nearest)


def test_nearest_training_pictures_were_trained_on(no_data: Path) -> None:
    """A model that learnt from a few pictures is shown those alone."""
    opened = library.open_model("digits-2d")
    training = opened.card.training.model_copy(update={"train_size": 7, "seed": 3})
    card = opened.card.model_copy(update={"training": training})
    few = dataclasses.replace(
        opened, hash="few", saved=dataclasses.replace(opened.saved, card=card)
    )
    found = examples.nearest_training_images(few, np.zeros(2, dtype=np.float32), None, 7)
    assert found is not None
    seen = data.subset(data.load_dataset("digits").train, 7, seed=3).images.numpy()
    order = [sorted(images.tobytes() for images in some) for some in (found.images, seen)]
    assert order[0] == order[1]


def test_decode_shows_what_is_nearest_in_the_training_set(open_page: Open) -> None:
    """And it follows the pinned code."""

    def said(**parameters: str) -> str:
        session = open_page("decode", **parameters)
        assert not session.exception
        return next(c.value for c in session.caption if "means an exact copy" in c.value)

    assert said() != said(z="1.5,0.5")


def test_without_the_data_there_is_an_invitation(open_page: Open) -> None:
    """Under the same heading."""
    session = open_page("decode", model="mnist-2d")
    assert not session.exception
    assert "Nearest training images" in texts(session)
    assert "MNIST has not been downloaded" in texts(session)

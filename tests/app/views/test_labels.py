"""Models that are given a label: which one, on every page, and what asking under all says."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.address import State
from app.resources import examples, inference
from app.resources.opened_model import Opened
from app.widgets import scenes
from vae_core import data, learning, model_folder, models, publishing, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.model_folder import Codes, ModelCard, Saved
from vae_core.models.distributions import DiagonalGaussian, GaussianMixture

Open = Callable[..., AppTest]
PAGES = ("explore", "manifold", "decode", "reconstruct", "morph", "train")


@pytest.fixture(scope="module")
def conditional() -> Opened:
    """Return a conditional model of the bundled digits, trained for a few seconds."""
    dataset = data.load_dataset("digits")
    config = learning.describe_model(dataset, conditional=True, hidden=(64,), latent_dim=2)
    training = TrainConfig(dataset="digits", epochs=15, learning_rate=5e-3, threads=1)
    trainer = learning.Trainer(config, training, dataset)
    for _ in trainer:
        pass
    model = trainer.model.eval().requires_grad_(False)
    encoded = publishing.encode_test(model, dataset, training)
    codes = Codes(ids=dataset.test.ids, labels=dataset.test.labels, **vars(encoded))
    card = ModelCard(
        name="conditional",
        dataset="digits",
        classes=dataset.classes,
        model=config,
        training=training,
    )
    return Opened(
        name="conditional", hash="conditional", saved=Saved(card=card, model=model, codes=codes)
    )


@pytest.fixture
def folder(conditional: Opened, no_data: Path) -> str:
    """Put that model where the app finds it; return its name."""
    saved = conditional.saved
    target = runs.runs_dir() / "conditional"
    model_folder.save(target, card=saved.card, model=saved.model, codes=saved.codes, history=[])
    return "conditional"


def untrained(**settings: object) -> Opened:
    """Return a model of three labels whose priors have been moved about."""
    torch.manual_seed(3)
    config = ModelConfig.of(
        **{"image_shape": (1, 8, 8), "latent_dim": 2, "hidden": (6,), "classes": 3} | settings
    )
    model = models.build(config).eval().requires_grad_(False)
    for parameter in model.p_z.parameters():
        parameter.normal_()
    n = 9
    codes = Codes(
        ids=torch.arange(n), labels=torch.arange(n) % 3, mu=torch.randn(n, 2),
        logvar=torch.zeros(n, 2), rate=torch.rand(n), distortion=torch.rand(n),
    )  # fmt: skip
    card = ModelCard(
        name="m", dataset="nowhere", classes=("a", "b", "c"), model=config, training=TrainConfig()
    )
    return Opened(name="m", hash=str(settings), saved=Saved(card=card, model=model, codes=codes))


def test_the_label_is_the_chosen_one_else_the_pinned_examples_else_the_first(
    conditional: Opened,
) -> None:
    """And none at all for a model that takes none."""
    example = int(conditional.codes.ids[5])
    own = int(conditional.codes.labels[5])  # type: ignore[index]
    assert scenes.pinned_y(conditional, State(y=7, pinned_id=example)) == 7
    assert scenes.pinned_y(conditional, State(pinned_id=example)) == own
    assert scenes.pinned_y(conditional, State()) == 0
    plain = untrained(classes=0)
    assert scenes.pinned_y(plain, State(pinned_id=3)) is None
    assert plain.condition_names == ()
    assert conditional.condition_names == tuple("0123456789")


def test_a_reconstruction_is_decoded_under_the_examples_own_label(conditional: Opened) -> None:
    """Without the originals each picture is p(x|mu, y) of its own y."""
    elsewhere = conditional.card.model_copy(update={"dataset": "mnist"})
    opened = dataclasses.replace(
        conditional, saved=dataclasses.replace(conditional.saved, card=elsewhere)
    )
    ids = conditional.codes.ids[[3, 200, 77]].tolist()
    rows = opened.rows(ids)
    shown = examples.pictures(opened, ids)
    mean = conditional.model.decode(conditional.codes.mu[rows], conditional.codes.labels[rows]).mean  # type: ignore[index]
    assert shown.kind == examples.RECONSTRUCTION
    assert np.abs(shown.images / 255 - mean.numpy()).max() <= 0.5 / 255 + 1e-6


def test_the_label_that_explains_a_picture_best_classifies_it(conditional: Opened) -> None:
    """A model that only learnt to generate names the digit, far above one in ten."""
    split = data.load_dataset("digits").test
    x = split.images[:40].numpy().astype(np.float32) / 255
    found = [inference.best_label(conditional, one, seed=0) for one in x]
    assert split.labels is not None
    assert np.mean(np.array(found) == split.labels[:40].numpy()) > 0.75
    asked = inference.by_label(conditional, x[0], seed=0)
    assert [one.y for one in asked] == list(range(10))
    again = inference.encode(conditional, x[0], seed=0, y=4)
    assert asked[4].loss == pytest.approx(again.loss)
    assert min(asked, key=lambda one: one.loss).y == found[0]


def test_a_model_without_labels_gets_none() -> None:
    """There is nothing to compare, and no best label."""
    plain = untrained(classes=0)
    x = np.zeros((1, 8, 8), dtype=np.float32)
    assert inference.by_label(plain, x, seed=0) == ()
    assert inference.best_label(plain, x, seed=0) is None


def test_the_priors_moments_are_those_of_its_draws() -> None:
    """Of a standard normal, of each label's Gaussian, and of a mixture as a whole."""
    plain = scenes.prior_moments(untrained(classes=0), None)
    assert (plain.mu.tolist(), plain.sigma.tolist()) == ([0, 0], [1, 1])
    by_label = untrained(prior="label", conditional=True)
    for y in range(3):
        given = by_label.model.prior_given(torch.tensor([y]))
        moments = scenes.prior_moments(by_label, y)
        np.testing.assert_allclose(moments.mu, given.gaussian.mu[0])  # type: ignore[attr-defined]
        assert scenes.pinned_z(by_label, State(y=y)).tolist() == moments.mu.tolist()
    mixed = untrained(classes=0, prior="mixture", components=4)
    prior = mixed.model.prior
    assert isinstance(prior, GaussianMixture)
    draws = prior.sample(200_000, generator=torch.Generator().manual_seed(0))
    moments = scenes.prior_moments(mixed, None)
    np.testing.assert_allclose(moments.mu, draws.mean(0).numpy(), atol=0.03)
    np.testing.assert_allclose(moments.sigma, draws.std(0).numpy(), rtol=0.02)


def test_the_kl_of_a_dimension_is_to_the_models_own_prior() -> None:
    """With a prior by label it is not that to N(0, I)."""
    opened = untrained(prior="label", conditional=True)
    prior = opened.model.prior_given(opened.codes.labels)
    q = opened.codes
    expected = DiagonalGaussian(q.mu, q.logvar).kl_per_dim_to(prior.gaussian).mean(0)  # type: ignore[attr-defined]
    np.testing.assert_allclose(opened.kl_per_dim, expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_a_conditional_model(
    open_page: Open, folder: str, conditional: Opened, page: str
) -> None:
    """With a label in the address, which stays there, and a pinned example."""
    session = open_page(page, model=folder, y="3", id=str(int(conditional.codes.ids[0])))
    assert not session.exception
    assert not session.error
    assert session.query_params["y"] in ("3", ["3"])


def test_a_label_for_a_model_that_takes_none_is_named(open_page: Open) -> None:
    """The page opens, with a notice that the label was ignored."""
    session = open_page(y="3")
    assert "y = '3'" in session.warning[0].value
    assert "y" not in session.query_params


def test_an_uploaded_picture_takes_the_label_that_explains_it_best(
    open_page: Open, folder: str, conditional: Opened
) -> None:
    """The label goes into the address, and a sentence names it."""
    session = open_page("reconstruct", model=folder)
    session.segmented_control(key="w-source").set_value("Files").run()
    paper = np.full((60, 60), 230, dtype=np.uint8)
    paper[8:52, 26:34] = 20
    file = io.BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    session.file_uploader(key="w-files").set_value(
        [("one.png", file.getvalue(), "image/png")]
    ).run()
    assert not session.exception
    said = "\n".join(str(one.value) for one in session.markdown)
    assert "Best explained as **" in said
    best = said.split("Best explained as **")[1].split("**")[0]
    assert (session.query_params.get("y", "0") or "0")[-1] == best

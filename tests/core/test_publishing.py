"""From a trained model to its folder: figures, codes, maps, and a command that makes it again."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
import torch

from vae_core import checkpoints, evaluation, pixels, publishing
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.learning import Trainer


def publish(
    folder: Path,
    dataset: ImageDataset,
    *,
    model: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[checkpoints.ModelCard, Trainer]:
    """Train a small model and publish it."""
    config = small.model_config(image_shape=dataset.image_shape, **(model or {}))
    trainer = Trainer(config, small.train_config(dataset=dataset.name, **(training or {})), dataset)
    card = publishing.publish(
        folder,
        name=folder.name,
        model=trainer.model,
        training=trainer.config,
        dataset=dataset,
        history=[record.as_dict() for record in trainer],
        command="python -m vae_core train",
        **options,
    )
    return card, trainer


def test_a_folder_carries_all_that_the_app_shows(tmp_path: Path) -> None:
    """Codes keyed by the test set's ids, maps, labels, figures with kind and error, history."""
    dataset = small.dataset(n_test=40)
    told: list[str] = []
    card, _ = publish(tmp_path / "bars", dataset, importance_samples=20, say=told.append)
    codes = checkpoints.load_codes(tmp_path / "bars")
    assert torch.equal(codes.ids, dataset.test.ids)
    assert codes.labels is not None
    assert dataset.test.labels is not None
    assert torch.equal(codes.labels, dataset.test.labels)
    assert codes.projections.keys() == {"pca", "tsne"}
    assert len(checkpoints.load_history(tmp_path / "bars")) == 3
    assert card == checkpoints.load_card(tmp_path / "bars")
    assert card.classes == ("left", "right")
    assert set(card.metrics) == {
        "elbo",
        "rate",
        "distortion",
        "active_units",
        "knn_accuracy",
        "probe_accuracy",
        "mmd",
        "mmd_p",
        "sample_distance",
        "test_distance",
        "nll_iw20",
        "ess_iw20",
    }
    for name in ("elbo", "rate", "distortion", "nll_iw20"):
        metric = card.metrics[name]
        assert (metric.kind, metric.split, metric.n, metric.unit) == ("grey", "test", 40, "nats")
        assert metric.se is not None
        assert metric.se > 0
    assert card.metrics["nll_iw20"].samples == 20
    assert told[0] == "encoding the test set"
    assert any("t-SNE" in stage for stage in told)


def test_figures_are_those_of_the_codes(tmp_path: Path) -> None:
    """The card's ELBO is the mean over the stored rates and distortions, and so is its error."""
    card, trainer = publish(tmp_path / "bars", small.dataset())
    codes = checkpoints.load_codes(tmp_path / "bars")
    elbo = -(codes.rate + codes.distortion).double().numpy()
    assert card.metrics["elbo"].value == pytest.approx(elbo.mean(), rel=1e-9)
    assert card.metrics["elbo"].se == pytest.approx(elbo.std(ddof=1) / np.sqrt(20), rel=1e-9)
    again = evaluation.encode(
        trainer.model, small.dataset().test.images, kind="grey", seed=publishing.EVALUATION_SEED
    )
    torch.testing.assert_close(codes.mu, again.mu, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(codes.distortion, again.distortion)
    assert sum(card.kl_per_dim) == pytest.approx(card.metrics["rate"].value, abs=1e-3)


def test_the_pca_map_leads_back_to_codes(tmp_path: Path) -> None:
    """The stored plane projects the stored codes onto the stored map."""
    publish(tmp_path / "bars", small.dataset())
    codes = checkpoints.load_codes(tmp_path / "bars")
    assert codes.pca_mean is not None
    assert codes.pca_components is not None
    points = (codes.mu - codes.pca_mean) @ codes.pca_components.T
    torch.testing.assert_close(points, codes.projections["pca"], atol=1e-4, rtol=1e-4)


def test_a_plane_needs_no_map(tmp_path: Path) -> None:
    """A two-dimensional model is its own map."""
    publish(tmp_path / "bars", small.dataset(), model={"latent_dim": 2})
    assert checkpoints.load_codes(tmp_path / "bars").projections == {}


def test_static_pixels_are_the_trainings_own(tmp_path: Path) -> None:
    """What is measured is the one binary draw that the training tested on; encode repeats it."""
    dataset = small.dataset()
    _, trainer = publish(tmp_path / "bars", dataset, training={"pixels": "static"})
    encoded = evaluation.encode(trainer.model, trainer._test, kind="static", seed=1)
    codes = checkpoints.load_codes(tmp_path / "bars")
    torch.testing.assert_close(codes.mu, encoded.mu, rtol=1e-3, atol=1e-3)
    train = publishing.encode_train(trainer.model, dataset, trainer.config)
    expected = evaluation.encode(trainer.model, trainer._train, kind="static", seed=1)
    torch.testing.assert_close(train.mu, expected.mu)
    other = pixels.prepare(dataset.test.images, "static", seed=99)
    assert not torch.allclose(evaluation.encode(trainer.model, other, kind="static").mu, codes.mu)


def test_a_gaussian_decoders_figures_are_densities(tmp_path: Path) -> None:
    """Their kind is named continuous, not that of the pixels."""
    card, _ = publish(tmp_path / "bars", small.dataset(), model={"likelihood": "gaussian"})
    assert {metric.kind for metric in card.metrics.values()} == {"continuous"}


def test_tiny_and_unlabelled_sets_are_published(tmp_path: Path) -> None:
    """Three test pictures of one's own: no t-SNE, no k-NN accuracy, no failure; nor with one."""
    few = small.dataset(n_test=3, labelled=False)
    card, _ = publish(tmp_path / "few", few)
    assert checkpoints.load_codes(tmp_path / "few").projections.keys() == {"pca"}
    assert "knn_accuracy" not in card.metrics
    assert card.classes == ()
    one = small.dataset(n_train=4, n_test=1)
    card, _ = publish(tmp_path / "one", one, training={"batch_size": 4})
    assert checkpoints.load_codes(tmp_path / "one").projections == {}
    assert checkpoints.load_card(tmp_path / "one").metrics["elbo"].se is None


def test_knn_accuracy_sees_classes_that_come_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures sorted by class: the neighbours are drawn from all of them, so both are found."""
    dataset = small.dataset(n_train=200, n_test=60)
    assert dataset.train.labels is not None
    by_class = dataset.train.take(dataset.train.labels.argsort())
    monkeypatch.setattr(publishing, "KNN_TRAIN", 40)
    card, _ = publish(tmp_path / "bars", dataclasses.replace(dataset, train=by_class))
    assert card.metrics["knn_accuracy"].value > 0.8


def test_a_subset_of_images_can_bound_the_importance_samples(tmp_path: Path) -> None:
    """The figure says over how many images it was taken."""
    card, _ = publish(tmp_path / "b", small.dataset(), importance_samples=5, importance_limit=7)
    assert card.metrics["nll_iw5"].n == 7
    assert card.metrics["elbo"].n == 20


def test_the_cards_command_can_be_typed() -> None:
    """It names what differs from the defaults, quoted for a shell."""
    from vae_core import runs

    config = runs.RunConfig(
        name="Ann's; rm -rf model",
        model=ModelConfig(latent_dim=7, hidden=(64, 32), logvar_floor=-3),
        training=TrainConfig(dataset="my pictures", learning_rate=3e-4, seed=5),
        importance_samples=100,
        importance_limit=9,
    )
    words = shlex.split(runs.command_line(config))
    assert words[:4] == ["python", "-m", "vae_core", "train"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options == {
        "--name": "Ann's; rm -rf model",
        "--dataset": "my pictures",
        "--learning-rate": "0.0003",
        "--seed": "5",
        "--latent-dim": "7",
        "--hidden": "64,32",
        "--logvar-floor": "-3.0",
        "--importance-samples": "100",
        "--limit": "9",
        "--out": "DIR",
    }

"""From a trained model to its folder: figures, codes, maps, and a command that makes it again."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference
import small
import torch
from torch import Tensor

from vae_core import evaluation, model_folder, pixels, publishing
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning import Trainer
from vae_core.models import VAE, HierarchicalVAE
from vae_core.models.distributions import DiagonalGaussian, LabelGaussian


def publish(
    folder: Path,
    dataset: ImageDataset,
    *,
    model: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[model_folder.ModelCard, Trainer]:
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
    codes = model_folder.load_codes(tmp_path / "bars")
    assert torch.equal(codes.ids, dataset.test.ids)
    assert codes.labels is not None
    assert dataset.test.labels is not None
    assert torch.equal(codes.labels, dataset.test.labels)
    assert codes.projections.keys() == {"pca", "tsne"}
    assert len(model_folder.load_history(tmp_path / "bars")) == 3
    assert card == model_folder.load_card(tmp_path / "bars")
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


def test_the_card_says_which_ways_the_training_took(tmp_path: Path) -> None:
    """As it was told; a card from before says nothing and is read as ever."""
    ways = {"gradient": "by hand", "kernels": "AVX2"}
    card, _ = publish(tmp_path / "bars", small.dataset(), paths=ways)
    assert card.paths == ways
    before = json.loads(card.model_dump_json())
    del before["paths"], before["training"]["device"], before["training"]["adam_epsilon"]
    read = model_folder.card_of(json.dumps(before).encode())
    assert (read.paths, read.training) == ({}, card.training)


def test_figures_are_those_of_the_codes(tmp_path: Path) -> None:
    """The card's ELBO is the mean over the stored rates and distortions, and so is its error."""
    card, trainer = publish(tmp_path / "bars", small.dataset())
    codes = model_folder.load_codes(tmp_path / "bars")
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
    codes = model_folder.load_codes(tmp_path / "bars")
    assert codes.pca_mean is not None
    assert codes.pca_components is not None
    points = (codes.mu - codes.pca_mean) @ codes.pca_components.T
    torch.testing.assert_close(points, codes.projections["pca"], atol=1e-4, rtol=1e-4)


def test_a_plane_needs_no_map(tmp_path: Path) -> None:
    """A two-dimensional model is its own map."""
    publish(tmp_path / "bars", small.dataset(), model={"latent_dim": 2})
    assert model_folder.load_codes(tmp_path / "bars").projections == {}


def test_static_pixels_are_the_trainings_own(tmp_path: Path) -> None:
    """What is measured is the one binary draw that the training tested on; encode repeats it."""
    dataset = small.dataset()
    _, trainer = publish(tmp_path / "bars", dataset, training={"pixels": "static"})
    encoded = evaluation.encode(trainer.model, trainer._test, kind="static", seed=1)
    codes = model_folder.load_codes(tmp_path / "bars")
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
    """Three test own pictures: no t-SNE, no k-NN accuracy, no failure; nor with one."""
    few = small.dataset(n_test=3, labelled=False)
    card, _ = publish(tmp_path / "few", few)
    assert model_folder.load_codes(tmp_path / "few").projections.keys() == {"pca"}
    assert "knn_accuracy" not in card.metrics
    assert card.classes == ()
    one = small.dataset(n_train=4, n_test=1)
    card, _ = publish(tmp_path / "one", one, training={"batch_size": 4})
    assert model_folder.load_codes(tmp_path / "one").projections == {}
    assert model_folder.load_card(tmp_path / "one").metrics["elbo"].se is None


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
    """The figure says over how many images it was taken: evenly spread ones, not the first."""
    dataset = small.dataset()
    card, _ = publish(tmp_path / "b", dataset, importance_samples=5, importance_limit=3)
    figure = card.metrics["nll_iw5"]
    assert figure.n == 3
    assert card.metrics["elbo"].n == 20
    some = dataset.test.images[[0, 10, 19]]
    model = model_folder.load_model(tmp_path / "b")
    found = evaluation.nll_iw(model, some, k=5, kind="grey", seed=publishing.EVALUATION_SEED)
    assert figure.value == pytest.approx(found.nll.mean().item())


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


def test_bits_per_dimension_are_those_of_the_levels() -> None:
    """Minus log2 of the levels' probabilities, a mean over every value of a picture in colour."""
    dataset = small.dataset(shape=(3, 5, 4))
    model = small.blind(image_shape=(3, 5, 4), likelihood="discretised-logistic")
    model.likelihood.bias[60:] = torch.randn(60, generator=torch.Generator().manual_seed(1)) - 2
    metrics = publishing.measure(model, dataset, small.train_config(), importance_samples=7)
    p = model.decode(torch.zeros(3))
    bits = reference.bits_per_value(
        dataset.test.images.flatten(1).double().numpy(),
        p.mu.double().numpy(),
        p.log_scale.double().numpy(),
    )
    for name, samples in (("bits_per_dim", 1), ("bits_per_dim_iw7", 7)):
        found = metrics[name]
        assert found.value == pytest.approx(bits.mean(), rel=1e-4)
        assert found.se == pytest.approx(bits.std(ddof=1) / np.sqrt(20), rel=1e-3)
        assert (found.unit, found.kind, found.samples) == ("bits", "discrete", samples)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian"])
def test_densities_and_cross_entropies_have_no_bits_per_dimension(likelihood: str) -> None:
    """Only probabilities of discrete levels do."""
    metrics = publishing.measure(
        small.model(likelihood=likelihood),
        small.dataset(labelled=False),
        small.train_config(),
        importance_samples=2,
    )
    assert "nll_iw2" in metrics
    assert not [name for name in metrics if "bits" in name]


@pytest.mark.parametrize("kind", ["grey", "static"])
def test_the_images_trained_on_are_the_trainers(kind: str) -> None:
    """Both sets as the trainer has them: the subset that the seed draws, its pixels, its labels."""
    dataset = small.dataset()
    training = small.train_config(train_size=17, pixels=kind, seed=5)
    trainer = Trainer(small.model_config(prior="label", classes=2), training, dataset)
    train = publishing.trained_split(dataset, training)
    test = publishing.tested_split(dataset, training)
    assert len(train) == 17
    assert torch.equal(train.images, trainer._train)
    assert trainer._labels is not None
    assert train.labels is not None
    assert torch.equal(train.labels, trainer._labels)
    assert dataset.train.labels is not None
    assert torch.equal(train.labels, dataset.train.labels[train.ids])
    assert torch.equal(test.images, trainer._test)
    assert torch.equal(test.ids, dataset.test.ids)
    whole = publishing.trained_split(dataset, small.train_config(pixels=kind, seed=5))
    assert torch.equal(whole.images[train.ids], train.images)


def spoilt(dataset: ImageDataset, used: Tensor) -> ImageDataset:
    """Put test images, wrongly labelled, in place of the training images that are not used."""
    images, labels = dataset.train.images.clone(), dataset.train.labels
    assert labels is not None
    assert dataset.test.labels is not None
    others = torch.tensor([row for row in range(len(images)) if row not in used.tolist()])
    copied = torch.arange(len(others)) % len(dataset.test)
    images[others] = dataset.test.images[copied]
    labels = labels.scatter(0, others, 1 - dataset.test.labels[copied])
    train = dataclasses.replace(dataset.train, images=images, labels=labels)
    return dataclasses.replace(dataset, train=train)


def test_figures_of_training_images_are_of_those_trained_on() -> None:
    """What a subset left out changes neither the nearest images nor the classifiers' accuracy.

    The contrast: a training on all of them meets copies of the test images.
    """
    model, dataset = small.model(), small.dataset(n_train=60, n_test=30)
    part, whole = small.train_config(train_size=20, seed=5), small.train_config(seed=5)
    other = spoilt(dataset, publishing.trained_split(dataset, part).ids)
    names = ("sample_distance", "test_distance", "knn_accuracy", "probe_accuracy")
    before, after, contrast = (
        publishing.measure(model, data, training)
        for data, training in ((dataset, part), (other, part), (other, whole))
    )
    for name in names:
        assert after[name] == before[name], name
    assert before["test_distance"].value > 0.1
    assert contrast["test_distance"].value == 0
    assert contrast["knn_accuracy"].value < before["knn_accuracy"].value


def test_distances_are_to_the_nearest_image_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of samples and of test images, as all pairs give it, with the error of the mean."""
    model, dataset = small.model(), small.dataset()
    training = small.train_config(train_size=20, seed=5)
    drawn: list[Tensor] = []
    sample = model.sample

    def noted(n: int, *, generator: torch.Generator) -> Tensor:
        drawn.append(sample(n, generator=generator))
        return drawn[-1]

    monkeypatch.setattr(model, "sample", noted)
    metrics = publishing.measure(model, dataset, training)
    known = publishing.trained_split(dataset, training).images.numpy() / 255
    for name, pictures in (
        ("sample_distance", drawn[0].numpy()),
        ("test_distance", dataset.test.images.numpy() / 255),
    ):
        pairs = [[np.linalg.norm(one - other) for other in known] for one in pictures]
        nearest = np.array(pairs).min(axis=1)
        assert metrics[name].n == len(nearest) == 20
        assert metrics[name].value == pytest.approx(nearest.mean(), rel=1e-5)
        assert metrics[name].se == pytest.approx(nearest.std(ddof=1) / np.sqrt(20), rel=1e-4)


def expected_mmd(shift: float, dimensions: int) -> float:
    """Squared MMD of N(shift, I) and N(0, I), in closed form but for the kernel's width."""
    draws = np.random.default_rng(0).standard_normal((2, 100_000, dimensions)) * np.sqrt(2)
    pairs = np.concatenate([draws[0], draws[1] + shift])
    width = np.median((pairs**2).sum(axis=1))
    alike = (1 + 4 / width) ** (-dimensions / 2)
    return float(2 * alike * (1 - np.exp(-dimensions * shift**2 / (width + 4))))


def against_prior(model: VAE, dataset: ImageDataset) -> tuple[float, float]:
    """Return the squared MMD of a model's aggregate posterior and its prior, and its p-value."""
    metrics = publishing.measure(model, dataset, small.train_config())
    assert metrics["mmd"].n == metrics["mmd_p"].n == len(dataset.test)
    return metrics["mmd"].value, metrics["mmd_p"].value


def test_the_aggregate_posterior_is_held_against_the_prior() -> None:
    """0 where they are the same; where it is shifted, as far as the closed form says."""
    dataset = small.dataset(n_test=400, labelled=False)
    mmd, p = against_prior(small.blind(), dataset)
    assert abs(mmd) < 0.01
    assert p > 0.05
    mmd, p = against_prior(small.blind(mu=0.8), dataset)
    assert mmd == pytest.approx(expected_mmd(0.8, 3), rel=0.15)
    assert p == pytest.approx(1 / 501)


class Told(VAE):
    """A model whose posterior is the prior of a label: of the one that it is told."""

    def encode(self, x: Tensor, y: Tensor | None = None) -> DiagonalGaussian:
        """q(z|x, y) = p(z|y)."""
        prior = self.prior_given(y)
        assert isinstance(prior, LabelGaussian)
        return prior.gaussian


class Mistold(Told):
    """A model that takes one label for the other."""

    def encode(self, x: Tensor, y: Tensor | None = None) -> DiagonalGaussian:
        """q(z|x, y) = p(z|1 − y)."""
        assert y is not None
        return super().encode(x, 1 - y)


def test_a_label_prior_is_that_of_the_test_images_labels() -> None:
    """Nine in ten are of one label: posteriors that are their labels' priors are 0 away."""
    dataset = small.dataset(n_test=400, labelled=False)
    labels = (torch.arange(400) % 10 == 0).long()
    dataset = dataclasses.replace(dataset, test=dataclasses.replace(dataset.test, labels=labels))
    found = {}
    for kind in (Told, Mistold):
        model = kind(small.model_config(prior="label", classes=2)).requires_grad_(False)
        model.p_z.mu.copy_(torch.tensor([[-2.0] * 3, [2.0] * 3]))
        found[kind] = against_prior(model, dataset)
    mmd, p = found[Told]
    assert abs(mmd) < 0.01
    assert p > 0.05
    mmd, p = found[Mistold]
    assert mmd > 0.3
    assert p == pytest.approx(1 / 501)


def test_two_layers_are_drawn_through_both() -> None:
    """z1 ~ N(0, 0.9) and z2 ~ N(z1, 0.1) make N(0, 1); z2 at the mean of z1 would not."""
    model = small.blind(
        hidden=(11,), first_latent_dim=3, latent_dim=3, upper_hidden=(6,), activation="relu"
    )
    assert isinstance(model, HierarchicalVAE)
    both_signs = torch.cat([torch.eye(3), -torch.eye(3)])  # of relu units, whose difference is z1
    model.posterior.bias[3:] = small.unclamped(np.log(0.9))
    model.upper_encoder[0].weight.copy_(both_signs)
    model.upper_posterior.weight.zero_()
    model.upper_posterior.weight[:3] = both_signs.T
    model.upper_posterior.bias[3:] = small.unclamped(np.log(0.1))
    dataset = small.dataset(n_test=400, labelled=False)
    mmd, p = against_prior(model, dataset)
    assert abs(mmd) < 0.01
    assert p > 0.05
    generator = torch.Generator().manual_seed(0)
    shown = model.encode(dataset.test.images.float() / 255).sample(generator=generator)
    at_the_mean = evaluation.mmd(shown, torch.randn(400, 3, generator=generator))
    assert at_the_mean.mmd2 > 0.05


@pytest.mark.parametrize(
    ("settings", "estimator", "named"),
    [
        ({"latent_dim": 6}, "appendix-d", r"latent_dim 6 .*allowed: 1 to 5"),
        ({"first_latent_dim": 5, "upper_hidden": (5,)}, "ais", r"two.*allowed for it: nll_iw"),
    ],
)
def test_an_estimator_that_does_not_exist_is_refused_first(
    settings: dict[str, Any], estimator: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the test set is encoded before."""
    monkeypatch.setattr(evaluation, "encode", None)
    with pytest.raises(ConfigError, match=named):
        publishing.measure(
            small.model(**settings),
            small.dataset(),
            small.train_config(),
            estimators=["ais", estimator],
        )

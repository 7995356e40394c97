"""Pretrained models: they load, are small, and have the metrics of their cards."""

from __future__ import annotations

import dataclasses
import datetime
import math
from typing import Any

import pytest
import safetensors.numpy
import torch

from vae_core import evaluation, model_folder, publishing, recipes, studies
from vae_core.data import ImageDataset, load_dataset
from vae_core.errors import DatasetMissingError
from vae_core.studies import STUDIES, Study
from vae_core.studies.study import Comparison, Goal

MEGABYTE = 10**6
#: Nats, or this share of the standard error where a picture has thousands of them.
TOLERANCE, OF_THE_ERROR = 0.3, 0.2
#: Test −ELBO on grey pixels, in nats, that each model must reach.
MUST_REACH = {
    "mnist-2d": 132.0,
    "mnist-20d": 93.5,
    "mnist-20d-paper": 99.8,
    "mnist-3d": 131.5,
}
#: What studies must find.
STUDIES_MUST_FIND: dict[str, tuple[Goal | Comparison, ...]] = {
    "iwae": (
        Goal("1 layer, VAE, k = 1", "nll_iw5000", at_most=88.3),
        Goal("1 layer, IWAE, k = 5", "nll_iw5000", at_most=87.0),
        Goal("1 layer, IWAE, k = 50", "nll_iw5000", at_most=86.5),
        *(
            Comparison(worse, better, "nll_iw5000", at_least=0.0, beyond_error=True)
            for worse, better in (
                ("1 layer, VAE, k = 1", "1 layer, IWAE, k = 5"),
                ("1 layer, IWAE, k = 5", "1 layer, IWAE, k = 50"),
                ("1 layer, IWAE, k = 50", "2 layers, IWAE, k = 50"),
            )
        ),
        Comparison("1 layer, IWAE, k = 50", "1 layer, VAE, k = 1", "active_units", at_least=1.0),
    ),
    "conditional": (Goal("conditional", "nll_iw5000", at_most=84.5),),
    "priors": (
        Comparison("MNIST, standard", "MNIST, vamp", "nll_iw5000", at_least=1.0, beyond_error=True),
        Goal("Frey, standard", "bits_per_dim_iw5000", at_most=4.62),
        Goal("Frey, vamp", "bits_per_dim_iw5000", at_most=4.55),
    ),
    "latent-size": (
        Goal("z = 20", "elbo", at_least=-94.0),
        Comparison("z = 200", "z = 20", "elbo", at_least=-2.0),
    ),
    "convolution": (
        Comparison(
            "CIFAR-10, mlp",
            "CIFAR-10, conv",
            "bits_per_dim_iw500",
            at_least=0.4,
            beyond_error=True,
        ),
    ),
    "graphs": (
        Goal("z = 2, 6 units", "gap_percent", at_most=1.0),
        Goal("z = 20, 6 units", "gap_percent", at_most=1.0),
        *(
            Goal(cell, "gap_percent", at_least=0.0, within_error=True)
            for cell in ("z = 2", "z = 20", "z = 2, 6 units", "z = 20, 6 units")
        ),
        *(Goal(cell, "knn_accuracy", at_least=0.99) for cell in ("z = 2", "z = 2, 6 units")),
        *(Goal(cell, "knn_accuracy_pca", at_least=0.99) for cell in ("z = 20", "z = 20, 6 units")),
    ),
}
MODELS = model_folder.list_models()


def dataset_of(card: model_folder.ModelCard) -> ImageDataset:
    """Load a model's dataset, or skip visibly where it is missing."""
    try:
        return load_dataset(card.dataset)
    except DatasetMissingError as missing:
        pytest.skip(str(missing))


def importance_weighted(card: model_folder.ModelCard) -> model_folder.Metric:
    """Return the card's bound of the most samples."""
    found = [metric for key, metric in card.metrics.items() if key.startswith("nll_iw")]
    return max(found, key=lambda metric: metric.samples or 0)


def test_every_recipe_has_its_folder_and_every_folder_its_recipe() -> None:
    """So ``make pretrained`` makes all of them."""
    assert set(MODELS) == recipes.RECIPES.keys()
    assert MUST_REACH.keys() <= recipes.RECIPES.keys()


def test_all_of_them_are_small() -> None:
    """Models and results of studies together stay under 50 MB."""
    files = [path for path in model_folder.PRETRAINED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 50 * MEGABYTE


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_is_whole_and_small(name: str) -> None:
    """Weights fit their hash, codes their card; under 8 MB; nothing but the known files."""
    folder = model_folder.PRETRAINED / name
    assert {path.name for path in folder.iterdir()} == set(model_folder.FILES)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 8 * MEGABYTE
    card = model_folder.load_card(name)
    model, codes = model_folder.load_model(name), model_folder.load_codes(name)
    assert card.name == name
    assert card.parameters == sum(p.numel() for p in model.parameters())
    assert card.weights_hash
    assert len(card.kl_per_dim) == card.model.latent_dim
    assert bool(codes.projections) == (card.model.latent_dim > 2)
    assert len(model_folder.load_history(name)) == card.training.epochs
    assert {"elbo", "rate", "distortion", "active_units", "mmd"} <= card.metrics.keys()
    assert importance_weighted(card).samples
    assert card.classes == () or "knn_accuracy" in card.metrics
    assert card.command.startswith("python -m vae_core train ")


@pytest.mark.parametrize("name", MODELS)
def test_a_card_fits_its_own_codes(name: str) -> None:
    """Without any data: the stored rates and distortions have the card's mean and error."""
    card, codes = model_folder.load_card(name), model_folder.load_codes(name)
    for metric, values in (
        ("rate", codes.rate),
        ("distortion", codes.distortion),
        ("elbo", -(codes.rate + codes.distortion)),
    ):
        estimate = evaluation.Estimate.of(values)
        assert card.metrics[metric].value == pytest.approx(estimate.mean, abs=1e-3)
        assert card.metrics[metric].se == pytest.approx(estimate.se, abs=1e-3)
        assert card.metrics[metric].n == len(codes.ids)
    if card.model.prior == "standard":
        kl = evaluation.kl_per_dim(codes.mu, codes.logvar)
        torch.testing.assert_close(kl, torch.tensor(card.kl_per_dim), atol=1e-3, rtol=1e-3)
    assert card.metrics["active_units"].value == evaluation.active_units(codes.mu).sum()
    elbo = card.metrics["elbo"]
    assert importance_weighted(card).value < -elbo.value + max(1.0, 3 * (elbo.se or 0))


@pytest.mark.parametrize("name", MODELS)
def test_the_elbo_is_what_the_card_says(name: str) -> None:
    """Measured again on the whole test set with another seed, within 0.3 nats or little error."""
    card = model_folder.load_card(name)
    dataset = dataset_of(card)
    encoded = publishing.encode_test(model_folder.load_model(name), dataset, card.training, seed=77)
    measured = -(encoded.rate + encoded.distortion).double().mean().item()
    elbo = card.metrics["elbo"]
    tolerance = max(TOLERANCE, OF_THE_ERROR * (elbo.se or 0))
    assert measured == pytest.approx(elbo.value, abs=tolerance)
    codes = model_folder.load_codes(name)
    assert torch.equal(codes.ids, dataset.test.ids)
    assert encoded.rate.mean().item() == pytest.approx(card.metrics["rate"].value, abs=tolerance)


@pytest.mark.parametrize("name", MODELS)
def test_importance_sampling_agrees_with_the_card(name: str) -> None:
    """On 40 images the 200-sample bound is below −ELBO and agrees with the card's, of more samples.

    The card's is a mean over many more images, so the difference to the ELBO on the same images
    is compared, with four standard errors and what 200 samples give away against the card's.
    """
    card = model_folder.load_card(name)
    dataset = dataset_of(card)
    tested = publishing.tested_split(dataset, card.training)
    by_row = dataclasses.replace(tested, ids=torch.arange(len(tested)))
    some = by_row.spread(40)
    model, kind = model_folder.load_model(name), card.training.tested_on
    labels = some.labels if card.model.takes_labels else None
    found = evaluation.nll_iw(model, some.images, k=200, kind=kind, seed=7, labels=labels).nll
    codes = model_folder.load_codes(name)
    on_card = importance_weighted(card)
    stored = (codes.rate + codes.distortion)[by_row.spread(on_card.n).ids].mean().item()
    gained = evaluation.Estimate.of((codes.rate + codes.distortion)[some.ids] - found)
    assert gained.mean > 0
    more = stored - on_card.value
    assert gained.mean < more + 4 * gained.se
    assert gained.mean > more - 4 * gained.se - max(2.0, 0.25 * more)


@pytest.mark.parametrize("name", MUST_REACH)
def test_models_reach_their_figures(name: str) -> None:
    """Test −ELBO on grey pixels over all 10,000 images, as the card says and as stored."""
    card = model_folder.load_card(name)
    elbo = card.metrics["elbo"]
    assert (elbo.kind, elbo.split, elbo.n) == ("grey", "test", 10_000)
    assert -elbo.value <= MUST_REACH[name]
    if name == "mnist-20d-paper":
        assert (card.model.hidden, card.model.activation) == ((500,), "tanh")
    if name == "mnist-3d":
        assert (card.model.hidden, card.model.activation) == ((512,), "tanh")


def test_no_picture_of_a_dataset_is_in_the_repository() -> None:
    """A model folder holds codes, never images: no tensor has as many values as its pictures."""
    for name in MODELS:
        card, codes = model_folder.load_card(name), model_folder.load_codes(name)
        if card.model.pixels > 4 * card.model.latent_dim + 16:
            largest = max(column.numel() for column in codes.tensors().values())
            assert largest < len(codes.ids) * card.model.pixels


def result_of(name: str) -> dict[str, Any]:
    """Read the result of a study, or skip visibly where it has not been run."""
    path = studies.RESULTS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{name} has not been run")
    return studies.read(path)


def measured(name: str, asked: Goal | Comparison) -> tuple[float, float]:
    """Return what a study's files hold on a goal or comparison, and its standard error."""
    metrics = {cell["name"]: cell["metrics"] for cell in result_of(name)["cells"]}
    if isinstance(asked, Goal):
        found = metrics[asked.cell][asked.metric]
        return found["value"], found["se"] or 0.0
    one, other = (metrics[cell][asked.metric] for cell in (asked.one, asked.other))
    if one["se"] is None:
        return one["value"] - other["value"], 0.0
    columns = safetensors.numpy.load_file(studies.RESULTS / f"{name}.safetensors")
    a, b = (columns[f"{cell}/{asked.metric}"].astype(float) for cell in (asked.one, asked.other))
    assert a.mean() == pytest.approx(one["value"], rel=1e-5)
    assert b.mean() == pytest.approx(other["value"], rel=1e-5)
    return (a - b).mean(), (a - b).std(ddof=1) / math.sqrt(len(a))


def is_reached(asked: Goal | Comparison, value: float, se: float) -> bool:
    """Compare a value with its bounds, as far as the error counts."""
    slack = 3 * se if isinstance(asked, Goal) and asked.within_error else 0.0
    return (
        (asked.at_least is None or value >= asked.at_least - slack)
        and (asked.at_most is None or value <= asked.at_most + slack)
        and (isinstance(asked, Goal) or not asked.beyond_error or abs(value) > 3 * se)
    )


@pytest.mark.parametrize("name", STUDIES_MUST_FIND)
def test_studies_reach_their_figures(name: str) -> None:
    """What a study must find it declares, and the figures in its files are as good."""
    study = studies.find(name)
    for asked in STUDIES_MUST_FIND[name]:
        assert asked in (*study.goals, *study.comparisons)
        assert is_reached(asked, *measured(name, asked)), asked


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_what_a_result_judges_its_figures_say(study: Study) -> None:
    """Each goal and comparison is reported as reached or missed, from the values in the file."""
    result = result_of(study.name)
    assert not result["quick"]
    goals, comparisons = studies.judged(study, result)
    pairs = [*zip(study.goals, goals, strict=True)]
    pairs += zip(study.comparisons, comparisons, strict=True)
    for asked, found in pairs:
        if found["value"] is not None:
            value, se = measured(study.name, asked)
            assert found["value"] == pytest.approx(value, rel=1e-5, abs=1e-9)
            assert found["met"] == is_reached(asked, value, se), asked


def test_studies_measured_the_models_that_are_here() -> None:
    """A result names the weights that it was measured on; an older one is not older than they."""
    told = []
    for study in STUDIES.values():
        path = studies.RESULTS / f"{study.name}.json"
        found = studies.read(path)["cells"] if path.exists() else []
        models = {cell.name: cell.declared.get("pretrained") for cell in study.cells}
        for cell in found:
            if (model := models.get(cell["name"])) is not None:
                card = model_folder.load_card(model)
                made = datetime.datetime.fromisoformat(card.created)
                measured_at = datetime.datetime.fromisoformat(cell["created"])
                told.append(model)
                assert cell.get("weights", card.weights_hash) == card.weights_hash, model
                assert "weights" in cell or made <= measured_at, model
    assert {"mnist-iwae", "mnist-conditional", "frey-vamp", "graphs-2d"} <= set(told)

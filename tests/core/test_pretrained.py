"""The models that come with the project: they load, are small, and are as good as they say."""

from __future__ import annotations

import pytest
import torch

from vae_core import checkpoints, evaluation, pixels, publishing, recipes
from vae_core.data import ImageDataset, load_dataset
from vae_core.errors import DatasetMissingError
from vae_core.learning import static_test_seed

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
MODELS = checkpoints.list_models()


def dataset_of(card: checkpoints.ModelCard) -> ImageDataset:
    """Load a model's dataset, or skip visibly where it is missing."""
    try:
        return load_dataset(card.dataset)
    except DatasetMissingError as missing:
        pytest.skip(str(missing))


def importance_weighted(card: checkpoints.ModelCard) -> checkpoints.Metric:
    """Return the card's bound of the most samples."""
    found = [metric for key, metric in card.metrics.items() if key.startswith("nll_iw")]
    return max(found, key=lambda metric: metric.samples or 0)


def test_every_recipe_has_its_folder_and_every_folder_its_recipe() -> None:
    """So ``make pretrained`` makes all of them."""
    assert set(MODELS) == recipes.RECIPES.keys()
    assert MUST_REACH.keys() <= recipes.RECIPES.keys()


def test_all_of_them_are_small() -> None:
    """Models and results of studies together stay under 50 MB."""
    files = [path for path in checkpoints.PRETRAINED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 50 * MEGABYTE


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_is_whole_and_small(name: str) -> None:
    """Weights fit their hash, codes their card; under 8 MB; nothing but the known files."""
    folder = checkpoints.PRETRAINED / name
    assert {path.name for path in folder.iterdir()} == set(checkpoints.FILES)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 8 * MEGABYTE
    card = checkpoints.load_card(name)
    model, codes = checkpoints.load_model(name), checkpoints.load_codes(name)
    assert card.name == name
    assert card.parameters == sum(p.numel() for p in model.parameters())
    assert card.weights_hash
    assert len(card.kl_per_dim) == card.model.latent_dim
    assert bool(codes.projections) == (card.model.latent_dim > 2)
    assert len(checkpoints.load_history(name)) == card.training.epochs
    assert {"elbo", "rate", "distortion", "active_units", "mmd"} <= card.metrics.keys()
    assert importance_weighted(card).samples
    assert card.classes == () or "knn_accuracy" in card.metrics
    assert card.command.startswith("python -m vae_core train ")


@pytest.mark.parametrize("name", MODELS)
def test_a_card_fits_its_own_codes(name: str) -> None:
    """Without any data: the stored rates and distortions have the card's mean and error."""
    card, codes = checkpoints.load_card(name), checkpoints.load_codes(name)
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
    card = checkpoints.load_card(name)
    dataset = dataset_of(card)
    encoded = publishing.encode_test(checkpoints.load_model(name), dataset, card.training, seed=77)
    measured = -(encoded.rate + encoded.distortion).double().mean().item()
    elbo = card.metrics["elbo"]
    tolerance = max(TOLERANCE, OF_THE_ERROR * (elbo.se or 0))
    assert measured == pytest.approx(elbo.value, abs=tolerance)
    codes = checkpoints.load_codes(name)
    assert torch.equal(codes.ids, dataset.test.ids)
    assert encoded.rate.mean().item() == pytest.approx(card.metrics["rate"].value, abs=tolerance)


@pytest.mark.parametrize("name", MODELS)
def test_importance_sampling_agrees_with_the_card(name: str) -> None:
    """On 40 images the 200-sample bound lies under the ELBO, and fits the card's, of more samples.

    The card's is a mean over many more images, so the difference to the ELBO on the same images
    is compared, with four standard errors and what 200 samples give away against the card's.
    """
    card = checkpoints.load_card(name)
    dataset = dataset_of(card)
    images = pixels.prepare(
        dataset.test.images, card.training.tested_on, seed=static_test_seed(card.training.seed)
    )[:40]
    model, kind = checkpoints.load_model(name), card.training.tested_on
    labels = dataset.test.labels[:40] if card.model.takes_labels else None
    found = evaluation.nll_iw(model, images, k=200, kind=kind, seed=7, labels=labels).nll
    codes = checkpoints.load_codes(name)
    on_card = importance_weighted(card)
    limit = on_card.n
    stored = (codes.rate + codes.distortion)[:limit].mean().item()
    gained = evaluation.Estimate.of((codes.rate + codes.distortion)[:40] - found)
    assert gained.mean > 0
    more = stored - on_card.value
    assert gained.mean < more + 4 * gained.se
    assert gained.mean > more - 4 * gained.se - max(2.0, 0.25 * more)


@pytest.mark.parametrize("name", MUST_REACH)
def test_models_reach_their_figures(name: str) -> None:
    """Test −ELBO on grey pixels over all 10,000 images, as the card says and as stored."""
    card = checkpoints.load_card(name)
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
        card, codes = checkpoints.load_card(name), checkpoints.load_codes(name)
        if card.model.pixels > 4 * card.model.latent_dim + 16:
            largest = max(column.numel() for column in codes.tensors().values())
            assert largest < len(codes.ids) * card.model.pixels

"""What is loaded once: keyed by ids and hashes, and honest about what it shows."""

from __future__ import annotations

import dataclasses
import inspect
import io
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from app.address import Selection
from app.resources import datasets, examples, inference, library, opened_model, trainings
from app.resources.cache import LRUCache
from app.widgets import scenes, selection
from vae_core import data, evaluation, model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import CheckpointError, LatentExplorerError
from vae_core.models import VAE
from vae_core.runs import RunConfig


@pytest.fixture
def digits_2d(no_data: Path) -> opened_model.Opened:
    """Return the bundled model, opened."""
    return library.open_model("digits-2d")


def shuffled(opened: opened_model.Opened) -> opened_model.Opened:
    """Return a model whose encoded set lies in another order."""
    order = torch.randperm(len(opened.codes.ids), generator=torch.Generator().manual_seed(0))
    moved = {name: column[order] for name, column in opened.codes.tensors().items()}
    saved = dataclasses.replace(opened.saved, codes=model_folder.Codes.of(moved))
    return dataclasses.replace(opened, hash="shuffled", saved=saved)


def test_pictures_follow_their_ids_not_their_rows(digits_2d: opened_model.Opened) -> None:
    """Originals, labels and codes of an id are the same in whatever order the set lies."""
    moved = shuffled(digits_2d)
    ids = digits_2d.codes.ids[[3, 200, 77]].tolist()
    split = data.load_dataset("digits").test
    rows = [split.ids.tolist().index(i) for i in ids]
    for opened in (digits_2d, moved):
        shown = examples.pictures(opened, ids)
        assert shown.kind == examples.ORIGINAL
        np.testing.assert_array_equal(shown.images, split.images[rows].numpy())
        labels = [opened.label(i) for i in ids]
        assert labels == [str(int(split.labels[row])) for row in rows]


def test_without_the_data_pictures_are_reconstructions_and_say_so(
    digits_2d: opened_model.Opened,
) -> None:
    """A dataset that is not here, or of another shape, gives decoded means."""
    card = digits_2d.card.model_copy(update={"dataset": "mnist"})
    elsewhere = dataclasses.replace(
        digits_2d, saved=dataclasses.replace(digits_2d.saved, card=card)
    )
    ids = digits_2d.codes.ids[:4].tolist()
    shown = examples.pictures(elsewhere, ids)
    mean = digits_2d.model.decode(digits_2d.codes.mu[:4]).mean
    assert shown.kind == examples.RECONSTRUCTION
    assert np.abs(shown.images / 255 - mean.numpy()).max() <= 0.5 / 255 + 1e-6


def test_neighbours_are_those_of_brute_force(digits_2d: opened_model.Opened) -> None:
    """In both spaces, nearest first, without the example itself."""
    example = int(digits_2d.codes.ids[10])
    latent, pixel = examples.neighbours(digits_2d, example, 5)
    everyone = digits_2d.codes.ids.tolist()
    flat = examples.pictures(digits_2d, everyone).images.reshape(len(everyone), -1) / 255.0
    for found, points in ((latent, digits_2d.codes.mu.numpy()), (pixel, flat)):
        distances = np.linalg.norm(points - points[10], axis=1)
        distances[10] = np.inf
        np.testing.assert_allclose(found.distances, np.sort(distances)[:5], rtol=1e-4)
        assert example not in found.ids
        np.testing.assert_allclose(distances[digits_2d.rows(found.ids)], found.distances, rtol=1e-4)


def test_a_selection_holds_the_ids_inside(digits_2d: opened_model.Opened) -> None:
    """The same ids in whatever order the set lies."""
    square = Selection("axes-1-2", ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)))
    inside = digits_2d.codes.ids[(digits_2d.codes.mu.abs() < 1).all(dim=1)].tolist()
    assert 0 < len(inside) < len(digits_2d.codes.ids)
    assert sorted(selection.selected(digits_2d, square).tolist()) == sorted(inside)
    assert sorted(selection.selected(shuffled(digits_2d), square).tolist()) == sorted(inside)


def test_an_encoding_is_the_posterior_with_its_closed_form_rate(
    digits_2d: opened_model.Opened,
) -> None:
    """The rate is the KL of q(z|x); the distortion is an expectation, so seeds agree closely."""
    example = int(digits_2d.codes.ids[0])
    x = examples.pictures(digits_2d, [example]).images[0].astype(np.float32) / 255
    encoding = inference.encode(digits_2d, x, seed=0)
    np.testing.assert_allclose(encoding.mu, digits_2d.codes.mu[0].numpy(), atol=2e-3)
    assert encoding.rate == pytest.approx(float(digits_2d.codes.rate[0]), abs=1e-3)
    other = inference.encode(digits_2d, x, seed=1)
    assert encoding.distortion == pytest.approx(other.distortion, abs=1.0)
    below = digits_2d.codes.distortion < encoding.distortion
    assert encoding.share_below == pytest.approx(float(below.float().mean()))


def test_draws_come_from_the_posterior(digits_2d: opened_model.Opened) -> None:
    """Their mean and spread are mu and sigma; one seed gives one set of draws."""
    x = np.zeros((1, 8, 8), dtype=np.float32)
    encoding = inference.encode(digits_2d, x, seed=0)
    draws = inference.posterior_draws(digits_2d, encoding, 20_000, seed=0)
    sigma = np.exp(0.5 * encoding.logvar)
    np.testing.assert_allclose(draws.mean(axis=0), encoding.mu, atol=5 * sigma.max() / 141)
    np.testing.assert_allclose(draws.std(axis=0), sigma, rtol=0.05)
    again = inference.posterior_draws(digits_2d, encoding, 20_000, seed=0)
    np.testing.assert_array_equal(draws, again)


def test_the_pinned_code_is_z_else_the_examples_else_the_priors_mean(
    digits_2d: opened_model.Opened,
) -> None:
    """A free code goes before an example, an example before the origin."""
    example = int(digits_2d.codes.ids[5])
    assert scenes.pinned_z(digits_2d, (1.0, 2.0), example).tolist() == [1.0, 2.0]
    mu = digits_2d.codes.mu[5].tolist()
    assert scenes.pinned_z(digits_2d, None, example).tolist() == mu
    assert scenes.pinned_z(digits_2d, None, None).tolist() == [0.0, 0.0]


def test_an_unknown_model_is_named_with_those_that_exist(no_data: Path) -> None:
    """Nor can a name climb out of the models' folder."""
    for name in ("nothing", "../pretrained/digits-2d", ".."):
        with pytest.raises(CheckpointError, match="digits-2d"):
            library.open_model(name)


def test_an_opened_file_is_found_by_its_content(no_data: Path) -> None:
    """The same zip has the same name, and equals the folder that it was packed from."""
    content = model_folder.zip_folder("digits-2d")
    opened = library.open_zip(content)
    assert library.open_zip(content).name == opened.name
    assert library.open_model(opened.name) is library.open_zip(content)
    original = library.open_model("digits-2d")
    assert torch.equal(opened.codes.mu, original.codes.mu)


def test_a_file_with_known_weights_keeps_its_own_codes(no_data: Path) -> None:
    """What is cached about a model of the project never holds codes that somebody opened."""
    original = library.open_model("digits-2d")
    theirs = library.open_zip(model_folder.zip_folder("digits-2d"))
    moved = dataclasses.replace(theirs.codes, mu=theirs.codes.mu + 1)
    theirs = dataclasses.replace(theirs, saved=dataclasses.replace(theirs.saved, codes=moved))
    assert opened_model.codes_address(theirs) != opened_model.codes_address(original)
    assert opened_model.decoder_address(theirs) == opened_model.decoder_address(original)


def test_opened_files_are_bounded(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes when they are too large together, and opening it says that it is gone."""
    saved = model_folder.open_zip(model_folder.zip_folder("digits-2d"))
    monkeypatch.setattr(model_folder, "open_zip", lambda content: saved)
    weights = sum(tensor.nbytes for tensor in saved.model.state_dict().values())
    monkeypatch.setattr(library, "_uploads", LRUCache(5 * weights, size=library._size))
    names = [library.open_zip(bytes([i])).name for i in range(6)]
    assert library.open_model(names[-1]).name == names[-1]
    with pytest.raises(CheckpointError, match=names[0]):
        library.open_model(names[0])


def test_addresses_name_their_content(digits_2d: opened_model.Opened) -> None:
    """A decoder has one address; another model has another."""
    address = opened_model.decoder_address(digits_2d)
    assert address == opened_model.decoder_address(digits_2d)
    assert address != opened_model.encoder_address(digits_2d)
    assert examples.sprite_address(digits_2d) is not None


def test_a_typical_example_lies_nearest_to_its_class() -> None:
    """No example of the class is nearer to the mean of the class's codes."""
    opened = library.open_model("digits-2d")
    labels, mu = opened.codes.labels, opened.codes.mu
    assert labels is not None
    for label in range(10):
        row = opened_model.typical(opened, label)
        assert int(labels[row]) == label
        distances = (mu[labels == label] - mu[labels == label].mean(0)).norm(dim=1)
        own = (mu[row] - mu[labels == label].mean(0)).norm()
        assert float(own) == pytest.approx(float(distances.min()))


def test_neighbours_are_decoded_once(
    digits_2d: opened_model.Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the data all pictures are decoded for the first example alone."""
    decoded, counts = examples.decoded, []

    def counted(opened: opened_model.Opened, z: torch.Tensor, y: None = None) -> np.ndarray:
        counts.append(len(z))
        return decoded(opened, z, y)

    monkeypatch.setattr(examples, "originals", lambda opened: None)
    monkeypatch.setattr(examples, "decoded", counted)
    found = [examples.neighbours(digits_2d, int(i), 5) for i in digits_2d.codes.ids[:3]]
    assert counts == [len(digits_2d.codes.ids)]
    assert len({tuple(pixel.ids) for _, pixel in found}) == 3


def test_the_disk_is_looked_at_once_for_all(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks within a second shares a look; a model that came since is found all the same."""
    listed, looks = model_folder.list_models, []

    def counted(*folder: Path) -> list[str]:
        looks.append(folder)
        return listed(*folder)

    monkeypatch.setattr(model_folder, "list_models", counted)
    for _ in range(5):
        library.open_model("digits-2d")
        library.machine_names()
    assert len(looks) == 2
    shutil.copytree(model_folder.PRETRAINED / "digits-2d", runs.runs_dir() / "another")
    assert library.open_model("another").name == "another"


def test_a_photograph_is_kept_small(digits_2d: opened_model.Opened) -> None:
    """What was done to it is kept as it is shown; what the model sees is kept whole."""
    photograph = np.full((1200, 1600, 3), 240, dtype=np.uint8)
    photograph[300:900, 700:800] = 10
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, "PNG")
    prepare = inspect.unwrap(inference._prepared)  # without the session that keeps it
    prepared = prepare("", digits_2d.card.model.image_shape, "digits", (), file.getvalue())
    assert prepared.image.shape == (1, 8, 8)
    assert prepared.steps[0].name == "The picture"
    assert max(max(step.picture.shape) for step in prepared.steps) <= inference.STEP_SIDE


@pytest.fixture
def trained(no_data: Path) -> Path:
    """Return the folder of a short training that has finished."""
    config = RunConfig(
        name="short",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(16,)),
        training=TrainConfig(dataset="digits", epochs=1, threads=1),
    )
    folder = runs.create(runs.runs_dir() / "short", config)
    assert runs.execute(folder) == "finished"
    return folder


def test_a_model_in_training_is_encoded_and_not_decoded(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its map has the posterior of the first test pictures, and no figures that need a decoder."""
    monkeypatch.setattr(VAE, "decode", None)
    opened = trainings.in_training(trained)
    assert opened is not None
    test = data.load_dataset("digits").test
    q = opened.model.encode(test.images.float() / 255)
    torch.testing.assert_close(opened.codes.mu, q.mu[: datasets.LIVE_POINTS])
    torch.testing.assert_close(opened.codes.logvar, q.logvar[: datasets.LIVE_POINTS])
    assert opened.codes.distortion.isnan().all()
    assert opened.class_names == tuple(map(str, range(10)))


def test_nobody_waits_for_new_pictures_of_a_training(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks while the next ones are made is given the last ones."""
    first = trainings.in_training(trained)
    assert first is not None
    os.utime(trained / runs.CHECKPOINT, ns=(1, 1))  # another checkpoint
    posteriors, may_go_on = evaluation.posteriors, threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        assert may_go_on.wait(60)
        return posteriors(*given, **named)

    monkeypatch.setattr(evaluation, "posteriors", slow)
    time.sleep(trainings.NEW_PICTURES + 0.1)
    assert trainings.in_training(trained) is first
    assert trainings.in_training(trained) is first
    may_go_on.set()
    end = time.monotonic() + 30
    while trainings.in_training(trained) is first:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_end_of_a_training_is_what_is_shown_after_it(trained: Path) -> None:
    """The page looks no more then, so that it waits for the last checkpoint."""
    first = trainings.in_training(trained)
    os.utime(trained / runs.CHECKPOINT, ns=(1, 1))  # the last one, written just now
    last = trainings.in_training(trained, is_still=True)
    assert first is not None
    assert last is not None
    assert last.hash != first.hash
    assert trainings.in_training(trained, is_still=True) is last


def test_live_pictures_do_not_hold_their_dataset(no_data: Path) -> None:
    """Some pictures are kept, and not the memory of all of them."""
    images = datasets.first_pictures("digits").images
    assert images.untyped_storage().nbytes() == images.nbytes


def test_no_cluster_hides_no_training(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How all stand is told, and beside it why nobody could be given a turn."""

    def nobody(root: Path) -> None:
        raise LatentExplorerError("no cluster answers at tcp://10.0.0.1:8786")

    monkeypatch.setattr(runs.queue, "advance", nobody)
    found = trainings.trainings(trained.parent)
    assert list(found.all) == ["short"]
    assert found.trouble == "no cluster answers at tcp://10.0.0.1:8786"

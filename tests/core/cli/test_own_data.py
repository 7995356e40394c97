"""Own data on the command line: looked at, trained on, measured, encoded."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from vae_core import model_folder
from vae_core.cli import main
from vae_core.data import survey
from vae_core.formats import html

TRAINED = [
    "--epochs",
    "1",
    "--hidden",
    "8",
    "--latent-dim",
    "2",
    "--threads",
    "1",
    "--batch-size",
    "20",
]


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Return a folder of 60 pictures in colour, 24 × 20, in three folders; four are the same."""
    random = np.random.default_rng(5)
    for i in range(60):
        folder = tmp_path / "shapes" / ("disc", "ring", "bar")[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (24, 20, 3), dtype=np.uint8)
        if i < 5:
            pixels[:] = 70
        PIL.Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return tmp_path / "shapes"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    """Run a command; return what it printed on stdout and stderr."""
    capsys.readouterr()
    main.main([str(word) for word in words])
    said = capsys.readouterr()
    return said.out, said.err


def test_a_survey_counts_what_is_found(shapes: Path):
    """Sizes, classes, duplicates, blank pictures, and a dozen to look at."""
    (shapes / "bar" / "notes.txt").write_text("x")
    found = survey.survey(shapes)
    assert found.found == 60
    assert found.sizes == {(3, 24, 20): 60}
    assert found.counts == (54, 6, 0)
    assert found.classes == {"bar": 20, "disc": 20, "ring": 20}
    assert (found.duplicates, found.constant) == (4, 5)
    assert found.pictures.shape == (12, 3, 24, 20)
    assert "not a picture (.txt)" in " ".join(found.notes)
    said = " ".join(found.sentences)
    assert "24 × 20 pixels in colour: 54 to train on, 6 to test on" in said
    assert "4 pictures are the same as an earlier one" in said
    assert "5 pictures are blank" in said


def test_data_is_looked_at_before_it_is_used(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """As sentences, as JSON, and as a picture."""
    out, _ = run(capsys, "data", shapes, "--out", tmp_path / "twelve.png")
    assert "shapes is a folder of pictures with 60 pictures." in out
    with PIL.Image.open(tmp_path / "twelve.png") as shown:
        assert shown.size[0] >= 12 * 20
    told = json.loads(run(capsys, "data", shapes, "--json", "--image-shape", "1,12,10")[0])
    assert told["image_shape"] == [1, 12, 10]
    assert told["sizes"] == [[3, 24, 20, 60]]
    assert told["duplicates"] == 4


def test_own_data_is_trained_on_from_any_folder(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
):
    """Relative paths are kept whole, the likelihood follows the data, the card knows the size."""
    monkeypatch.chdir(tmp_path)
    _, said = run(
        capsys, "train", "--dataset", "shapes", "--image-shape", "3,12,12", "--out", "m", *TRAINED
    )
    assert "other sizes are cropped and resized to 12 × 12" in said
    card = model_folder.load_card(tmp_path / "m")
    assert card.model.image_shape == (3, 12, 12)
    assert card.model.likelihood == "discretised-logistic"
    assert card.training.dataset == str(shapes)
    assert str(tmp_path).encode() not in html.page(model_folder.open_folder(tmp_path / "m"))
    shared = model_folder.open_zip(model_folder.zip_folder(tmp_path / "m")).card
    assert str(tmp_path) not in shared.model_dump_json()
    assert (shared.dataset, shared.training) == (
        "shapes",
        card.training.model_copy(update={"dataset": "shapes"}),
    )
    monkeypatch.chdir("/")
    told = json.loads(run(capsys, "evaluate", tmp_path / "m", "--json")[0])
    assert told["metrics"]
    run(capsys, "encode", tmp_path / "m", "--out", tmp_path / "codes.csv")
    with (tmp_path / "codes.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6


@pytest.mark.parametrize(
    ("ink", "likelihood"), [(False, "discretised-logistic"), (True, "bernoulli")]
)
def test_the_likelihood_follows_grey_data(
    ink: bool, likelihood: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Ink is nearly on or off; other grey pictures have levels, which is said."""
    pictures = np.random.default_rng(0).integers(0, 256, (40, 12, 12), dtype=np.uint8)
    if ink:
        pictures = np.zeros((40, 12, 12), np.uint8)
        pictures[:, 3:9, 5:7] = 255
    np.save(tmp_path / "grey.npy", pictures)
    _, said = run(
        capsys, "train", "--dataset", tmp_path / "grey.npy", "--out", tmp_path / "m", *TRAINED
    )
    assert model_folder.load_card(tmp_path / "m").model.likelihood == likelihood
    assert ("grey levels" in said) is not ink


def test_other_data_is_encoded(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An array of another size is brought to that of the model."""
    run(capsys, "train", "--dataset", shapes, "--out", tmp_path / "m", *TRAINED)
    more = np.random.default_rng(0).integers(0, 256, (30, 12, 11, 3), dtype=np.uint8)
    np.save(tmp_path / "more.npy", more)
    words = ["encode", tmp_path / "m", "--dataset", tmp_path / "more.npy", "--split", "train"]
    _, said = run(capsys, *words, "--out", tmp_path / "codes.csv")
    assert "cropped and resized to 24 × 20" in said
    with (tmp_path / "codes.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 27


@pytest.mark.parametrize("shape", ["3,12", "a,b,c", "2,12,12", "3,12,9999"])
def test_a_shape_that_cannot_be_is_refused(
    shapes: Path, shape: str, capsys: pytest.CaptureFixture[str]
):
    """With the value and what is allowed."""
    with pytest.raises(SystemExit):
        main.main(["data", str(shapes), "--image-shape", shape])
    assert shape.split(",")[-1] in capsys.readouterr().err

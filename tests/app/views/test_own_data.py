"""Own data on the Train page: dropped, looked at, shaped, forgotten."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import words
from app.resources import datasets, examples, library
from app.views.reconstruct import result
from app.views.train import own_data, suggestions
from vae_core import data, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import own, preparing
from vae_core.errors import DatasetError
from vae_core.images import Frame
from vae_core.runs import RunConfig

Open = Callable[..., AppTest]


def shapes(n: int = 60, *, colour: bool = True) -> bytes:
    """Return a zip of pictures in three folders, each a box somewhere on a dark ground."""
    random = np.random.default_rng(3)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for i in range(n):
            pixels = np.full((20, 16, 3), 10, dtype=np.uint8)
            row, column = random.integers(2, 10, 2)
            pixels[row : row + 4 + i % 3, column : column + 3] = (200, 90 if colour else 200, 200)
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            archive.writestr(f"mine/{'abc'[i % 3]}/{i:03}.png", stream.getvalue())
    return content.getvalue()


def bring(session: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Choose own data and drop files."""
    session.selectbox(key="train-data").set_value(own_data.BRING).run()
    uploader = session.file_uploader(key="train-own-files")
    uploader.set_value([(name, content, "application/octet-stream") for name, content in files])
    return session.run()


def said(session: AppTest) -> str:
    """Join what the page says."""
    parts = (session.caption, session.markdown, session.error, session.info)
    return "\n".join(str(one.value) for part in parts for one in part)


def test_a_dropped_zip_is_a_dataset(open_page: Open) -> None:
    """What it holds is shown, its settings are suggested, and Train starts on it."""
    session = bring(open_page("train"), ("my shapes.zip", shapes()))
    assert not session.exception
    (kept,) = own.in_folder(runs.runs_dir())
    assert session.selectbox(key="train-data").value == str(kept.folder)
    assert "60 pictures · 20 × 16, colour · 3 classes" in said(session)
    assert str(kept.folder) not in said(session)
    shown = session.selectbox(key="train-data").options
    assert "my shapes" in shown
    assert not any(str(runs.runs_dir()) in one for one in shown)
    tag = datasets.tag(str(kept.folder))
    assert session.selectbox(key=f"train-likelihood-{tag}").value == "discretised-logistic"
    assert session.button(key="train-start").disabled is False


def test_size_and_colour_make_another_dataset(open_page: Open) -> None:
    """The same files at another size; the first one is not kept."""
    session = bring(open_page("train"), ("mine.zip", shapes()))
    (first,) = own.in_folder(runs.runs_dir())
    tag = datasets.tag(str(first.folder))
    session.selectbox(key=f"train-side-{tag}").set_value(32).run()
    (second,) = own.in_folder(runs.runs_dir())
    assert second.said.image_shape == (3, 32, 26)
    assert "32 × 26, colour" in said(session)
    session.selectbox(key=f"train-channels-{datasets.tag(str(second.folder))}").set_value(1).run()
    assert "32 × 26, grey" in said(session)
    assert not session.exception


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.zip", b"PK nothing", "found no complete zip file"),
        ("x.txt", b"hello", "is no dataset that is read"),
        ("x.npz", b"", "no complete .npz file"),
    ],
)
def test_what_is_no_data_is_said(open_page: Open, name: str, content: bytes, sentence: str) -> None:
    """In a sentence without a path of this host; it can be forgotten."""
    session = bring(open_page("train"), (name, content))
    assert not session.exception
    assert sentence in said(session)
    assert str(runs.runs_dir()) not in said(session)
    session.button(key="train-forget-data").click().run()
    assert own.in_folder(runs.runs_dir()) == []
    assert not session.exception


def test_data_that_a_training_needs_is_not_forgotten(open_page: Open) -> None:
    """And the form of a copy offers it again."""
    session = bring(open_page("train"), ("mine.zip", shapes()))
    (kept,) = own.in_folder(runs.runs_dir())
    config = RunConfig(
        name="boxes",
        model=ModelConfig(
            image_shape=(3, 20, 16), latent_dim=2, hidden=(8,), likelihood="gaussian"
        ),
        training=TrainConfig(dataset=str(kept.folder), epochs=1, threads=1),
    )
    runs.create(runs.runs_dir() / "boxes", config)
    session.button(key="train-forget-data").click().run()
    assert "delete the training first" in said(session)
    assert own.in_folder(runs.runs_dir()) == [kept]


def test_no_data_is_taken_where_training_is_off(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so."""
    monkeypatch.setenv("VAE_TRAINING", "off")
    session = open_page("train")
    session.selectbox(key="train-data").set_value(own_data.BRING).run()
    assert "so is bringing data" in said(session)


@pytest.mark.parametrize(
    ("n", "shape", "is_ink", "expected"),
    [
        (2_700, (3, 64, 64), False, (40, 14, "discretised-logistic", "512, 256")),
        (54_000, (1, 28, 28), True, (200, 10, "bernoulli", "512, 256")),
        (54, (1, 8, 8), True, (20, 200, "bernoulli", "256, 128")),
        (900, (1, 28, 28), False, (20, 167, "discretised-logistic", "512, 256")),
    ],
)
def test_settings_follow_from_the_data(
    n: int, shape: tuple[int, int, int], is_ink: bool, expected: tuple[int, int, str, str]
) -> None:
    """From its number of pictures, their size and their values."""
    found = suggestions.by_rule(n, shape, is_ink=is_ink)
    assert (found.batch_size, found.epochs, found.likelihood, found.hidden["mlp"]) == expected


def test_a_card_of_a_stranger_names_no_path_of_this_host(tmp_path: Path) -> None:
    """An uploaded model may name any path; only kept data is read for it."""
    (tmp_path / "secret").mkdir()
    assert not datasets.is_present(str(tmp_path / "secret"), trusted=False)
    assert datasets.is_present(str(tmp_path / "secret"))
    kept = own.keep(tmp_path, {"a.zip": shapes()}, owner="me")
    assert datasets.is_present(str(kept.folder), trusted=False)
    assert datasets.title(str(kept.folder)) == "a"


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the server's data folder, which it offers, with two datasets and what is none."""
    root = tmp_path / "served"
    with zipfile.ZipFile(io.BytesIO(shapes())) as archive:
        archive.extractall(root / "some" / "boxes")
    (root / "digits.zip").write_bytes(shapes(30))
    (root / "README.md").write_text("no data")
    (root / "mnist").mkdir()
    (root / "mnist" / "a.zip").write_bytes(b"PK")  # known datasets have choices of their own
    (tmp_path / "secret.zip").write_bytes(shapes(30))
    (root / "link.zip").symlink_to(tmp_path / "secret.zip")
    monkeypatch.setenv("VAE_DATA_DIR", str(root))
    monkeypatch.setenv("VAE_SERVER_DATA", "on")
    return root


def test_data_of_the_server_can_be_chosen(open_page: Open, data_folder: Path) -> None:
    """Where it is offered: by its relative name, without a copy, and with a size of one's own."""
    session = open_page("train")
    session.selectbox(key="train-data").set_value(own_data.BRING).run()
    offered = session.selectbox(key="train-own-server")
    assert offered.options == ["digits.zip", "some/boxes"]
    offered.set_value("some/boxes").run()
    assert not session.exception
    assert "60 pictures · 20 × 16, colour · 3 classes" in said(session)
    (kept,) = own.in_folder(runs.runs_dir())
    assert kept.path == data_folder / "some" / "boxes"
    assert not (kept.folder / own.FILES).exists()
    assert str(data_folder) not in said(session)
    tag = datasets.tag(str(kept.folder))
    session.selectbox(key=f"train-side-{tag}").set_value(8).run()
    assert "8 × 6, colour" in said(session)
    session.button(key="train-forget-data").click().run()
    assert own.in_folder(runs.runs_dir()) == []
    assert (data_folder / "some" / "boxes" / "mine").is_dir()


def test_nothing_of_the_server_is_offered_unless_it_says_so(
    open_page: Open, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor neither sees names nor chooses one; what leads out is never found."""
    for name in ("../secret.zip", "link.zip", "/etc", "nothing", "a\0b"):
        with pytest.raises(DatasetError, match="The data folder has no"):
            datasets.choose_on_server(name, "me")
    monkeypatch.delenv("VAE_SERVER_DATA")
    session = open_page("train")
    session.selectbox(key="train-data").set_value(own_data.BRING).run()
    assert "train-own-server" not in [one.key for one in session.selectbox]
    with pytest.raises(DatasetError, match="not offered"):
        datasets.choose_on_server("digits.zip", "me")


def test_own_data_is_decoded_once(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is said of it and for the form."""
    counted = []
    build = preparing.build

    def counting(*words: Any, **settings: Any) -> Any:
        counted.append(1)
        return build(*words, **settings)

    monkeypatch.setattr(preparing, "build", counting)
    session = bring(open_page("train"), ("once.zip", shapes(45)))
    assert session.button(key="train-start").disabled is False
    assert len(counted) == 1


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("/home/ann/runs/.data/0123456789abcdef01234567/files/x.npz is cut", "x.npz is cut"),
        ("'/var/lib/data/mnist/a.gz' is missing, 3 / 4 of it", "'a.gz' is missing, 3 / 4 of it"),
        ("see https://example.org/a/b/c and docs/deploy.md", None),
        ("/srv/runs/.data/0123456789abcdef01234567 is no dataset", "the data is no dataset"),
    ],
)
def test_visitors_see_no_path_of_this_host(sentence: str, shown: str | None) -> None:
    """Of a file its name alone; addresses and relative paths stay."""
    assert words.without_paths(sentence) == (sentence if shown is None else shown)


def test_commands_name_own_data_by_its_title(tmp_path: Path) -> None:
    """As they are shown and copied; a title with spaces is one word."""
    kept = own.keep(tmp_path / "runs", {"my shapes.zip": shapes()}, owner="me")
    config = RunConfig(
        name="boxes",
        model=ModelConfig(image_shape=(3, 20, 16), likelihood="gaussian"),
        training=TrainConfig(dataset=str(kept.folder)),
    )
    shown = datasets.without_path(runs.command_line(config), str(kept.folder))
    assert "--dataset 'my shapes' " in shown
    assert str(tmp_path) not in shown


def crosses() -> bytes:
    """Return a .npz file of labelled crosses of dark ink on white."""
    pictures = np.full((40, 16, 16), 255, np.uint8)
    for row, one in enumerate(pictures):
        one[3:13, 4 + row % 7] = one[4 + row % 5, 3:13] = 0
    stream = io.BytesIO()
    np.savez(stream, x=pictures, y=np.arange(40) % 2)
    return stream.getvalue()


def test_a_model_of_own_data_is_like_the_others(open_page: Open) -> None:
    """Originals, nearest training images, a pad, a copy, a command: none with a path."""
    root = runs.runs_dir()
    kept = own.keep(root, {"my crosses.npz": crosses()}, owner="me")
    config = RunConfig(
        name="crosses",
        model=ModelConfig(image_shape=(1, 16, 16), latent_dim=2, hidden=(8,)),
        training=TrainConfig(dataset=str(kept.folder), epochs=1, batch_size=20, threads=1),
    )
    assert runs.execute(runs.create(root / "crosses", config)) == "finished"
    model = library.open_model("crosses")
    expected = data.load_dataset(kept.folder)
    found = examples.pictures(model, model.codes.ids.numpy())
    assert found.kind == examples.ORIGINAL
    assert np.array_equal(found.images, expected.test.images.numpy())
    nearest = examples.nearest_training_images(model, np.zeros(2, np.float32), None, 3)
    assert nearest is not None
    assert nearest.images.shape == (3, 1, 16, 16)
    assert result.can_draw(model)
    assert isinstance(model.card.prepared_as, Frame)
    assert model.card.prepared_as.dark
    assert "my crosses" in library.describe("crosses")
    for page in ("explore", "decode", "reconstruct", "train"):
        session = open_page(
            page, model="crosses", **({"run": "crosses"} if page == "train" else {})
        )
        assert not session.exception, page
        assert str(root) not in said(session), page
    session.button(key="train-copy-crosses").click().run()
    assert not session.exception
    assert session.selectbox(key="train-data").value == str(kept.folder)
    assert session.button(key="train-start").disabled is False

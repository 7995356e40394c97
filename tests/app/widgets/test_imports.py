"""Opening a model made elsewhere: files dropped into the dialog, a check, and the open model."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.resources import imports, library
from app.resources.imports import Upload
from app.resources.opened_model import Opened
from vae_core.jobs import commands
from vae_core.jobs.commands import Outcome, Work

Open = Callable[..., AppTest]
FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign"
ONNX = "application/octet-stream"


def files(name: str, *parts: str) -> list[tuple[str, bytes, str]]:
    """Return ONNX files and pictures of a foreign model as uploads."""
    folder = FOREIGN / name / "legacy"
    found = [(f"{part}.onnx", (folder / f"{part}.onnx").read_bytes(), ONNX) for part in parts]
    return [*found, ("pictures.npz", (FOREIGN / name / "pictures.npz").read_bytes(), ONNX)]


def form() -> None:
    """Script of a page with the dialog's content alone, which opens models in the library."""
    import streamlit as st

    from app import state
    from app.resources import library
    from app.widgets import imports

    state.load()
    imports.form(lambda content: st.code(library.open_zip(content).name))


def dropped(uploads: list[tuple[str, bytes, str]]) -> AppTest:
    """Drop files into the dialog."""
    session = AppTest.from_function(form, default_timeout=240).run()
    return session.file_uploader(key="w-import-files").set_value(uploads).run()


def said(session: AppTest) -> str:
    """Everything in the dialog."""
    parts = (session.markdown, session.error, session.warning, session.caption)
    return "\n".join(str(element.value) for part in parts for element in part)


def test_files_are_checked_and_opened(no_data: Path) -> None:
    """What was found is said before the model opens, which is listed for nobody else."""
    session = dropped(files("pytorch-vae", "encoder", "decoder"))
    session.button(key="w-import-check").click().run(timeout=240)
    assert not session.exception
    assert "Output probabilities: the decoder ends in a sigmoid." in said(session)
    session.button(key="w-import-open").click().run(timeout=240)
    assert not session.exception
    (name,) = (element.value for element in session.code)
    assert name.startswith("file-")
    opened = library.open_model(name)
    assert isinstance(opened, Opened)
    assert len(opened.codes.ids) == 200
    assert name not in library.model_names()
    assert "encoder.onnx" in opened.card.command


def test_the_sidebar_offers_the_dialog(open_page: Open) -> None:
    """It opens over the page."""
    session = open_page("explore")
    session.button(key="w-import").click().run()
    assert not session.exception
    assert "Drop the ONNX files of an encoder and a decoder" in said(session)


def test_what_has_to_be_told_is_asked_and_told(no_data: Path) -> None:
    """Logits are no certain output; stating them opens the model."""
    session = dropped(files("conditional", "encoder", "decoder"))
    session.button(key="w-import-check").click().run(timeout=240)
    assert "state “Decoder returns” as one of" in said(session)
    session.selectbox(key="w-import-output").set_value("logits").run()
    session.button(key="w-import-check").click().run(timeout=240)
    assert "Likelihood bernoulli" in said(session)


def test_a_generator_s_pictures_are_no_reconstructions(no_data: Path) -> None:
    """A decoder alone is shown by what it makes of drawn codes."""
    session = dropped(files("generator", "decoder")[:1])
    session.selectbox(key="w-import-output").set_value("[-1,1]").run()
    session.button(key="w-import-check").click().run(timeout=240)
    assert not session.exception
    caption = session.get("image")[0].proto.imgs[0].caption
    assert caption == "Pictures of codes drawn from N(0, I)."


def test_a_file_that_is_no_network_is_refused_by_a_sentence(no_data: Path) -> None:
    """Nothing opens."""
    session = dropped([("decoder.onnx", b"no network", ONNX)])
    session.button(key="w-import-open").click().run(timeout=240)
    assert not session.exception
    assert "Not opened: decoder: not an ONNX file" in said(session)
    assert not session.code
    three = dropped([("a.onnx", b"", ONNX), ("b.onnx", b"", ONNX), ("c.onnx", b"", ONNX)])
    assert "One or two ONNX files" in said(three)


@pytest.mark.parametrize(
    ("names", "encoder"),
    [
        (("a.onnx", "b.onnx"), 0),
        (("my_decoder.onnx", "my_encoder.onnx"), 1),
        (("dec.onnx", "x.onnx"), 1),
    ],
)
def test_two_files_are_told_apart(names: tuple[str, str], encoder: int) -> None:
    """By their names, or else by their order."""
    upload = Upload(tuple((name, b"") for name in names))
    assert upload.parts()["encoder"] == encoder
    assert Upload((("generator.onnx", b""),)).parts() == {"decoder": 0}
    assert Upload((("both.onnx", b""),)).parts() == {"encoder": 0}


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("my pictures.npz", "my-pictures.npz"),
        ("../../etc/x.npy", "x.npy"),
        ("a\\b.zip", "b.zip"),
        ("--out.gz", "dataset--out.gz"),
        ("ñandú.npz", "ñandú.npz"),
    ],
)
def test_an_uploaded_file_keeps_its_name(original: str, name: str) -> None:
    """As far as it is one, and no option or path."""
    assert imports.safe_name(original, "dataset") == name


def test_labels_may_be_in_a_file_of_their_own(no_data: Path) -> None:
    """As IDX files and arrays have them."""
    found = np.load(FOREIGN / "pytorch-vae" / "pictures.npz")
    uploads = files("pytorch-vae", "encoder", "decoder")[:2]
    for name in ("images", "labels"):
        content = io.BytesIO()
        np.save(content, found[name])
        uploads.append((f"{name}.npy", content.getvalue(), ONNX))
    session = dropped(uploads)
    session.button(key="w-import-open").click().run(timeout=240)
    (name,) = (element.value for element in session.code)
    opened = library.open_model(name)
    assert isinstance(opened, Opened)
    assert opened.codes.labels is not None
    assert opened.codes.labels.tolist() == found["labels"].tolist()


def ended(work: Work) -> Outcome:
    """Wait for a command."""
    outcome = work.wait(240)
    assert outcome is not None
    return outcome


def test_a_command_that_takes_too_long_is_stopped() -> None:
    """Its process is gone, and the sentence says how long it may take."""
    upload = Upload((("decoder.onnx", b"x"),))
    words = ["import", "--json", "--decoder", "decoder.onnx", "--check", "check.png"]
    slow = Work(words, {"decoder.onnx": b""}, collect=lambda folder: {}, seconds=0.01)
    assert "longer than" in ended(slow).sentence
    stopped = imports.check(upload, {})
    stopped.stop()
    assert ended(stopped).sentence == "it was stopped"


def test_a_process_that_is_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory ends it, and not the app."""
    monkeypatch.setattr(commands, "MEMORY", 2**26)
    upload = Upload((("decoder.onnx", b"x"),))
    assert "memory" in ended(imports.check(upload, {})).sentence

"""Pages of imported models: what they show of ours, they show of theirs, or say why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.resources import examples, exports, library
from app.views.compare import models
from app.widgets import pinned
from vae_core import model_folder
from vae_core.imports import import_model

Open = Callable[..., AppTest]
FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign"
PAGES = ("explore", "manifold", "decode", "reconstruct", "morph", "compare", "train")
SETTINGS: dict[str, dict[str, Any]] = {
    "pytorch-vae": {},
    "autoencoder": {},
    "generator": {},
    "convolutional": {},
    "conditional": {"output": "logits", "classes": 3},
}
SQUARE = "axes-1-2:-1,-1;1,-1;1,1;-1,1"


def texts(session: AppTest) -> str:
    """Everything that a session reads."""
    parts = (
        session.markdown, session.caption, session.warning, session.error, session.info,
        session.subheader,
    )  # fmt: skip
    return "\n".join(str(element.value) for part in parts for element in part)


@pytest.fixture
def imported(no_data: Path, tmp_path: Path) -> Callable[[str], str]:
    """Return a function that imports a foreign model into the runs folder, and its name."""

    def import_(name: str) -> str:
        folder = FOREIGN / name / "legacy"
        encoder = folder / "encoder.onnx"
        has_encoder = encoder.is_file()
        import_model(
            encoder if has_encoder else None,
            folder / "decoder.onnx",
            data=FOREIGN / name / "pictures.npz" if has_encoder else None,
            out=tmp_path / "runs" / name,
            tsne=False,
            say=lambda text: None,
            **SETTINGS[name],
        )
        return name

    return import_


@pytest.mark.parametrize("name", SETTINGS)
def test_every_page_shows_an_imported_model(
    imported: Callable[[str], str], open_page: Open, name: str
) -> None:
    """No page raises; each has its heading, and a selection its codes."""
    imported(name)
    for page in PAGES:
        with_other = {"with": "digits-2d"} if page == "compare" else {}
        session = open_page(page, model=name, **with_other)
        assert not session.exception, (page, session.exception)
        assert not session.error, (page, session.error)
        assert session.title[0].value.lower() == page
    session = open_page("explore", model=name, select=SQUARE)
    assert not session.exception
    assert "selected" in texts(session)


@pytest.mark.parametrize("name", SETTINGS)
def test_an_imported_model_is_exported_as_a_page(imported: Callable[[str], str], name: str) -> None:
    """One HTML file, with a drawing pad only where pictures are ink and there is an encoder."""
    opened = library.open_model(imported(name))
    page = exports.standalone_page(opened)
    assert page.startswith(b"<!doctype html>")
    assert (b'<div id="pad">' in page) == (opened.card.model.like is not None)


def test_a_generator_says_what_it_lacks(imported: Callable[[str], str], open_page: Open) -> None:
    """Where an encoder is needed, one sentence says that there is none."""
    name = imported("generator")
    assert "code drawn from N(0, I)" in texts(open_page("explore", model=name))
    assert "no encoder" in texts(open_page("explore", model=name))
    assert "no encoder" in texts(open_page("reconstruct", model=name))
    assert "no rate" in texts(open_page("decode", model=name))
    opened = library.open_model(name)
    assert opened.facts.colours == ()
    assert pinned.bound_of(opened, 0) == ""


def test_an_auto_encoder_says_what_it_lacks(
    imported: Callable[[str], str], open_page: Open
) -> None:
    """Decode and Manifold say that there is no log-variance, and no prior."""
    name = imported("autoencoder")
    opened = library.open_model(name)
    assert opened.facts.colours == ("label", "distortion")
    assert "no log-variance" in texts(open_page("decode", model=name))
    assert "has no prior" in texts(open_page("manifold", model=name))
    assert "rate" not in pinned.bound_of(opened, 0)
    both = models.Pair(opened, opened)
    assert models.shared_bound(both) == ("distortion",)


def test_the_same_weights_read_in_two_ways_are_two_models(no_data: Path, tmp_path: Path) -> None:
    """What the app keeps of a model is forgotten when it is imported again otherwise."""
    folder = FOREIGN / "autoencoder" / "legacy"

    def key(**settings: Any) -> str:
        import_model(
            folder / "encoder.onnx", folder / "decoder.onnx",
            data=FOREIGN / "autoencoder" / "pictures.npz", out=tmp_path / "runs" / "mine",
            tsne=False, say=lambda text: None, **settings,
        )  # fmt: skip
        return model_folder.load_card(tmp_path / "runs" / "mine").key

    assert key() != key(likelihood="gaussian:1")


def test_the_card_says_how_it_was_imported(imported: Callable[[str], str], open_page: Open) -> None:
    """The dialog describes networks and provenance in place of a training."""
    session = open_page("explore", model=imported("pytorch-vae"))
    session.button(key="w-about").click().run()
    said = texts(session)
    assert "a VAE imported with 8 × 8 images of pictures.npz," in said
    assert "Its training is not known" in said
    assert "Decoder: 3 → linear" in said
    assert "Encoder file: encoder.onnx" in said


def test_cards_show_the_pictures_of_an_imported_model(imported: Callable[[str], str]) -> None:
    """They are originals, not reconstructions, for the map and for neighbours."""
    opened = library.open_model(imported("pytorch-vae"))
    first = int(opened.codes.ids[0])
    shown = examples.pictures(opened, [first])
    assert shown.kind == examples.ORIGINAL
    kept = opened.saved.pictures
    assert kept is not None
    assert (shown.images[0] == kept[0].numpy()).all()
    assert examples.sprite_address(opened) is not None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pytorch-vae", "A variational auto-encoder with the codes of its test set"),
        ("autoencoder", "An auto-encoder with the codes of its test set"),
        ("generator", "A decoder without an encoder, with codes drawn from N(0, I)"),
    ],
)
def test_the_exported_page_says_what_it_holds(
    imported: Callable[[str], str], name: str, kind: str
) -> None:
    """Of each kind of model, in its last line."""
    page = exports.standalone_page(library.open_model(imported(name))).decode()
    assert kind in page

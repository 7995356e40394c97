"""Boltzmann machines in the app: what they have is shown, what they lack is said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.resources import library, machines
from app.resources.opened_model import Opened, OpenedMachine
from vae_core import data, model_folder
from vae_core.errors import CheckpointError
from vae_core.models.boltzmann import Boltzmann, BoltzmannConfig, Layer

Open = Callable[..., AppTest]


def write_machine(
    folder: Path, *, shape: tuple[int, int, int] = (1, 8, 8), dataset: str = "digits"
) -> None:
    """Write an untrained deep belief net."""
    config = BoltzmannConfig(kind="dbn", image_shape=shape, hidden=(12, 7))
    generator = torch.Generator().manual_seed(0)
    sizes = (shape[1] * shape[2], 12, 7)
    layers = tuple(
        Layer(
            torch.randn(above, below, generator=generator), torch.zeros(below), torch.zeros(above)
        )
        for below, above in itertools.pairwise(sizes)
    )
    model_folder.save_machine(folder, Boltzmann(config, layers), name=folder.name, dataset=dataset)


@pytest.fixture
def machine(open_page: Open, tmp_path: Path) -> Open:
    """Return a function that opens a page on a machine."""
    write_machine(tmp_path / "runs" / "net")
    return lambda page="explore", **parameters: open_page(page, **{"model": "net"} | parameters)


def texts(session: AppTest) -> str:
    """Return all words of a page."""
    return "\n".join(str(p.value) for p in [*session.markdown, *session.caption, *session.info])


def test_explore_maps_hidden_probabilities(machine: Open) -> None:
    """With the picture of a code, decoded in the browser, and an example that can be pinned."""
    session = machine()
    assert not session.exception
    assert not session.error
    kinds = {json.loads(panel.proto.json)[0]["kind"] for panel in session.get("bidi_component")}
    assert {"latent_map", "picture"} <= kinds
    example = int(data.load_dataset("digits").test.ids[3])
    session = machine(id=str(example))
    assert not session.exception
    assert f"#{example}: input, reconstruction" in texts(session)
    assert "Cross-entropy" in texts(session)
    assert "deep belief net · hidden units 12–7" in texts(session)


def test_decode_shows_the_ends_of_chains(machine: Open) -> None:
    """Others with another seed."""
    session = machine("decode")
    assert not session.exception
    assert "Gibbs chains of 1,000 steps" in texts(session)
    session.button(key="w-machine-again").click().run()
    assert not session.exception
    opened = library.open_machine("net")
    assert opened is not None
    one, other = (machines.sample(opened.hash, opened.saved, 4, s) for s in (0, 1))
    assert (one != other).any()


def test_reconstruct_begins_with_test_pictures(machine: Open) -> None:
    """Each with the entropy that no reconstruction avoids."""
    session = machine("reconstruct")
    assert not session.exception
    assert texts(session).count("Cross-entropy") == 4


@pytest.mark.parametrize("page", ["manifold", "morph"])
def test_what_a_machine_lacks_is_said_in_a_sentence(machine: Open, page: str) -> None:
    """And the way back to a VAE is there."""
    session = machine(page)
    assert not session.exception
    assert len(session.info) == 1
    session.selectbox(key="w-model").set_value("digits-2d").run()
    assert not session.exception
    assert not session.info


def test_training_and_studies_need_no_vae(machine: Open) -> None:
    """The form and the studies are shown; only the comparison of two models is not offered."""
    session = machine("train")
    assert not session.exception
    assert session.selectbox(key="train-data").value == "digits"
    assert session.button(key="train-start").label == "Train"
    session.switch_page("views/compare/page.py").run()
    assert not session.exception
    assert len(session.selectbox(key="w-study").options) > 5
    assert "Two models are compared at one code z" in texts(session)
    assert session.selectbox(key="w-model").value == "net"


def test_without_its_data_there_is_an_invitation(open_page: Open, tmp_path: Path) -> None:
    """Since the folder holds no codes."""
    write_machine(tmp_path / "runs" / "far", shape=(1, 28, 28), dataset="mnist")
    session = open_page(model="far")
    assert not session.exception
    assert "MNIST has not been downloaded" in texts(session)


def test_a_damaged_machine_gives_a_notice_and_another_model(
    open_page: Open, tmp_path: Path
) -> None:
    """One sentence, no traceback."""
    write_machine(tmp_path / "runs" / "torn")
    (tmp_path / "runs" / "torn" / "model.safetensors").write_bytes(b"torn")
    session = open_page(model="torn")
    assert not session.exception
    assert "card.json says" in session.warning[0].value


def test_a_zipped_machine_opens(no_data: Path, tmp_path: Path) -> None:
    """In memory; a VAE's zip is opened as a VAE."""
    write_machine(tmp_path / "mine")
    opened = library.open_zip(model_folder.zip_folder(tmp_path / "mine"))
    assert isinstance(opened, OpenedMachine)
    assert library.open_machine(opened.name) is opened
    assert library.title(opened.name) == "mine"
    assert isinstance(library.open_zip(model_folder.zip_folder("digits-2d")), Opened)
    with pytest.raises(CheckpointError, match="holds a deep belief net"):
        model_folder.open_zip(model_folder.zip_folder(tmp_path / "mine"))


def test_a_machine_says_what_it_is(machine: Open) -> None:
    """Layers, training, and why there are no figures."""
    session = machine()
    session.button(key="w-about").click().run()
    assert not session.exception
    read = texts(session)
    assert "**net**: a deep belief net of 8 × 8 binary pixels and 12–7 hidden units." in read
    assert "python -m vae_core evaluate net" in read

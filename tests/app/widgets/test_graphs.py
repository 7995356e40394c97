"""Models of graphs: their matrices are drawn, and uploaded graphs reconstructed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from vae_core import model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import graphs
from vae_core.model_folder import Codes, ModelCard
from vae_core.models import VAE

Open = Callable[..., AppTest]
N = 30


@pytest.fixture
def graph_model(open_page: Open, tmp_path: Path) -> Open:
    """Return a function that opens a page on an untrained model of graphs."""
    torch.manual_seed(0)
    config = ModelConfig(image_shape=(1, 68, 68), latent_dim=2, hidden=(8,))
    source = graphs.load(tmp_path).test
    codes = Codes(
        ids=source.ids[:N],
        labels=source.labels[:N],
        mu=torch.randn(N, 2),
        logvar=torch.full((N, 2), -2.0),
        rate=torch.rand(N),
        distortion=3000 + torch.rand(N),
    )
    card = ModelCard(
        name="nets", dataset="graphs", classes=tuple(graphs.STRUCTURES), model=config,
        training=TrainConfig(dataset="graphs", epochs=1),
    )  # fmt: skip
    model_folder.save(
        tmp_path / "runs" / "nets", card=card, model=VAE(config), codes=codes, history=[]
    )
    return lambda page="explore", **parameters: open_page(page, **{"model": "nets"} | parameters)


def panels(session: AppTest) -> list[str]:
    """Return the keys of the drawn graphs on a page."""
    every = [element.proto for element in session.get("bidi_component")]
    return [panel.id for panel in every if json.loads(panel.json)[0]["kind"] == "graph"]


@pytest.mark.parametrize("page", ["explore", "manifold", "decode", "morph", "train"])
def test_pages_open_on_a_model_of_graphs(graph_model: Open, page: str) -> None:
    """Nothing fails; where a picture follows the code, a drawing follows too."""
    session = graph_model(page)
    assert not session.exception
    assert len(panels(session)) == (page in ("explore", "manifold", "decode"))


def test_a_pinned_graph_is_drawn_beside_its_reconstruction(graph_model: Open) -> None:
    """Original and reconstruction, besides the one that follows the code."""
    example = int(graphs.load(Path()).test.ids[0])
    session = graph_model("explore", id=str(example))
    assert not session.exception
    assert len(panels(session)) == 3


def test_other_models_have_no_drawings(open_page: Open) -> None:
    """Digits are not graphs."""
    assert panels(open_page("explore")) == []


def test_a_new_graph_can_be_simulated(graph_model: Open) -> None:
    """Of a chosen structure; simulating again gives another graph."""
    session = graph_model("reconstruct")
    assert not session.exception
    assert len(panels(session)) == 2
    first = [metric.value for metric in session.metric]
    session.button(key="w-simulate").click().run()
    second = [metric.value for metric in session.metric]
    session.segmented_control(key="w-structure").set_value("sparse").run()
    third = [metric.value for metric in session.metric]
    assert not session.exception
    assert len({first[1], second[1], third[1]}) == 3


def test_an_uploaded_graph_is_reconstructed(graph_model: Open) -> None:
    """From a file of edges; its cost is that of its matrix."""
    session = graph_model("reconstruct")
    session.segmented_control(key="w-graph-source").set_value("File").run()
    assert panels(session) == []
    edges = b"a,b\n" + b"\n".join(b"%d,%d" % (i, (i + 1) % 68) for i in range(68))
    session.file_uploader(key="w-graph-file").set_value([("ring.csv", edges, "text/csv")]).run()
    assert not session.exception
    assert not session.error
    assert len(panels(session)) == 2


def test_a_file_that_is_not_a_graph_says_why(graph_model: Open) -> None:
    """In one sentence, and the page stays."""
    session = graph_model("reconstruct")
    session.segmented_control(key="w-graph-source").set_value("File").run()
    matrix = "\n".join(",".join("0" for _ in range(5)) for _ in range(5)).encode()
    session.file_uploader(key="w-graph-file").set_value([("five.csv", matrix, "text/csv")]).run()
    assert "five.csv has lines of 5 numbers; allowed are 68 lines of 68" in session.error[0].value
    assert not session.exception

"""Graphs as data: adjacency matrices and their drawings."""

import streamlit as st
import torch

from app import state, words
from app.components import graph
from app.components.contract import Scene
from app.figures import raster
from app.resources import examples
from app.resources.inference import Encoding
from app.resources.opened_model import Floats, Opened
from vae_core.data import graphs
from vae_core.errors import DatasetError

#: CSS pixels of a drawing, of one that follows the code, and of a matrix beside others.
SIDE, LIVE_SIDE, MATRIX_SIDE = 240, 300, 2 * graphs.NODES
INPUT, RECONSTRUCTION = "What the model sees", "Reconstruction"
#: Explains a drawing of edge probabilities.
LEGEND = "Stronger lines are more probable edges. Nodes are in the order of the matrix's rows."


def are_data_of(model: Opened) -> bool:
    """Whether the model's images are adjacency matrices."""
    shape = (1, graphs.NODES, graphs.NODES)
    return model.card.dataset in graphs.NAMES and model.card.model.image_shape == shape


def draw_decoded(scene: Scene, *, size: int) -> None:
    """Draw the graph of the current code, which follows the code."""
    graph.graph("graph", nodes=_nodes(), name="Drawn", scene=scene, size=size)


def draw(key: str, name: str, image: Floats, *, size: int) -> None:
    """Draw one graph, a matrix (1, 68, 68) in [0, 1]."""
    levels = raster.to_levels(image[0])
    graph.graph(key, nodes=_nodes(), name=name, adjacency=levels, size=size)


def draw_result(encoding: Encoding) -> None:
    """Draw a graph and its reconstruction side by side."""
    with st.container(horizontal=True, gap="small"):
        for name, image in ((INPUT, encoding.x), (RECONSTRUCTION, encoding.reconstruction)):
            with st.container(width=SIDE):
                draw(f"drawn-{name}", name, image, size=SIDE)
    st.caption(LEGEND)


def show_pinned(model: Opened, example: int) -> None:
    """Show the pinned graph, if its original is here, and its reconstruction."""
    rows = model.rows([example])
    found = examples.pictures(model, [example])
    decoded = examples.decode(model, model.codes.mu[rows], model.conditions(rows))
    shown = {RECONSTRUCTION: decoded[0]}
    if found.kind == examples.ORIGINAL:
        shown = {"Original": found.images[0], **shown}
    with st.container(horizontal=True, gap="small"):
        for name, levels in shown.items():
            with st.container(width=MATRIX_SIDE, gap="xsmall"):
                st.image(raster.picture(levels, MATRIX_SIDE), alt=f"{name}, as a matrix")
                draw(f"pinned-{name}", name, raster.from_levels(levels), size=MATRIX_SIDE)


def simulate(model: Opened) -> Floats:
    """Show the choice of a structure and return a simulated graph of it, (1, 68, 68)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        structures = list(graphs.STRUCTURES)
        chosen = st.segmented_control(
            "Structure", structures, default=structures[-1], key="w-structure", required=True,
            format_func=str.capitalize,
        )  # fmt: skip
        seed = state.recall("simulated", 0)
        st.button(
            "Simulate another",
            on_click=state.remember,
            args=("simulated", seed + 1),
            key="w-simulate",
        )
    generator = torch.Generator().manual_seed(seed)
    symmetric = model.card.dataset == graphs.GRAPHS_SYMMETRIC.name
    images, _ = graphs.draw(len(structures), symmetric=symmetric, generator=generator)
    return raster.from_levels(images[structures.index(chosen)].numpy())


def upload() -> Floats | None:
    """Show the upload of a graph; return it, (1, 68, 68), or show what is wrong with the file."""
    file = st.file_uploader(
        "Drop a graph here: an adjacency matrix or an edge list",
        type=["csv", "tsv", "txt", "edges", "edgelist"],
        max_upload_size=1,
        key="w-graph-file",
    )
    st.caption(
        f"{graphs.NODES} nodes, numbered from 0. Either {graphs.NODES} lines of {graphs.NODES} "
        "numbers, or one edge per line: two nodes and an optional weight."
    )
    if file is None:
        return None
    try:
        matrix: Floats = graphs.read(file.getvalue(), file.name).numpy()
    except DatasetError as error:
        st.error(words.without_paths(error))
        return None
    return matrix


def _nodes() -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in graphs.layout().round(4)]

"""Networks as data: a matrix and what it means, drawn."""

import numpy as np
import streamlit as st
import torch

from app import state
from app.components import graph
from app.components.contract import Scene
from app.figures import raster
from app.resources import examples
from app.resources.inference import Encoding
from app.resources.opened_model import Floats, Opened
from vae_core.data import graphs
from vae_core.errors import DatasetError

#: CSS pixels of a drawing, of a drawing that follows the code, and of a matrix beside others.
SIDE, LIVE_SIDE, MATRIX_SIDE = 240, 300, 2 * graphs.NODES
SEEN, GIVEN_BACK = "What the model sees", "Reconstruction"
#: What a drawing of probabilities is, below it.
KEY = "A line is as strong as its edge is probable. Nodes stand in the order of the rows."


def are_data_of(model: Opened) -> bool:
    """Whether the model's pictures are adjacency matrices."""
    shape = (1, graphs.NODES, graphs.NODES)
    return model.card.dataset in graphs.NAMES and model.card.model.image_shape == shape


def follow(scene: Scene, *, size: int) -> None:
    """Show the network of the code that is shown, drawn, while it moves."""
    graph.graph("graph", nodes=_nodes(), name="Drawn", scene=scene, size=size)


def draw(key: str, name: str, image: Floats, *, size: int) -> None:
    """Show one network (1, 68, 68) in [0, 1], drawn."""
    levels = raster.to_levels(image[0])
    graph.graph(key, nodes=_nodes(), name=name, adjacency=levels, size=size)


def draw_result(encoding: Encoding) -> None:
    """Show a network and its reconstruction side by side, drawn."""
    with st.container(horizontal=True, gap="small"):
        for name, image in ((SEEN, encoding.x), (GIVEN_BACK, encoding.reconstruction)):
            with st.container(width=SIDE):
                draw(f"drawn-{name}", name, image, size=SIDE)
    st.caption(KEY)


def pinned(model: Opened, example: int) -> None:
    """Show the pinned network, where it is at hand, and its reconstruction, both ways."""
    rows = model.rows([example])
    found = examples.pictures(model, [example])
    shown = {GIVEN_BACK: examples.decode(model, model.codes.mu[rows], model.conditions(rows))[0]}
    if found.kind == examples.ORIGINAL:
        shown = {"Original": found.images[0], **shown}
    with st.container(horizontal=True, gap="small"):
        for name, levels in shown.items():
            with st.container(width=MATRIX_SIDE, gap="xsmall"):
                st.image(raster.picture(levels, MATRIX_SIDE), alt=f"{name}, as a matrix")
                image = levels.astype(np.float32) / np.float32(255)
                draw(f"pinned-{name}", name, image, size=MATRIX_SIDE)


def simulated(model: Opened) -> Floats:
    """Let a structure be chosen and a new network of it be drawn; return it, (1, 68, 68)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        structures = list(graphs.STRUCTURES)
        chosen = st.segmented_control(
            "Structure", structures, default=structures[-1], key="w-structure", required=True,
            format_func=str.capitalize,
        )  # fmt: skip
        st.button("Simulate another", on_click=_again, key="w-simulate")
    generator = torch.Generator().manual_seed(state.recall("simulated", 0))
    symmetric = model.card.dataset == graphs.GRAPHS_SYMMETRIC.name
    images, _ = graphs.draw(len(structures), symmetric=symmetric, generator=generator)
    network: Floats = images[structures.index(chosen)].numpy().astype(np.float32) / np.float32(255)
    return network


def given() -> Floats | None:
    """Let a file with a network be given; return it, (1, 68, 68), or say what is wrong with it."""
    file = st.file_uploader(
        "Drop a network here: an adjacency matrix or a list of edges",
        type=["csv", "tsv", "txt", "edges", "edgelist"],
        max_upload_size=1,
        key="w-network",
    )
    st.caption(
        f"{graphs.NODES} nodes, numbered from 0. Either {graphs.NODES} lines of {graphs.NODES} "
        "numbers, or one edge a line: two nodes, and a weight if you like."
    )
    if file is None:
        return None
    try:
        network: Floats = graphs.read(file.getvalue(), file.name).numpy()
    except DatasetError as error:
        st.error(str(error))
        return None
    return network


def _again() -> None:
    state.remember("simulated", state.recall("simulated", 0) + 1)


def _nodes() -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in graphs.layout().round(4)]

"""Compute a t-SNE map with another perplexity, and watch it being computed."""

import dataclasses
import os
from collections.abc import Callable

import streamlit as st

from app import state
from app.address import State
from app.resources import assets
from app.resources.assets import Asset
from app.resources.opened_model import Opened
from app.widgets import jobs, scenes
from vae_core import runs
from vae_core.errors import LatentExplorerError
from vae_core.formats import bundles
from vae_core.jobs import tsne
from vae_core.jobs.processes import Command
from vae_core.jobs.tsne import MapStatus

#: Seconds between two updates of a map.
REFRESH_SECONDS = 1.0
DEFAULT_PERPLEXITY = 30
ACTIVE = jobs.ACTIVE
STATES = {**jobs.STATES, "queued": "Starting", "running": "Computing"}


def current(model: Opened, projection: str) -> MapStatus | None:
    """Return the status of the map that this session computed, or None for the default map."""
    folder = state.recall("maps", {}).get(model.hash)
    if projection != "tsne" or folder is None:
        return None
    try:
        return tsne.status(folder)
    except LatentExplorerError as error:
        state.notify(str(error))
        reset(model)
        return None


def with_map(model: Opened, status: MapStatus | None) -> Opened:
    """Return the model with the computed positions as its t-SNE map."""
    if status is None or status.points is None:
        return model
    projections = {**model.codes.projections, "tsne": status.points}
    codes = dataclasses.replace(model.codes, projections=projections)
    return dataclasses.replace(model, saved=dataclasses.replace(model.saved, codes=codes))


def positions(status: MapStatus | None) -> str | None:
    """Return the address of the computed positions, if any."""
    if status is None or status.ids is None or status.points is None:
        return None
    content = bundles.positions_bundle(status.ids, status.points)
    return assets.publish(Asset(content, "positions.bin"))


def controls(model: Opened) -> None:
    """Show the choice of another perplexity."""
    largest = min(100, (len(model.codes.ids) - 1) // 3)
    with st.popover("Change perplexity…"):
        if not runs.limits().training:
            st.caption("Training and computing maps are turned off on this server.")
            return
        st.caption(
            "Perplexity is roughly the number of neighbours that each point stays close to: small "
            "values show fine structure, large values the overall shape."
        )
        chosen = st.slider(
            "Perplexity", 2, largest, min(DEFAULT_PERPLEXITY, largest), key="tsne-perplexity"
        )
        st.button("Compute", type="primary", on_click=start, args=(model, chosen), key="tsne-go")


def start(model: Opened, perplexity: int) -> None:
    """Start computing a map and clear the selection of the previous map."""
    config = tsne.MapConfig(
        model_hash=model.hash,
        perplexity=perplexity,
        seed=state.current().seed,
        threads=min(2, os.cpu_count() or 1),
    )
    root = runs.runs_dir() / "maps"
    try:
        folder = tsne.create(root, config, ids=model.codes.ids, mu=model.codes.mu)
        if tsne.status(folder).state not in ("finished", "running", "paused"):
            tsne.request(folder, "run")
    except (LatentExplorerError, OSError) as error:
        state.notify(f"The map was not computed: {error}.")
        return
    state.remember("maps", {**state.recall("maps", {}), model.hash: folder})
    state.update(selection=None, camera=None)


def reset(model: Opened) -> None:
    """Return to the default map."""
    kept = {key: path for key, path in state.recall("maps", {}).items() if key != model.hash}
    state.remember("maps", kept)
    state.update(selection=None, camera=None)


@st.fragment(run_every=REFRESH_SECONDS)
def watch(model: Opened, shown: State, draw: Callable[[MapStatus | None], None]) -> None:
    """Show a map while it is computed, and rerun the page when it ends."""
    status = current(model, "tsne")
    if status is None or status.state not in ACTIVE or scenes.current()[1] != shown:
        st.rerun()
    draw(status)
    progress = "finding neighbours"
    if status.iteration:
        progress = (
            f"iteration {status.iteration} of {status.total} · KL divergence "
            f"{status.divergence:.2f} nats"
        )
    st.progress(status.iteration / status.total, f"{STATES[status.state]} · {progress}")
    with st.container(horizontal=True):
        if status.state == "paused":
            command_button("Resume", status, "run")
        else:
            command_button("Pause", status, "pause")
        command_button("Stop", status, "stop")
    jobs.show_refusal(status.folder.name)


def command_button(label: str, status: MapStatus, command: Command) -> None:
    """Show a button that sends a command to the worker."""
    st.button(
        label,
        on_click=jobs.attempt,
        args=(status.folder.name, lambda: tsne.request(status.folder, command)),
        key=f"tsne-{command}",
    )


def show_result(model: Opened, status: MapStatus) -> None:
    """Describe a computed map, and offer to return to the default map."""
    perplexity = status.folder.name.split("-")[-2]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{STATES[status.state]}: perplexity {perplexity}, {status.iteration} iterations, KL "
            f"divergence {status.divergence:.2f} nats. {status.message}"
        )
        st.button("Reset to default map", on_click=reset, args=(model,), key="tsne-back")

"""A t-SNE map with a perplexity of one's own, watched while it is computed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import streamlit as st

from app import state
from app.address import State
from app.resources import assets
from app.resources.assets import Asset
from app.resources.opened_model import Opened
from vae_core import runs
from vae_core.errors import LatentExplorerError
from vae_core.formats import bundles
from vae_core.jobs import tsne
from vae_core.jobs.processes import Command
from vae_core.jobs.tsne import MapStatus

#: Seconds between two looks at a map in the making.
LOOK = 1.0
USUAL_PERPLEXITY = 30
ACTIVE = ("queued", "running", "paused")
SAYS = {
    "queued": "Starting",
    "running": "Computing",
    "paused": "Paused",
    "stopped": "Stopped early",
    "finished": "Finished",
    "failed": "Failed",
    "interrupted": "Interrupted: its process ended",
}


def current(model: Opened, projection: str) -> MapStatus | None:
    """Return the map that this session had computed for the model; None for the usual one."""
    folder = state.recall("maps", {}).get(model.hash)
    if projection != "tsne" or folder is None:
        return None
    try:
        return tsne.status(folder)
    except LatentExplorerError as error:
        state.notify(str(error))
        forget(model)
        return None


def remapped(model: Opened, now: MapStatus | None) -> Opened:
    """Return the model with its examples where the computed map has them."""
    if now is None or now.points is None:
        return model
    projections = {**model.codes.projections, "tsne": now.points}
    codes = dataclasses.replace(model.codes, projections=projections)
    return dataclasses.replace(model, saved=dataclasses.replace(model.saved, codes=codes))


def positions(now: MapStatus | None) -> str | None:
    """Return the address of a computed map's positions."""
    if now is None or now.ids is None or now.points is None:
        return None
    return assets.publish(Asset(bundles.positions_bundle(now.ids, now.points), "positions.bin"))


def controls(model: Opened) -> None:
    """Offer to compute the map again with another perplexity."""
    largest = min(100, (len(model.codes.ids) - 1) // 3)
    with st.popover("Compute it again"):
        if not runs.limits().training:
            st.caption("Computing maps is turned off on this server, as training is.")
            return
        st.caption(
            "Perplexity is about how many neighbours each point tries to stay near: small ones "
            "show fine grain, large ones the whole."
        )
        chosen = st.slider(
            "Perplexity", 2, largest, min(USUAL_PERPLEXITY, largest), key="tsne-perplexity"
        )
        st.button("Compute", type="primary", on_click=begin, args=(model, chosen), key="tsne-go")


def begin(model: Opened, perplexity: int) -> None:
    """Start computing a map; a selection drawn on the old one is forgotten."""
    config = tsne.MapConfig(
        model_hash=model.hash,
        perplexity=perplexity,
        seed=state.current().seed,
        threads=min(2, os.cpu_count() or 1),
    )
    try:
        root = runs.runs_dir() / "maps"
        folder = tsne.create(root, config, ids=model.codes.ids, mu=model.codes.mu)
        if tsne.status(folder).state not in ("finished", "running", "paused"):
            tsne.request(folder, "run")
    except (LatentExplorerError, OSError) as error:
        state.notify(f"The map was not computed: {error}.")
        return
    state.remember("maps", {**state.recall("maps", {}), model.hash: folder})
    state.update(selection=None, camera=None)


def forget(model: Opened) -> None:
    """Go back to the usual map."""
    kept = {key: path for key, path in state.recall("maps", {}).items() if key != model.hash}
    state.remember("maps", kept)
    state.update(selection=None, camera=None)


@st.fragment(run_every=LOOK)
def watch(model: Opened, shown: State, draw: Callable[[MapStatus | None], None]) -> None:
    """Show a map while it is computed, again every second; the page follows when it has ended."""
    now = current(model, "tsne")
    if now is None or now.state not in ACTIVE or state.current() != shown:
        st.rerun()
    draw(now)
    said = SAYS[now.state] if now.iteration else f"{SAYS[now.state]}: looking for neighbours"
    if now.iteration:
        said += f" · iteration {now.iteration} of {now.total} · KL divergence {now.divergence:.2f}"
    st.progress(now.iteration / now.total, said)
    with st.container(horizontal=True):
        if now.state == "paused":
            ask("Resume", now, "run")
        else:
            ask("Pause", now, "pause")
        ask("Stop", now, "stop")
    refused = state.recall("refused")
    if refused is not None and refused[0] == now.folder.name:
        st.error(f"The map stays as it is: {refused[1]}.")


def ask(label: str, now: MapStatus, command: Command) -> None:
    """Show a button that asks the worker for something."""
    st.button(label, on_click=request, args=(now, command), key=f"tsne-{command}")


def request(now: MapStatus, command: Command) -> None:
    """Ask a worker for something; a refusal is told beside the buttons until the next try."""
    state.remember("refused", None)
    try:
        tsne.request(now.folder, command)
    except (LatentExplorerError, OSError) as error:
        state.remember("refused", (now.folder.name, str(error)))


def ended(model: Opened, now: MapStatus) -> None:
    """Say how a computed map ended, and offer the usual one."""
    perplexity = now.folder.name.split("-")[-2]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{SAYS[now.state]}: perplexity {perplexity}, {now.iteration} iterations, KL "
            f"divergence {now.divergence:.2f} nats. {now.message}"
        )
        st.button("Back to the usual map", on_click=forget, args=(model,), key="tsne-back")

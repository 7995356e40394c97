"""The Explore page: what the latent space looks like."""

from functools import partial

import streamlit as st

from app import address, state
from app.address import State
from app.components.latent_map import latent_map
from app.figures import charts
from app.resources import examples
from app.resources.opened_model import Opened
from app.views.explore import tsne
from app.widgets import downloads, gallery, header, pinned, scenes, selection
from vae_core.jobs.tsne import MapStatus

NAMES = {"axes": "Latent plane", "pca": "PCA", "tsne": "t-SNE", "3d": "3-D"}
KINDS = {
    "axes": "Each point is the mean code of a test picture. Empty space is decoded as you move.",
    "pca": "The plane of greatest variance. Empty space is decoded through its inverse.",
    "tsne": "Neighbours stay together, distances mean little, and there is no way back to a code: "
    "empty space shows the nearest real one.",
    "3d": "Turn it with the mouse. Pin and select on the other maps.",
}
LINE = (
    "Each point is the mean code of a test picture: z₁ runs to the right. A row holds one class; "
    "heights within it only keep points apart. Elsewhere z₁ is decoded as you move."
)


def controls(model: Opened, shown: State) -> str:
    """Show what the map is of and how it is coloured; return the projection."""
    facts = model.facts
    projection = shown.projection or facts.projections[0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="map-controls"):
        if len(facts.projections) > 1:
            bound = state.bind("projection", shown=lambda chosen: chosen or facts.projections[0])
            st.segmented_control("Map", facts.projections, format_func=NAMES.__getitem__, **bound)
        if projection == "axes" and model.latent_dim > 2:
            scenes.plane_choice(model)
        if projection == "tsne":
            tsne.controls(model)
        colours = address.COLOURS if facts.has_labels else address.COLOURS[1:]
        st.segmented_control("Colour", colours, format_func=str.capitalize, **state.bind("colour"))
    return projection


def show_map(
    model: Opened, shown: State, projection: str, computed: MapStatus | None = None
) -> None:
    """Show the map, or the cloud of a three-dimensional model."""
    if projection == "3d":
        figure = charts.scatter_3d(
            model.codes.mu.numpy(),
            ids=model.codes.ids.numpy(),
            colour=shown.colour,
            values=model.colouring(shown.colour),
            classes=model.class_names,
            pinned=scenes.pinned_z(model, shown.z, shown.pinned_id),
        )
        st.plotly_chart(figure, key="cloud", alt="The codes of the test set in three dimensions")
    else:
        latent_map(
            "map",
            scene=scenes.scene(model, shown),
            codes=model.codes_address,
            positions=tsne.positions(computed),
            sprite=examples.sprite_address(model),
            classes=model.class_names,
            **selection.map_arguments(shown, projection),
        )
    st.caption(LINE if model.latent_dim == 1 else KINDS[projection])


opened, current = scenes.opened()
header.heading("Explore", "What does the latent space look like?")
plane = controls(opened, current)
left, right = st.columns([5, 3], gap="medium")
with left:
    computed = tsne.current(opened, plane)
    if computed is not None and computed.state in tsne.ACTIVE:
        tsne.watch(opened, current, partial(show_map, opened, current, plane))
    else:
        show_map(opened, current, plane, computed)
        if computed is not None:
            tsne.ended(opened, computed)
with right:
    pinned.live_picture(opened, current, size=336)
    pinned.pinned_card(opened, current)
downloads.invitation(opened)  # below the map: the first thing to see is the space itself
selection.panel(tsne.remapped(opened, computed), current)
if current.pinned_id is not None:
    gallery.neighbours(opened, current.pinned_id)

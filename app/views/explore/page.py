"""Explore: what the latent space looks like."""

import dataclasses
from functools import partial

import streamlit as st

from app import state
from app.address import State
from app.figures import charts
from app.resources import filtering
from app.resources.opened_model import Opened
from app.views.explore import tsne
from app.widgets import chart, downloads, gallery, header, pinned, scenes, selection
from vae_core.jobs.tsne import MapStatus

CAPTIONS = {
    "axes": "Each point is a test image, placed at its encoded mean. Move to decode any point; "
    "click to keep it.",
    "pca": "Each point is a test image on the plane of greatest variance (PCA). On a point its own "
    "code is decoded, elsewhere the point on the PCA plane. Click to keep a point.",
    "tsne": "Each point is a test image. Neighbours stay together; distances mean little. t-SNE "
    "cannot be decoded; showing the nearest image.",
    "3d": "Each point is a test image, placed at its encoded mean. Drag to rotate. Switch maps to "
    "decode and to select.",
}
#: Words of the captions that a model without an encoder replaces, and what it adds.
PLACED, DRAWN = ", placed at its encoded mean", "code drawn from N(0, I)"
NO_ENCODER = " This model has no encoder, so there are no codes of images."
NOTES = {
    "axes": "Plane of the two dimensions",
    "pca": "Plane of greatest variance",
    "3d": "All dimensions",
}
LINE_CAPTION = (
    "Each point is a test image, placed at its encoded mean z₁. Rows are classes; heights within a "
    "row only separate points. Move to decode any z₁; click to keep it."
)


def controls(model: Opened, shown: State) -> str:
    """Show the choices of projection and colour; return the projection."""
    offered = model.facts.projections
    projection = shown.projection or offered[0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="map-controls"):
        if len(offered) > 1:
            st.segmented_control(
                "Map",
                offered,
                format_func=selection.PROJECTIONS.__getitem__,
                **state.bind("projection", to_widget=lambda chosen: chosen or offered[0]),
            )
        colours = model.facts.colours
        if model.columns:
            st.selectbox(
                "Colour",
                colours,
                format_func=lambda name: model.columns[name].name,
                width=220,
                **state.bind("colour", also=lambda _: {"search": ""}),
            )
        elif colours:
            st.segmented_control(
                "Colour", colours, format_func=str.capitalize, **state.bind("colour")
            )
        # Last, so that nothing moves when they come and go.
        if projection == "axes" and model.latent_dim > 2:
            scenes.plane_choice(model)
        elif projection == "tsne":
            tsne.controls(model)
        else:
            # On a phone this is a row of its own, whatever is chosen.
            with st.container(key="map-note"):
                st.caption(NOTES[projection])
    return projection


def show_map(
    model: Opened, shown: State, projection: str, computed: MapStatus | None = None
) -> None:
    """Show the map, or the 3-D scatter of a three-dimensional model."""
    if projection == "3d":
        kept = filtering.mask(model, shown.filter or ())
        colours = filtering.colours(model, shown.colour, shown.search)
        figure = charts.scatter_3d(
            model.codes.mu.numpy()[kept],
            ids=model.codes.ids.numpy()[kept],
            colours=dataclasses.replace(colours, values=colours.values[kept]),
            pinned=scenes.pinned_z(model, shown),
        )
        with st.container(horizontal=True, vertical_alignment="center", key="cloud-hint"):
            st.caption("Drag to rotate, scroll or pinch to zoom.")
            if shown.filter:
                st.caption(f"{kept.sum():,} of {len(kept):,} shown")
                st.button("Reset filter", on_click=state.update, kwargs={"filter": None})
        chart.show_plotly(
            figure,
            key="cloud",
            height="stretch",
            alt="The codes of the test set in three dimensions",
        )
    else:
        selection.show_map(
            "map",
            model,
            shown,
            projection,
            scene=scenes.build(model, shown),
            positions=tsne.positions(computed),
            on=selection.callbacks(),
        )
    caption = LINE_CAPTION if model.latent_dim == 1 else CAPTIONS[projection]
    if not model.has_encoder:
        caption = caption.replace(PLACED, "").replace("test image", DRAWN)
        caption += NO_ENCODER
    with st.container(key="part-map-caption"):
        st.caption(caption)


opened, current = scenes.current()
header.heading("Explore", "What does the latent space look like?")
projection = controls(opened, current)
left, right = st.columns([5, 3], gap="medium")
with left:
    computed = tsne.current(opened, projection)
    if computed is not None and computed.state in tsne.ACTIVE:
        tsne.watch(opened, current, partial(show_map, opened, current, projection))
    else:
        show_map(opened, current, projection, computed)
        if computed is not None:
            tsne.show_result(opened, computed)
with right:
    # A selection is seen beside the map without scrolling, so the image makes room for it.
    has_selection = current.selection is not None
    pinned.show_image(opened, current, size=176 if has_selection else 336)
    if has_selection:
        with st.container(key="part-selection"):
            selection.show(tsne.with_map(opened, computed), current)
    with st.container(key="part-description"):
        pinned.describe(opened, current)
    if not has_selection:
        with st.container(key="part-selection"):
            selection.show(opened, current)
downloads.offer(opened)
if current.pinned_id is not None:
    with st.container(key="part-neighbours"):
        gallery.show_neighbours(opened, current.pinned_id)

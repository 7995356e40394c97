"""The selection on the map: drawn in the browser, kept as a polygon, shown as what lies inside."""

from typing import Any

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app import address, state
from app.address import Selection, State, plane_axes
from app.components import latent_map
from app.figures import charts, raster
from app.resources import examples
from app.resources.opened_model import Floats, Ids, Opened
from app.widgets import gallery, pinned, scenes
from vae_core import latents
from vae_core.formats import tables

#: The panels' name of a plane of two latent dimensions.
RAW = "raw"


def map_arguments(shown: State, projection: str) -> dict[str, Any]:
    """Return what the map panel is told about projection, camera and selection."""
    return {
        "projection": RAW if projection == "axes" else projection,
        "colour": shown.colour,
        "camera": None if shown.camera is None else latent_map.Camera(*shown.camera),
        "camera_version": state.version(),
        "selection": _to_panel(shown.selection),
        # The panel takes over the thinned outline, so that its count and Python's agree.
        "selection_version": hash(shown.selection) & 0x7FFFFFFF,
        "on_pin": pinned.pin,
        "on_selection": take,
        "manifold": shown.backdrop,
        "on_manifold": lambda strength: state.adopt(backdrop=strength),
        "on_camera": lambda seen: state.adopt(camera=(seen.x, seen.y, seen.height)),
    }


def small_map(
    model: Opened, shown: State, *, posterior: tuple[Floats, Floats] | None = None
) -> None:
    """Show the latent plane of the state beside another panel, to pin on and to look up.

    `posterior` is the mu and logvar of a picture that is outlined on it.
    """
    latent_map.latent_map(
        "small-map",
        scene=scenes.scene(model, shown, posterior=posterior),
        codes=model.codes_address,
        sprite=examples.sprite_address(model),
        classes=model.class_names,
        colour=shown.colour,  # type: ignore[arg-type]
        height=260,
        tools=False,
        on_pin=pinned.pin,
    )


def take(drawn: latent_map.Selection | None) -> None:
    """Take over what was drawn on the map."""
    state.adopt(selection=from_panel(drawn))


def from_panel(drawn: latent_map.Selection | None) -> Selection | None:
    """Return an outline drawn on a map as the state keeps it."""
    if drawn is None:
        return None
    projection = "axes" if drawn.projection == RAW else drawn.projection
    plane = address.plane_name(projection, drawn.dims)
    return Selection(plane, address.simplify(list(drawn.polygon)))


def clear() -> None:
    """Forget the selection."""
    state.update(selection=None)


def panel(model: Opened, shown: State) -> None:
    """Show the selected examples: pictures, classes, mean, exports."""
    st.subheader("Selection", anchor=False)
    if shown.selection is None:
        st.caption("Draw a box or a lasso on the map to see what lies inside.")
        return
    ids = selected(model, shown.selection)
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        st.markdown(f"**{len(ids):,}** of {len(model.codes.ids):,} selected")
        st.button("Clear selection", on_click=clear)
    if not len(ids):
        st.caption("No example lies inside. Draw a larger outline.")
        return
    left, right = st.columns([5, 3], gap="medium")
    with left:
        chosen = spread(ids, gallery.GALLERY)
        sheet, kind = gallery.gallery(model, chosen, columns=15)
        some = "All" if len(chosen) == len(ids) else f"{len(chosen)} of the {len(ids):,}"
        st.caption(f"{some} selected examples, {kind}")
        _exports(model, ids, sheet)
    with right:
        _summary(model, ids)


def _exports(model: Opened, ids: NDArray[np.int64], sheet: bytes) -> None:
    name = f"{model.name}-selection"
    with st.container(horizontal=True):
        st.download_button(
            "Codes as CSV", lambda: to_csv(model, ids), f"{name}.csv", "text/csv",
            key="w-csv", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Gallery as PNG", sheet, f"{name}.png", "image/png", key="w-png", on_click="ignore"
        )


def _summary(model: Opened, ids: NDArray[np.int64]) -> None:
    rows = model.rows(ids)
    if model.codes.labels is not None:
        counts = np.bincount(model.codes.labels[rows], minlength=len(model.class_names))
        figure = charts.class_counts(counts.tolist(), model.class_names)
        st.echarts_chart(figure, key="class-counts", height=170, alt="How many of each class")
    mean = model.codes.mu[torch.from_numpy(rows)].mean(0, keepdim=True)
    y = scenes.label_given(model, state.current())
    decoded = raster.picture(examples.decode(model, mean, y)[0], 140)
    st.image(raster.to_png(decoded), alt="Decoded mean")
    given = "" if y is None else f", as {model.condition_names[y]}"
    st.caption(f"Decoded mean of the selected codes{given}")


def spread(ids: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Return at most `limit` ids, evenly spread over all of them."""
    if len(ids) <= limit:
        return ids
    return ids[np.linspace(0, len(ids) - 1, limit).round().astype(np.int64)]


def to_csv(model: Opened, ids: NDArray[np.int64]) -> bytes:
    """Write ids, class names, mu and sigma of examples, one example a row."""
    codes, rows = model.codes, torch.from_numpy(model.rows(ids))
    labels = None if codes.labels is None else codes.labels[rows]
    return tables.codes_csv(
        codes.ids[rows], labels, codes.mu[rows], codes.logvar[rows], classes=model.class_names
    ).encode()


def _to_panel(selection: Selection | None) -> latent_map.Selection | None:
    if selection is None:
        return None
    axes = address.plane_axes(selection.plane)
    return latent_map.Selection(
        polygon=selection.polygon,
        projection=RAW if axes is not None else selection.plane,  # type: ignore[arg-type]
        dims=axes or (0, 1),
    )


def coordinates(opened: Opened, plane: str) -> Floats:
    """Where the examples lie on a plane of the map, (n, 2)."""
    axes = plane_axes(plane)
    if axes is not None and opened.latent_dim == 1:
        labels = None if opened.codes.labels is None else opened.codes.labels.numpy()
        return latents.along_line(opened.codes.mu.numpy(), opened.codes.ids.numpy(), labels)
    points = opened.codes.projections[plane] if axes is None else opened.codes.mu[:, list(axes)]
    array: Floats = points.numpy()
    return array


def selected(opened: Opened, selection: Selection | None) -> Ids:
    """Ids of the examples inside a selection."""
    if selection is None:
        return np.empty(0, dtype=np.int64)
    polygon = np.array(selection.polygon, dtype=np.float32)
    inside = latents.inside_polygon(coordinates(opened, selection.plane), polygon)
    ids: Ids = opened.codes.ids.numpy()[inside]
    return ids

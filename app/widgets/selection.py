"""The map with its selection, and the selected examples."""

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app import address, state
from app.address import Selection, State
from app.components import latent_map
from app.components.contract import Scene
from app.components.gallery import gallery as panel
from app.components.latent_map import Callbacks, Look, Points, Restored
from app.conditions import Filter
from app.figures import charts, raster
from app.resources import examples, filtering
from app.resources.opened_model import Floats, Ids, Opened
from app.widgets import chart, gallery, pinned, scenes
from vae_core import latents
from vae_core.formats import tables

#: Images in a row of a downloaded PNG.
SHEET_COLUMNS = 15
#: Name of a plane of two latent dimensions in the panels.
RAW = "raw"
PROJECTIONS = {"axes": "Latent plane", "pca": "PCA", "tsne": "t-SNE", "3d": "3-D"}


def show_map(
    key: str,
    model: Opened,
    shown: State,
    projection: str,
    *,
    scene: Scene,
    on: Callbacks,
    positions: str | None = None,
    height: int | None = None,
) -> None:
    """Show a model's map with the state's camera and selection.

    Parameters
    ----------
    projection
        One of `address.PROJECTIONS` except "3d".
    positions
        Address of a computed t-SNE map, if any.
    """
    latent_map.latent_map(
        key,
        scene=scene,
        points=points(model, positions=positions),
        look=Look(
            projection=RAW if projection == "axes" else projection,  # type: ignore[arg-type]
            colour=shown.colour,
            manifold=shown.backdrop,
            height=height,
        ),
        restored=restored(shown),
        on=on,
    )


def show_small_map(
    model: Opened,
    shown: State,
    *,
    posterior: tuple[Floats, Floats] | None = None,
    height: int = 260,
) -> None:
    """Show a small map of the latent plane, to pin points on.

    `posterior` is the mu and logvar (latent_dim,) of an image, which is outlined.
    """
    latent_map.latent_map(
        "small-map",
        scene=scenes.build(model, shown, posterior=posterior),
        points=points(model),
        look=Look(colour=shown.colour, height=height, tools=False),
        restored=filtered(shown),
        on=Callbacks(pin=pinned.on_pin, filter=callbacks().filter, search=callbacks().search),
    )


def points(model: Opened, *, positions: str | None = None) -> Points:
    """Return the points of a model's map."""
    return Points(
        codes=model.codes_address,
        classes=model.class_names,
        positions=positions,
        sprite=examples.sprite_address(model),
        columns=model.columns_address,
    )


def filtered(shown: State) -> Restored:
    """Return the filter and the search of the state alone, for a small map."""
    return Restored(filter=shown.filter or (), search=shown.search, filter_version=state.version())


def restored(shown: State) -> Restored:
    """Return the camera and the selection of the state, as the map restores them."""
    drawn = shown.selection
    axes = None if drawn is None else address.plane_axes(drawn.plane)
    return Restored(
        camera=None if shown.camera is None else latent_map.Camera(*shown.camera),
        camera_version=state.version(),
        selection=None
        if drawn is None
        else latent_map.Selection(
            polygon=drawn.polygon,
            projection=RAW if axes is not None else drawn.plane,  # type: ignore[arg-type]
            dims=axes or (0, 1),
        ),
        # The map accepts the simplified polygon, so that its count equals Python's.
        selection_version=hash(drawn) & 0x7FFFFFFF,
        filter=shown.filter or (),
        search=shown.search,
        filter_version=state.version(),
    )


def callbacks() -> Callbacks:
    """Return the callbacks that store what changed on the map."""
    store = state.update_from_panel
    return Callbacks(
        pin=pinned.on_pin,
        selection=lambda drawn: store(selection=from_panel(drawn)),
        manifold=lambda opacity: store(backdrop=opacity),
        camera=lambda seen: store(camera=(seen.x, seen.y, seen.height)),
        filter=lambda conditions: store(filter=conditions or None),
        search=lambda text: store(search=text),
    )


def from_panel(drawn: latent_map.Selection | None) -> Selection | None:
    """Return the state's selection for a polygon drawn on the map."""
    if drawn is None:
        return None
    projection = "axes" if drawn.projection == RAW else drawn.projection
    plane = address.plane_name(projection, drawn.dims)
    return Selection(plane, address.simplify(list(drawn.polygon)))


def show(model: Opened, shown: State) -> None:
    """Show the selected examples: count, classes, decoded mean, gallery, downloads.

    Without a selection they are those that the filter keeps.
    """
    total, drawn = len(model.codes.ids), shown.selection
    if drawn is None and not shown.filter:
        st.caption(f"Draw a box or a lasso on the map to select {model.example_kind}s.")
        return
    kept = filtering.ids(model, shown.filter or ())
    ids = kept if drawn is None else selected(model, drawn, shown.filter or ())
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        if drawn is None:
            st.markdown(f"**{len(ids):,}** of {total:,} shown")
        else:
            of = f"{len(kept):,} shown ({total:,} in all)" if shown.filter else f"{total:,}"
            st.markdown(f"**{len(ids):,}** of {of} selected")
            st.button("Clear selection", on_click=state.update, kwargs={"selection": None})
    if not len(ids):
        why = "No images inside; draw a larger area."
        st.caption(why if drawn is not None and len(kept) else "No image fulfils the filter.")
        return
    _summary(model, shown, ids)
    panel(
        "selected-images",
        scene=scenes.build(model, shown),
        points=points(model),
        first=[shown.colour, *(one.column for one in shown.filter or ())],
        on_pin=pinned.on_pin,
    )
    _downloads(model, ids)


def sheet(model: Opened, ids: NDArray[np.int64]) -> bytes:
    """Write up to `gallery.GALLERY` of the examples as one PNG."""
    chosen = examples.pictures(model, spread(ids, gallery.GALLERY).tolist())
    return raster.to_png(raster.mosaic(chosen.images, SHEET_COLUMNS))


def _downloads(model: Opened, ids: NDArray[np.int64]) -> None:
    name = f"{model.name}-selection"
    with st.container(horizontal=True):
        st.download_button(
            "Download codes (CSV)", lambda: to_csv(model, ids), f"{name}.csv", "text/csv",
            key="w-csv", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download PNG", lambda: sheet(model, ids), f"{name}.png", "image/png", key="w-png",
            on_click="ignore",
        )  # fmt: skip


def _summary(model: Opened, shown: State, ids: NDArray[np.int64]) -> None:
    rows = model.rows(ids)
    left, right = st.columns([2, 1], vertical_alignment="center")
    # In the map's colours: the classes, or the categories of the column that colours it.
    column = model.columns.get(shown.colour)
    by = shown.colour if column is not None and column.kind == "category" else "label"
    if by != "label" or model.codes.labels is not None:
        colours = filtering.colours(model, by)
        counts = np.bincount(colours.values[rows], minlength=len(colours.classes))
        figure = charts.class_counts(counts.tolist(), colours.classes, greys=colours.greys)
        with left:
            chart.show_echarts(figure, key="class-counts", height=130, alt="Number of each class")
    mean = model.codes.mu[torch.from_numpy(rows)].mean(0, keepdim=True)
    y = scenes.pinned_y(model, shown)
    decoded = raster.picture(examples.decode(model, mean, y)[0], 84)
    condition = "" if y is None else f", label {model.condition_names[y]}"
    right.image(raster.to_png(decoded), alt="Decoded mean", caption=f"Decoded mean{condition}")


def spread(ids: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Return at most `limit` ids, evenly spread over all of them."""
    if len(ids) <= limit:
        return ids
    return ids[np.linspace(0, len(ids) - 1, limit).round().astype(np.int64)]


def to_csv(model: Opened, ids: NDArray[np.int64]) -> bytes:
    """Write ids, class names, mu, sigma and columns of examples, one example a row."""
    codes, chosen = model.codes, model.rows(ids)
    rows = torch.from_numpy(chosen)
    labels = None if codes.labels is None else codes.labels[rows]
    return tables.codes_csv(
        codes.ids[rows],
        labels,
        codes.mu[rows],
        codes.logvar[rows],
        classes=model.class_names,
        columns=[column.take(chosen) for column in codes.columns],
    ).encode()


def coordinates(model: Opened, plane: str) -> Floats:
    """Return the positions of the examples on a plane of the map, (n, 2)."""
    axes = address.plane_axes(plane)
    if axes is not None and model.latent_dim == 1:
        labels = None if model.codes.labels is None else model.codes.labels.numpy()
        return latents.along_line(model.codes.mu.numpy(), model.codes.ids.numpy(), labels)
    xy = model.codes.projections[plane] if axes is None else model.codes.mu[:, list(axes)]
    array: Floats = xy.numpy()
    return array


def selected(model: Opened, selection: Selection, conditions: Filter = ()) -> Ids:
    """Return the ids of the examples inside a selection that fulfil a filter, (n,)."""
    polygon = np.array(selection.polygon, dtype=np.float32)
    inside = latents.inside_polygon(coordinates(model, selection.plane), polygon)
    inside &= filtering.mask(model, conditions)
    ids: Ids = model.codes.ids.numpy()[inside]
    return ids

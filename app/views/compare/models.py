"""Two models side by side on the Compare page, linked by one code or one example."""

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app import address, conditions, state, words
from app.address import Selection, State
from app.components.contract import Pin
from app.components.labels import labels
from app.components.latent_map import Selection as Outline
from app.components.pair import OTHER, pair
from app.figures import raster
from app.resources import datasets, examples, library
from app.resources.opened_model import Opened
from app.widgets import gallery, pinned, scenes, selection
from vae_core.errors import CheckpointError
from vae_core.evaluation import Estimate
from vae_core.model_folder import Metric

By = Literal["z", "example"]
LINK_NAMES = {"z": "Same code", "example": "Same example"}
#: Metrics of each example; −ELBO is the sum of the others.
BOUND = ("elbo", "rate", "distortion")
DIFFERENCE = "Difference (B − A)"
SHOWN = 24
MAP_HEIGHT = 380


@dataclass(frozen=True)
class Pair:
    """Two open models and what they have in common."""

    first: Opened
    second: Opened

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the examples that both have encoded; none for models of two datasets."""
        if self.first.card.dataset != self.second.card.dataset:
            return np.empty(0, dtype=np.int64)
        ids: NDArray[np.int64] = np.intersect1d(
            self.first.codes.ids.numpy(), self.second.codes.ids.numpy()
        )
        return ids

    @property
    def shared(self) -> bool:
        """Whether both have encoded the same examples."""
        return bool(len(self.ids))

    @property
    def links(self) -> tuple[By, ...]:
        """What can link the models, the default first."""
        possible: dict[By, bool] = {
            "z": self.first.latent_dim == self.second.latent_dim,
            "example": self.shared,
        }
        return tuple(by for by, is_possible in possible.items() if is_possible)

    @property
    def titles(self) -> tuple[str, str]:
        """Names of both models as pages show them."""
        return library.title(self.first.name), library.title(self.second.name)


def others(opened: Opened, names: list[str]) -> list[str]:
    """Return the names of other models, those of the same dataset and latent size first."""
    differences = {}
    for name in names:
        try:
            card = library.card(name)
        except CheckpointError:  # a damaged folder is not offered
            continue
        if name != opened.name:
            differences[name] = (
                card.dataset != opened.card.dataset,
                card.model.latent_dim != opened.latent_dim,
            )
    return sorted(differences, key=differences.__getitem__)


def names() -> list[str]:
    """Return the names of all VAEs that this session can open."""
    return list(dict.fromkeys([*library.model_names(), *state.recall("files", [])]))


def open_second(opened: Opened, shown: State, names: list[str]) -> Opened | None:
    """Open the second model of the state; else add a notice and rerun with another."""
    assert shown.other is not None, "the page shows two models when the state names a second one"
    try:
        if shown.other == opened.name:
            raise CheckpointError("Choose two different models.")
        return library.open_model(shown.other)
    except CheckpointError as error:
        state.notify(str(error))
        state.update(other=next(iter(others(opened, names)), None))
        st.rerun()


def show(opened: Opened, shown: State, names: list[str]) -> None:
    """Show the open model and the second one."""
    second = open_second(opened, shown, names)
    if second is None:
        return
    both = Pair(opened, second)
    by = controls(both, shown, names)
    second_shown = second_state(both, shown, by)
    with st.container(key="live-pictures"):
        pair(
            "pair",
            scene=scenes.build(opened, shown),
            names=both.titles,
            codes=(opened.codes_address, second.codes_address),
            linked=by,
            shared=both.shared,
        )
    st.caption(describe_link(both, by))
    label_choice(both, shown, second_shown)
    left, right = st.columns(2, gap="medium")
    with left:
        show_map(opened, shown, both, by, first=True)
    with right:
        show_map(second, second_shown, both, by, first=False)
    show_pinned(both, shown)
    ids = show_selection(both, shown)
    show_metrics(both, ids)


def controls(both: Pair, shown: State, names: list[str]) -> By | None:
    """Show the choices of second model, link and projection; return the link."""
    by: By | None = None
    if both.links:
        by = shown.linked if shown.linked in both.links else both.links[0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="pair-controls"):
        st.selectbox(
            f"Compare {both.titles[0]} with",
            others(both.first, list(dict.fromkeys([*names, both.second.name]))),
            format_func=lambda name: (
                f"{library.title(name)} · {datasets.title(library.card(name).dataset)}"
            ),
            width=280,
            **state.bind("other", part="name"),
        )
        st.button(
            "Swap",
            on_click=swap,
            args=(both,),
            help="Open the second model and show the first beside it.",
        )
        if len(both.links) > 1:
            st.segmented_control(
                "Both show",
                both.links,
                format_func=LINK_NAMES.__getitem__,
                **state.bind("linked", to_widget=lambda _: by),
            )
        maps = flat_projections(both.first)
        if len(maps) > 1:
            st.segmented_control(
                "Map",
                maps,
                format_func=selection.PROJECTIONS.__getitem__,
                **state.bind(
                    "projection", to_widget=lambda chosen: chosen if chosen in maps else maps[0]
                ),
            )
    return by


def flat_projections(model: Opened) -> list[str]:
    """Return a model's projections without the 3-D scatter."""
    return [name for name in model.facts.projections if name != "3d"]


def label_choice(both: Pair, shown: State, second_shown: State) -> None:
    """Show the choice of the label for both models, or for the conditional one."""
    if both.first.condition_names:
        scenes.label_choice(both.first, shown)
    elif both.second.condition_names:
        scene = dataclasses.replace(scenes.build(both.second, second_shown), side=OTHER)
        memory = f"label-{both.second.hash}"  # the state holds labels of the first model only
        labels(
            "labels",
            scene=scene,
            names=both.second.condition_names,
            on_y=lambda y: state.remember(memory, y),
        )


def swap(both: Pair) -> None:
    """Open the second model and show the first one beside it."""
    state.update(
        model=both.second.name,
        other=both.first.name,
        pinned_id=state.current().pinned_id if both.shared else None,
    )


def describe_link(both: Pair, by: By | None) -> str:
    """Describe what links the two models, and what cannot."""
    if by == "z":
        text = (
            "Same code: moving on either map decodes the point with both models. The same code "
            "need not mean the same in two models."
        )
    elif by == "example":
        text = (
            "Same example: pointing at an example or clicking it marks it on both maps, and both "
            "models reconstruct it."
        )
    else:
        text = (
            f"These models cannot be linked: {both.first.latent_dim} and "
            f"{words.dimensions(both.second.latent_dim)}, and no example in common."
        )
    if not both.shared:
        first, second = (datasets.title(one.card.dataset) for one in (both.first, both.second))
        text += (
            f" One was trained on {first}, the other on {second}: without common examples, no "
            "selection is shared."
        )
    return text


def second_state(both: Pair, shown: State, by: By | None) -> State:
    """Return the state of the second model: the first one's code or example, on its own map."""
    second = both.second
    z, pinned_id = None, None
    kept: Pin | None = state.recall(f"pin-{second.hash}")
    if by == "z":
        z = tuple(scenes.pinned_z(both.first, shown).tolist())
    elif by == "example" and shown.pinned_id in second.row:
        pinned_id = shown.pinned_id
    elif kept is not None:
        z, pinned_id = kept.z, kept.pinned_id
    wanted = dataclasses.replace(
        shown,
        model=second.name,
        z=z,
        pinned_id=pinned_id,
        y=shown.y if both.first.condition_names else state.recall(f"label-{second.hash}"),
        selection=shown.other_selection,
        camera=None,
    )
    fitted, _ = address.fit(wanted, second.facts)
    if wanted.selection is not None and fitted.selection is None:
        state.notify("The selection in the address is not on a map of the second model.")
        state.update(other_selection=None)
        st.rerun()
    return fitted


def show_map(model: Opened, shown: State, both: Pair, by: By | None, *, first: bool) -> None:
    """Show one model's map on its own plane."""
    maps = flat_projections(model)
    projection = shown.projection if shown.projection in maps else maps[0]
    scene = scenes.build(model, shown)
    on = dataclasses.replace(
        selection.callbacks(), selection=lambda drawn: on_selection(drawn, first=first)
    )
    if not first:
        scene = dataclasses.replace(scene, side=OTHER)
        # The filter of the first model holds for the second one as far as it has the columns.
        on = dataclasses.replace(
            on,
            pin=lambda pin: on_second_pin(both, by, pin),
            camera=None,
            filter=None,
            search=None,
        )
    st.markdown(f"**{library.title(model.name)}**  \n{library.describe(model.name)}")
    selection.show_map(
        "first-map" if first else "second-map",
        model,
        shown,
        projection,
        scene=scene,
        on=on,
        height=MAP_HEIGHT,
    )
    st.caption(selection.PROJECTIONS[projection])


def on_second_pin(both: Pair, by: By | None, pin: Pin) -> None:
    """Store what was pinned on the second map, for both models if they are linked."""
    if by == "z":
        pinned.on_pin(Pin(z=pin.z, pinned_id=None, y=pin.y))
    elif by == "example" and pin.pinned_id in both.first.row:
        pinned.on_pin(pin)
    else:
        state.remember(f"pin-{both.second.hash}", pin)


def on_selection(drawn: Outline | None, *, first: bool) -> None:
    """Store a selection drawn on one map; the other map then shows it by ids."""
    chosen = selection.from_panel(drawn)
    if first:
        state.update_from_panel(selection=chosen, other_selection=None)
    else:
        state.update_from_panel(selection=None, other_selection=chosen)


def show_pinned(both: Pair, shown: State) -> None:
    """Show rate and distortion of the pinned example under both models."""
    example = shown.pinned_id
    if example is None or not both.shared or example not in both.second.row:
        return
    bounds = [
        f"{title}: {pinned.bound_of(model, example)}"
        for title, model in zip(both.titles, (both.first, both.second), strict=True)
    ]
    name = gallery.name_of(both.first, example)
    st.markdown(f"Showing test image {name}. " + " · ".join(bounds))


def selected(both: Pair, shown: State) -> tuple[NDArray[np.int64], Opened] | None:
    """Return the ids of the selected examples, and the model on whose map they were selected."""
    drawn: tuple[tuple[Opened, Selection | None], ...] = (
        (both.first, shown.selection),
        (both.second, shown.other_selection),
    )
    for model, outline in drawn:
        if outline is not None:
            kept, _ = conditions.fitting(shown.filter or (), model.facts.columns)
            return selection.selected(model, outline, kept), model
    return None


def show_selection(both: Pair, shown: State) -> NDArray[np.int64] | None:
    """Show reconstructions of the selected examples by both models; return the common ids."""
    st.subheader("Selection", anchor=False)
    found = selected(both, shown)
    if found is None:
        where = "either map to mark the same examples on both" if both.shared else "a map"
        st.caption(f"Draw a box or a lasso on {where}.")
        return None
    ids, home = found
    common = ids[np.isin(ids, both.ids)]
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        st.markdown(f"**{len(ids):,}** selected on the map of {library.title(home.name)}")
        nothing = {"selection": None, "other_selection": None}
        st.button("Clear selection", on_click=state.update, kwargs=nothing)
    if not both.shared:
        return None
    if not len(common):
        st.caption("No images inside; draw a larger area.")
        return None
    chosen = selection.spread(common, SHOWN)
    columns = st.columns(2, gap="medium")
    for title, model, column in zip(both.titles, (both.first, both.second), columns, strict=True):
        with column:
            rows = model.rows(chosen)
            images = examples.decode(model, model.codes.mu[rows], model.conditions(rows))
            st.image(
                raster.mosaic(images, 12, side=48),
                alt=f"{len(chosen)} reconstructions by {title}",
            )
            st.caption(f"Reconstructed by {title}")
    return common


def show_metrics(both: Pair, ids: NDArray[np.int64] | None) -> None:
    """Show the metrics of both models, and those on the selected examples."""
    st.subheader("Metrics", anchor=False)
    st.table(metric_rows(both), hide_index=True, alt="Metrics of both models")
    note = "A is the left model, B the right one. Value ± standard error (kind of metric)."
    if both.shared:
        note += (
            f" A paired difference is taken image by image over the {len(both.ids):,} that both "
            "have encoded, which reduces its error."
        )
    st.caption(note)
    if ids is not None and len(ids) > 1 and comparable_kinds(both):
        st.markdown(f"**On the {len(ids):,} selected images**")
        reason = different_bounds(both)
        rows = [paired_row(both, name, ids, reason=reason) for name in shared_bound(both)]
        st.table(rows, hide_index=True, alt="Metrics on the selected images")


def shared_bound(both: Pair) -> tuple[str, ...]:
    """Return the parts of the bound that both models have for each example."""
    parts = [
        {*model.facts.metrics, *(("elbo",) if model.has_bound else ())}
        for model in (both.first, both.second)
    ]
    return tuple(name for name in BOUND if name in parts[0] & parts[1])


def comparable_kinds(both: Pair) -> bool:
    """Whether the metrics of both models are of one dataset and one kind."""
    return both.shared and both.first.pixel_kind == both.second.pixel_kind


def metric_rows(both: Pair) -> list[dict[str, str]]:
    """Return a row for each metric: both values and, if comparable, their difference."""
    first, second = both.first.card.metrics, both.second.card.metrics
    return [
        _row(
            both,
            name,
            (_value(name, first.get(name)), _value(name, second.get(name))),
            difference(both, name),
        )
        for name in dict.fromkeys([*first, *second])
    ]


def _row(both: Pair, name: str, values: tuple[str, str], change: str) -> dict[str, str]:
    return {
        "Metric": words.title(name),
        **{
            f"{side}: {title}": value
            for side, title, value in zip("AB", both.titles, values, strict=True)
        },
        DIFFERENCE: change,
    }


def _value(name: str, metric: Metric | None) -> str:
    if metric is None:
        return "not measured"
    return f"{words.quantity(name, metric.value, metric.se, metric.unit)} ({metric.kind})"


def difference(both: Pair, name: str) -> str:
    """Return the difference of one metric with its standard error, or why there is none."""
    first, second = both.first.card.metrics.get(name), both.second.card.metrics.get(name)
    if first is None or second is None:
        return ""
    if first.unit == "p-value":
        return "not comparable: p-values of two tests"
    if both.first.card.dataset != both.second.card.dataset:
        return "not comparable: different data"
    if first.kind != second.kind:
        return f"not comparable: {first.kind} and {second.kind} pixels"
    if (first.unit, first.split) != (second.unit, second.split):
        return f"not comparable: {first.unit} ({first.split}) and {second.unit} ({second.split})"
    if first.unit in ("nats", "bits") and (reason := different_bounds(both)):
        return reason
    if name in BOUND and both.shared:
        return paired_row(both, name, both.ids)[DIFFERENCE]
    error = None
    if first.se is not None and second.se is not None:
        error = math.hypot(first.se, second.se)
    return words.quantity(name, second.value - first.value, error, first.unit, difference=True)


def different_bounds(both: Pair) -> str:
    """Say that the models bound different likelihoods, or nothing if they do not."""
    given = [model.card.model.takes_labels for model in (both.first, both.second)]
    return "" if given[0] == given[1] else "not comparable: bounds of log p(x) and log p(x|y)"


def paired_row(
    both: Pair, name: str, ids: NDArray[np.int64], *, reason: str = ""
) -> dict[str, str]:
    """Compare one part of the bound over the same examples, image by image.

    A ``reason`` not to compare takes the place of the difference.
    """
    first, second = (_per_example(model, name, ids) for model in (both.first, both.second))
    values = [
        words.quantity(name, one.mean, one.se, "nats") for one in map(Estimate.of, (first, second))
    ]
    change = Estimate.of(second - first)
    paired = words.quantity(name, change.mean, change.se, "nats", difference=True)
    return _row(both, name, (values[0], values[1]), reason or f"{paired}, paired")


def _per_example(model: Opened, name: str, ids: NDArray[np.int64]) -> torch.Tensor:
    rows = torch.from_numpy(model.rows(ids))
    rate, distortion = model.codes.rate[rows].double(), model.codes.distortion[rows].double()
    return {"elbo": -(rate + distortion), "rate": rate, "distortion": distortion}[name]

"""The Compare page's two models: side by side, with one code or one example, and one selection."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app import address, state, words
from app.address import Selection, State
from app.components.contract import Pin
from app.components.labels import labels
from app.components.latent_map import Selection as Outline
from app.components.latent_map import latent_map
from app.components.pair import OTHER, pair
from app.figures import raster
from app.resources import examples, library
from app.resources.opened_model import Opened
from app.widgets import gallery, scenes, selection
from app.widgets.pinned import pin
from vae_core.errors import CheckpointError
from vae_core.evaluation import Estimate
from vae_core.model_folder import Metric

By = Literal["z", "example"]
LINK_NAMES = {"z": "The same code", "example": "The same example"}
PLANES = {"axes": "Latent plane", "pca": "PCA", "tsne": "t-SNE"}
#: Figures that each example has: of the sum, minus it is the ELBO.
BOUND = ("elbo", "rate", "distortion")
SHOWN = 24
MAP_HEIGHT = 380


@dataclass(frozen=True)
class Pair:
    """Two open models and what they have in common."""

    first: Opened
    second: Opened

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the examples that both have encoded: ids of two data sets mean nothing to each."""
        if self.first.card.dataset != self.second.card.dataset:
            return np.empty(0, dtype=np.int64)
        ids: NDArray[np.int64] = np.intersect1d(
            self.first.codes.ids.numpy(), self.second.codes.ids.numpy()
        )
        return ids

    @property
    def shared(self) -> bool:
        """Whether there are such examples."""
        return bool(len(self.ids))

    @property
    def links(self) -> tuple[By, ...]:
        """What they can be linked by, the best first."""
        possible: dict[By, bool] = {
            "z": self.first.latent_dim == self.second.latent_dim,
            "example": self.shared,
        }
        return tuple(by for by, there in possible.items() if there)


def others(opened: Opened, names: list[str]) -> list[str]:
    """Names of the other models, those of the same data and latent size first."""
    unlike = {}
    for name in names:
        try:
            card = library.card(name)
        except CheckpointError:  # a damaged folder is no choice
            continue
        if name != opened.name:
            unlike[name] = (
                card.dataset != opened.card.dataset,
                card.model.latent_dim != opened.latent_dim,
            )
    return sorted(unlike, key=unlike.__getitem__)


def open_second(opened: Opened, shown: State, names: list[str]) -> Opened | None:
    """Open the second model that the state names; None, and a notice, where there is none."""
    assert shown.other is not None, "the page shows two models when the state names a second one"
    try:
        if shown.other == opened.name:
            raise CheckpointError("A model beside itself shows nothing: choose another one.")
        return library.open_model(shown.other)
    except CheckpointError as error:
        state.notify(str(error))
        state.update(other=next(iter(others(opened, names)), None))
        st.rerun()


def names() -> list[str]:
    """Names of all models that this session can open."""
    return list(dict.fromkeys([*library.model_names(), *state.recall("files", [])]))


def show(opened: Opened, shown: State, names: list[str]) -> None:
    """Show the open model and the second one."""
    second = open_second(opened, shown, names)
    if second is None:
        return
    both = Pair(opened, second)
    by = controls(both, shown, names)
    beside = second_state(both, shown, by)
    with st.container(key="live-pictures"):
        pair(
            "pair",
            scene=scenes.scene(opened, shown),
            names=(library.title(opened.name), library.title(second.name)),
            codes=(opened.codes_address, second.codes_address),
            linked=by,
            shared=both.shared,
        )
    st.caption(explained(both, by))
    label_choice(both, shown, beside)
    left, right = st.columns(2, gap="medium")
    with left:
        show_map(opened, shown, both, by, first=True)
    with right:
        show_map(second, beside, both, by, first=False)
    pinned(both, shown)
    ids = show_selection(both, shown)
    st.subheader("What was measured", anchor=False)
    st.dataframe(metric_rows(both), hide_index=True, key="metrics")
    st.caption(
        "Value ± standard error (kind of figure). A paired difference is taken image by image, "
        f"over the {len(both.ids):,} that both have encoded, which makes its error small."
        if both.shared
        else "Value ± standard error (kind of figure)."
    )
    if ids is not None and len(ids) > 1 and comparable_kinds(both):
        rows = [paired_row(both, name, ids) for name in BOUND]
        st.markdown(f"**On the {len(ids):,} selected examples**")
        st.dataframe(rows, hide_index=True, key="selected-metrics")


def controls(both: Pair, shown: State, names: list[str]) -> By | None:
    """Show the choice of the second model and of the link; return what they are linked by."""
    candidates = others(both.first, list(dict.fromkeys([*names, both.second.name])))
    by: By | None = None
    if both.links:
        by = shown.linked if shown.linked in both.links else both.links[0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="pair-controls"):
        st.selectbox(
            f"Compare {library.title(both.first.name)} with",
            candidates,
            format_func=lambda name: f"{library.title(name)} · {library.card(name).dataset}",
            width=280,
            **state.bind("other", part="name"),
        )
        st.button(
            "Swap",
            on_click=swap,
            args=(both,),
            help="Open the second model, with the first beside it.",
        )
        if len(both.links) > 1:
            st.segmented_control(
                "Both show",
                both.links,
                format_func=LINK_NAMES.__getitem__,
                **state.bind("linked", shown=lambda _: by),
            )
        projections = both.first.facts.projections
        maps = [name for name in projections if name in PLANES]
        if len(maps) > 1:
            bound = state.bind(
                "projection", shown=lambda chosen: chosen if chosen in maps else maps[0]
            )
            st.segmented_control("Map", maps, format_func=PLANES.__getitem__, **bound)
    return by


def label_choice(both: Pair, shown: State, beside: State) -> None:
    """Show the choice of the label that both models are given, or the one that takes one."""
    if both.first.condition_names:
        scenes.label_choice(both.first, shown)
    elif both.second.condition_names:
        scene = dataclasses.replace(scenes.scene(both.second, beside), side=OTHER)
        memory = f"label-{both.second.hash}"  # a label has no place in the first model's state
        labels(
            "labels",
            scene=scene,
            names=both.second.condition_names,
            on_y=lambda y: state.remember(memory, y),
        )


def swap(both: Pair) -> None:
    """Open the second model, with the first one beside it."""
    shown = state.current()
    state.update(
        model=both.second.name,
        other=both.first.name,
        pinned_id=shown.pinned_id if both.shared else None,
    )


def explained(both: Pair, by: By | None) -> str:
    """Say what links the two models, and what cannot."""
    first, second = both.first.card, both.second.card
    if by == "z":
        how = (
            "One code for both: what moves on either map is decoded by both. The same code need "
            "not mean the same to two models."
        )
    elif by == "example":
        how = (
            "One example for both: resting on a point, or pinning one, marks the same example on "
            "the other map, and both reconstruct it."
        )
    else:
        how = (
            f"Nothing links these two: codes of {both.first.latent_dim} and "
            f"{both.second.latent_dim} numbers, and no example in common."
        )
    if not both.shared:
        how += (
            f" One was made from {first.dataset}, the other from {second.dataset}: they have no "
            "examples in common, so no selection is shared."
        )
    return how


def second_state(both: Pair, shown: State, by: By | None) -> State:
    """Return what the second model shows: the code or the example of the first, in its own maps."""
    second = both.second
    z, pinned_id = None, None
    kept: Pin | None = state.recall(f"pin-{second.hash}")
    if by == "z":
        first_z = scenes.pinned_z(both.first, shown.z, shown.pinned_id, shown.y)
        z = tuple(first_z.tolist())
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
    """Show one model's map: its own plane, and the marks that both share."""
    projections = [name for name in model.facts.projections if name in PLANES]
    projection = shown.projection if shown.projection in projections else projections[0]
    scene = scenes.scene(model, shown)
    arguments = selection.map_arguments(shown, projection)
    if not first:
        scene = dataclasses.replace(scene, side=OTHER)
        arguments |= {"on_pin": lambda chosen: pin_second(both, by, chosen), "on_camera": None}
    arguments["on_selection"] = lambda drawn: take(drawn, first=first)
    st.markdown(f"**{library.title(model.name)}**  \n{library.describe(model.name)}")
    latent_map(
        "first-map" if first else "second-map",
        scene=scene,
        codes=model.codes_address,
        sprite=examples.sprite_address(model),
        classes=model.class_names,
        height=MAP_HEIGHT,
        **arguments,
    )
    st.caption(PLANES[projection])


def pin_second(both: Pair, by: By | None, chosen: Pin) -> None:
    """Take over what was pinned on the second map: for both models where that has a meaning."""
    if by == "z":
        pin(Pin(z=chosen.z, pinned_id=None, y=chosen.y))
    elif by == "example" and chosen.pinned_id in both.first.row:
        pin(chosen)
    else:
        state.remember(f"pin-{both.second.hash}", chosen)


def take(drawn: Outline | None, *, first: bool) -> None:
    """Take over what was drawn on one of the maps: the other then shows it by ids."""
    chosen = selection.from_panel(drawn)
    if first:
        state.adopt(selection=chosen, other_selection=None)
    else:
        state.adopt(selection=None, other_selection=chosen)


def clear() -> None:
    """Forget the selection of both maps."""
    state.update(selection=None, other_selection=None)


def pinned(both: Pair, shown: State) -> None:
    """Say what the pinned example costs each of the models."""
    example = shown.pinned_id
    if example is None or not both.shared or example not in both.second.row:
        return
    facts = []
    for model in (both.first, both.second):
        row = model.row[example]
        rate, distortion = float(model.codes.rate[row]), float(model.codes.distortion[row])
        facts.append(
            f"{library.title(model.name)}: rate {words.number(rate)}, distortion "
            f"{words.number(distortion)} nats ({model.pixel_kind})"
        )
    st.markdown(f"Pinned: {gallery.named(both.first, example)}. " + " · ".join(facts))


def selected(both: Pair, shown: State) -> tuple[NDArray[np.int64], Opened] | None:
    """Ids of the selected examples, and the model on whose map they were selected."""
    drawn: dict[str, tuple[Opened, Selection | None]] = {
        "first": (both.first, shown.selection),
        "second": (both.second, shown.other_selection),
    }
    for model, outline in drawn.values():
        if outline is not None:
            return selection.selected(model, outline), model
    return None


def show_selection(both: Pair, shown: State) -> NDArray[np.int64] | None:
    """Show the selected examples as both models reconstruct them; return those that both have."""
    st.subheader("Selection", anchor=False)
    found = selected(both, shown)
    if found is None:
        where = "either map: the same examples light up on the other" if both.shared else "a map"
        st.caption(f"Draw a box or a lasso on {where}.")
        return None
    ids, home = found
    common = ids[np.isin(ids, both.ids)]
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        st.markdown(f"**{len(ids):,}** selected on the map of {library.title(home.name)}")
        st.button("Clear selection", on_click=clear)
    if not both.shared:
        return None
    if not len(common):
        st.caption("No example lies inside. Draw a larger outline.")
        return None
    chosen = selection.spread(common, SHOWN)
    for model, column in zip((both.first, both.second), st.columns(2, gap="medium"), strict=True):
        with column:
            rows = model.rows(chosen)
            pictures = examples.decode(model, model.codes.mu[rows], model.conditions(rows))
            st.image(
                raster.mosaic(pictures, 12, side=48),
                alt=f"{len(chosen)} reconstructions by {library.title(model.name)}",
            )
            st.caption(f"As {library.title(model.name)} reconstructs them")
    return common


# What was measured


def comparable_kinds(both: Pair) -> bool:
    """Whether the figures of both models are of one data set and one kind."""
    return both.shared and both.first.pixel_kind == both.second.pixel_kind


def metric_rows(both: Pair) -> list[dict[str, str]]:
    """Metrics of both cards, and their differences where they can be taken."""
    first, second = both.first.card.metrics, both.second.card.metrics
    rows = []
    for name in dict.fromkeys([*first, *second]):
        rows.append(
            {
                "Metric": f"{words.title(name)}, {(first.get(name) or second[name]).unit}",
                library.title(both.first.name): _said(first.get(name)),
                library.title(both.second.name): _said(second.get(name)),
                "Second minus first": difference(both, name),
            }
        )
    return rows


def _said(metric: Metric | None) -> str:
    if metric is None:
        return "not measured"
    return f"{words.measured(metric.value, metric.se)} ({metric.kind})"


def difference(both: Pair, name: str) -> str:
    """Write the difference of one metric with its standard error, or why there is none."""
    first, second = both.first.card.metrics.get(name), both.second.card.metrics.get(name)
    if first is None or second is None:
        return ""
    if both.first.card.dataset != both.second.card.dataset:
        return "not comparable: different data"
    if first.kind != second.kind:
        return f"not comparable: {first.kind} and {second.kind} pixels"
    if (first.unit, first.split) != (second.unit, second.split):
        return f"not comparable: {first.unit} ({first.split}) and {second.unit} ({second.split})"
    if name in BOUND and both.shared:
        return paired_row(both, name, both.ids)["Second minus first"]
    error = None
    if first.se is not None and second.se is not None:
        error = math.hypot(first.se, second.se)
    return words.measured(second.value - first.value, error)


def paired_row(both: Pair, name: str, ids: NDArray[np.int64]) -> dict[str, str]:
    """Compare one part of the bound over the same examples, image by image."""
    columns = [_per_example(model, name, ids) for model in (both.first, both.second)]
    change = Estimate.of(columns[1] - columns[0])
    values = [words.measured(one.mean, one.se) for one in map(Estimate.of, columns)]
    return {
        "Metric": f"{words.title(name)}, nats",
        library.title(both.first.name): values[0],
        library.title(both.second.name): values[1],
        "Second minus first": f"{words.measured(change.mean, change.se)}, paired",
    }


def _per_example(model: Opened, name: str, ids: NDArray[np.int64]) -> torch.Tensor:
    rows = torch.from_numpy(model.rows(ids))
    rate, distortion = model.codes.rate[rows].double(), model.codes.distortion[rows].double()
    return {"elbo": -(rate + distortion), "rate": rate, "distortion": distortion}[name]

"""What a page passes to its panels: the open model and the state as a scene."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app import state, words
from app.address import State
from app.components.contract import Scene
from app.components.labels import labels
from app.resources import library
from app.resources.opened_model import Floats, Moments, Opened


def opened() -> tuple[Opened, State]:
    """Return the open model and the state, which the navigation has fitted to it."""
    shown = state.current()
    return library.open_model(shown.model), shown


def scene(
    model: Opened,
    shown: State,
    *,
    posterior: tuple[Floats, Floats] | None = None,
    with_encoder: bool = False,
) -> Scene:
    """Return what every panel of the page is given alike; a drawing pad needs the encoder too."""
    z = pinned_z(model, shown.z, shown.pinned_id, shown.y)
    return Scene(
        model_hash=model.hash,
        decoder=model.decoder_address,
        encoder=model.encoder_address if with_encoder else None,
        z=tuple(z.tolist()),
        z_version=state.version(),
        dims=axes(model, shown),
        pinned_id=shown.pinned_id,
        y=label_given(model, shown),
        seed=shown.seed,
        posterior=None if posterior is None else (posterior[0].tolist(), posterior[1].tolist()),
    )


def axes(model: Opened, shown: State) -> tuple[int, int]:
    """Return the latent plane that is shown: the chosen one, else that of the largest KL."""
    return shown.axes or two_largest(model.kl_per_dim)


def label_given(model: Opened, shown: State) -> int | None:
    """Return the label that the model is given; None for a model that takes none."""
    return pinned_y(model, shown.y, shown.pinned_id)


def take_label(y: int) -> None:
    """Take over the label that was chosen; where nothing is pinned, the prior's mean is its own."""
    shown = state.current()
    pinned = shown.z is not None or shown.pinned_id is not None
    (state.adopt if pinned else state.update)(y=y)


def label_choice(model: Opened, shown: State, *, on_y: Callable[[int], None] = take_label) -> None:
    """Show the choice of the label that the model is given, where it takes one."""
    if model.condition_names:
        labels("labels", scene=scene(model, shown), names=model.condition_names, on_y=on_y)


def priors(model: Opened) -> list[tuple[list[float], list[float]]] | None:
    """Return mean and standard deviation of each label's prior, or of the one of all labels.

    None for a standard normal.
    """
    kind = model.card.model.prior
    if kind == "standard":
        return None
    labels_of = range(len(model.condition_names)) if kind == "label" else [None]
    moments = [prior_moments(model, y) for y in labels_of]
    return [(one.mu.tolist(), one.sigma.tolist()) for one in moments]


def plane_choice(model: Opened) -> None:
    """Show the choice of the two latent dimensions of a plane."""
    dims = range(model.latent_dim)
    across, up = axes(model, state.current())

    def swap_or_set(chosen: int, other: int, old: int, *, first: bool) -> tuple[int, int]:
        kept = old if chosen == other else other  # choosing the other's dimension swaps them
        return (chosen, kept) if first else (kept, chosen)

    st.selectbox(
        "Across", dims, format_func=words.ordinal, width=110, **state.bind(
            "axes", part="across", shown=lambda _: across,
            taken=lambda chosen: swap_or_set(chosen, up, across, first=True),
        ),
    )  # fmt: skip
    st.selectbox(
        "Up", dims, format_func=words.ordinal, width=110, **state.bind(
            "axes", part="up", shown=lambda _: up,
            taken=lambda chosen: swap_or_set(chosen, across, up, first=False),
        ),
    )  # fmt: skip


def two_largest(values: Floats) -> tuple[int, int]:
    """Return where the two largest of (n,) values are, in ascending order; (0, 1) for n = 1."""
    if len(values) < 2:
        return (0, 1)
    first, second = sorted(np.argsort(-values, kind="stable")[:2].tolist())
    return (first, second)


def pinned_y(opened: Opened, y: int | None, pinned_id: int | None) -> int | None:
    """Return the label that the model is given: y itself, else the pinned example's, else 0.

    None for a model that takes none.
    """
    if not opened.condition_names:
        return None
    if y is not None:
        return y
    if pinned_id is None:
        return 0
    labels = opened.conditions(slice(None))
    assert labels is not None, "a model that takes labels has them"
    return int(labels[opened.row[pinned_id]])


def pinned_z(
    opened: Opened, z: tuple[float, ...] | None, pinned_id: int | None, y: int | None = None
) -> Floats:
    """Return the pinned code: z itself, else the pinned example's mean, else that of p(z|y)."""
    if z is not None:
        return np.array(z, dtype=np.float32)
    if pinned_id is not None:
        mu: Floats = opened.codes.mu[opened.row[pinned_id]].numpy()
        return mu
    return prior_moments(opened, pinned_y(opened, y, pinned_id)).mu


def prior_moments(opened: Opened, y: int | None) -> Moments:
    """Return the moments of p(z), or of p(z|y) where the prior differs by label."""
    return opened.moments[0 if y is None or len(opened.moments) == 1 else y]

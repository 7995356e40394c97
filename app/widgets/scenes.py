"""The scene of a page: what the open model and the state mean for its panels."""

import dataclasses
from collections.abc import Callable

import numpy as np
import streamlit as st

from app import state, words
from app.address import State
from app.components.contract import Prior, Scene
from app.components.labels import labels
from app.resources import library
from app.resources.opened_model import Floats, Moments, Opened


def current() -> tuple[Opened, State]:
    """Return the open model and the state, which fits it.

    Without a pinned code, a model of many dimensions shows an example, which the URL leaves out.
    """
    shown = state.current()
    opened = library.open_model(shown.model)
    if shown.z is None and shown.pinned_id is None:
        shown = dataclasses.replace(shown, pinned_id=opened.opening_id)
    return opened, shown


def current_vae() -> tuple[Opened | None, State]:
    """Return the open model, or None if it is a Boltzmann machine, and the state."""
    shown = state.current()
    is_machine = library.open_machine(shown.model) is not None
    return None if is_machine else library.open_model(shown.model), shown


def build(
    model: Opened,
    shown: State,
    *,
    posterior: tuple[Floats, Floats] | None = None,
    with_encoder: bool = False,
) -> Scene:
    """Return the scene of a page; a drawing pad needs the encoder too."""
    return Scene(
        model_hash=model.hash,
        decoder=model.decoder_address,
        encoder=model.encoder_address if with_encoder else None,
        server=model.server_address,
        z=tuple(pinned_z(model, shown).tolist()),
        z_version=state.version(),
        dims=axes(model, shown),
        pinned_id=shown.pinned_id,
        y=pinned_y(model, shown),
        seed=shown.seed,
        posterior=None if posterior is None else (posterior[0].tolist(), posterior[1].tolist()),
    )


def axes(model: Opened, shown: State) -> tuple[int, int]:
    """Return the latent plane: the chosen one, else that of the largest KL."""
    return shown.axes or two_largest(model.importance)


def on_label(y: int) -> None:
    """Store the chosen label; if nothing is pinned, the code moves to its prior's mean."""
    shown = state.current()
    pinned = shown.z is not None or shown.pinned_id is not None
    (state.update_from_panel if pinned else state.update)(y=y)


def label_choice(model: Opened, shown: State, *, on_y: Callable[[int], None] = on_label) -> None:
    """Show the choice of the label, for a conditional model."""
    if model.condition_names:
        labels("labels", scene=build(model, shown), names=model.condition_names, on_y=on_y)


def priors(model: Opened) -> list[Prior] | None:
    """Return the prior of each label, or one for all labels; None for a standard normal."""
    if model.card.model.prior == "standard":
        return None
    return [(one.mu.tolist(), one.sigma.tolist()) for one in model.moments]


def plane_choice(model: Opened) -> None:
    """Show the choice of the two latent dimensions of a plane."""
    dims = range(model.latent_dim)
    plane = axes(model, state.current())

    def choose(index: int, chosen: int) -> tuple[int, int]:
        # Choosing the other axis's dimension swaps the two.
        other = plane[index] if chosen == plane[1 - index] else plane[1 - index]
        return (chosen, other) if index == 0 else (other, chosen)

    def selectbox(name: str, index: int) -> None:
        binding = state.bind(
            "axes",
            part=name.lower(),
            to_widget=lambda _: plane[index],
            from_widget=lambda chosen: choose(index, chosen),
        )
        st.selectbox(name, dims, format_func=words.dimension, width=110, **binding)

    selectbox("Horizontal", 0)
    selectbox("Vertical", 1)


def two_largest(values: Floats) -> tuple[int, int]:
    """Return the indices of the two largest of (n,) values, ascending; (0, 1) for n = 1."""
    if len(values) < 2:
        return (0, 1)
    first, second = sorted(np.argsort(-values, kind="stable")[:2].tolist())
    return (first, second)


def pinned_y(model: Opened, shown: State) -> int | None:
    """Return the label of a conditional model: y, else the pinned example's, else 0.

    None for an unconditional model.
    """
    if not model.condition_names:
        return None
    if shown.y is not None:
        return shown.y
    if shown.pinned_id is None:
        return 0
    conditions = model.conditions(slice(None))
    assert conditions is not None, "a conditional model has conditions"
    return int(conditions[model.row[shown.pinned_id]])


def pinned_z(model: Opened, shown: State) -> Floats:
    """Return the pinned code: z, else the pinned example's mean, else the mean of p(z|y)."""
    if shown.z is not None:
        return np.array(shown.z, dtype=np.float32)
    if shown.pinned_id is not None:
        mu: Floats = model.codes.mu[model.row[shown.pinned_id]].numpy()
        return mu
    return prior_moments(model, pinned_y(model, shown)).mu


def prior_moments(model: Opened, y: int | None) -> Moments:
    """Return the moments of p(z), or of p(z|y) if the prior depends on the label."""
    return model.moments[0 if y is None or len(model.moments) == 1 else y]

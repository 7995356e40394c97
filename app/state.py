"""The one state of a session, and what else the session remembers.

What a `State` holds, and how it is written into an address, is `app.address`'s. This module alone
touches `st.session_state` and `st.query_params`. Keys start with "le-", widgets' with "w-".
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.address import Facts, State, fit, parse, to_parameters

_STATE, _NOTICES, _VERSION = "le-state", "le-notices", "le-version"
#: What panels hold too. They take it from Python when the version has risen.
_SHARED = {"model", "z", "pinned_id", "y", "selection", "camera"}


def begin() -> State:
    """Open the run: read the URL when it speaks for itself, else keep the session's state.

    The URL speaks on a session's first run and when the browser went back or forward. At any other
    time it may lag behind the session by one message, and is only written.
    """
    context = get_script_run_ctx()
    went_back = context is not None and context.is_history_navigation
    if _STATE not in st.session_state or (went_back and st.query_params):
        st.session_state[_STATE], st.session_state[_NOTICES] = parse(st.query_params.to_dict())
        st.session_state[_VERSION] = version() + 1
    return current()


def settle(facts: Facts) -> State:
    """Fit the state to the open model, write the URL, and return what the page shows."""
    state, dropped = fit(current(), facts)
    st.session_state[_STATE] = state
    for sentence in dropped:
        notify(sentence)
    _write_url(state)
    return state


def current() -> State:
    """Return the session's state."""
    state: State = st.session_state[_STATE]
    return state


def version() -> int:
    """Count the times that Python, not a panel, changed what panels hold too."""
    count: int = st.session_state.get(_VERSION, 0)
    return count


def update(**changes: Any) -> State:
    """Change the state and the URL, and make panels follow."""
    if changes.keys() & _SHARED:
        st.session_state[_VERSION] = version() + 1
    return adopt(**changes)


def adopt(**changes: Any) -> State:
    """Change the state and the URL by what a panel reports, which it shows already."""
    before = current()
    state = replace(before, **changes)
    if state.model != before.model:
        # Coordinates mean nothing in another model; an example may be pinned there too.
        state = State(
            model=state.model,
            pinned_id=changes.get("pinned_id"),
            backdrop=state.backdrop,
            grid=state.grid,
            seed=state.seed,
            run=state.run,
            study=state.study,
            figure=state.figure,
            # Whoever opens the second model sees the first one beside it.
            other=before.model if state.other == state.model else state.other,
            linked=state.linked,
        )
    elif (state.projection, state.axes) != (before.projection, before.axes):
        state = replace(state, camera=None)
    if state.other != before.other and "other_selection" not in changes:
        state = replace(state, other_selection=None)
    st.session_state[_STATE] = state
    _write_url(state)
    return state


def _write_url(state: State) -> None:
    parameters = to_parameters(state)
    if st.query_params.to_dict() != parameters:
        st.query_params.from_dict(parameters)


def notices() -> list[str]:
    """Return the sentences about ignored values, until `dismiss_notices`."""
    return list(st.session_state.get(_NOTICES, []))


def notify(sentence: str) -> None:
    """Add a sentence to the notices."""
    st.session_state[_NOTICES] = [*notices(), sentence]


def dismiss_notices() -> None:
    """Forget the notices."""
    st.session_state[_NOTICES] = []


class Binding(TypedDict):
    """The keyword arguments that tie a widget to an entry of the state."""

    key: str
    on_change: Callable[[], None]


def bind(
    name: str,
    *,
    part: str = "",
    shown: Callable[[Any], Any] = lambda value: value,
    taken: Callable[[Any], Any] = lambda value: value,
    also: Callable[[Any], dict[str, Any]] = lambda value: {},
) -> Binding:
    """Tie a widget to the state's entry `name`.

    Parameters
    ----------
    name : str
        An entry of `State`.
    part : str
        Names the widget where several share one entry.
    shown, taken : callable
        From the state's value to the widget's, and back. A widget's None (a deselected segment)
        is not taken: the state keeps its value.
    also : callable
        From the widget's value to further changes that come with it.

    Examples
    --------
    >>> st.slider("Cells a side", 5, 30, **state.bind("grid"))  # doctest: +SKIP
    """
    key = f"w-{name}-{part}" if part else f"w-{name}"
    st.session_state[key] = shown(getattr(current(), name))

    def take() -> None:
        if (value := st.session_state[key]) is not None:
            update(**{name: taken(value)}, **also(value))

    return {"key": key, "on_change": take}


def recall(name: str, default: Any = None) -> Any:
    """Return what this session remembers under `name`; it is never in the URL."""
    return st.session_state.get(f"le-{name}", default)


def remember(name: str, value: Any) -> None:
    """Remember a value of this session that a link does not restore."""
    st.session_state[f"le-{name}"] = value


def enter(page: str) -> None:
    """Forget what belongs to the page that was left, when another is entered."""
    if recall("page") != page:
        remember("page", page)
        remember("deleted", [])
        remember("refused", None)


def owner() -> str:
    """Return the session's key, by which its trainings are known: random, and no secret."""
    if recall("owner") is None:
        remember("owner", secrets.token_hex(8))
    key: str = recall("owner")
    return key


def fill(values: Mapping[str, Any]) -> None:
    """Give widgets values, by their keys, before the page shows them."""
    for key, value in values.items():
        st.session_state[key] = value


def empty(keys: Iterable[str]) -> None:
    """Let widgets have what they have at first, before the page shows them."""
    for key in keys:
        st.session_state.pop(key, None)

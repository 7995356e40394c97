"""Session state: the `State` that links restore, and other values of the session.

`app.address` defines a `State` and its URL parameters. Only this module uses `st.session_state`
and `st.query_params`. Keys start with "le-", those of widgets with "w-".
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypedDict

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import words
from app.address import FIELDS, OWN, Facts, State, fit, parse, to_parameters

_STATE, _NOTICES, _VERSION = "le-state", "le-notices", "le-version"
_NO_MODEL = "le-came-without-model"
#: Fields that panels hold too; they accept Python's values when the version has risen.
_SHARED = {"model", "z", "pinned_id", "y", "selection", "camera", "filter", "search"}


def load() -> None:
    """Read the state from the URL at the start of a session and after Back or Forward.

    At any other time the URL may be one message behind the session, and is only written.
    """
    context = get_script_run_ctx()
    went_back = context is not None and context.is_history_navigation
    if _STATE not in st.session_state or (went_back and st.query_params):
        st.session_state[_STATE], st.session_state[_NOTICES] = parse(st.query_params.to_dict())
        st.session_state[_VERSION] = version() + 1
        st.session_state[_NO_MODEL] = "model" not in st.query_params


def came_without_model() -> bool:
    """Whether the address that was opened names no model; true once for each address."""
    return bool(st.session_state.pop(_NO_MODEL, False))


def replace_all(state: State) -> None:
    """Change the whole state and the URL, and make the panels follow."""
    state = _keep_own(state)
    st.session_state[_STATE] = state
    st.session_state[_VERSION] = version() + 1
    _write_url(state)


def _keep_own(state: State) -> State:
    return replace(state, **{name: getattr(current(), name) for name in OWN})


def fit_to_model(facts: Facts) -> None:
    """Fit the state to the open model, and write the URL."""
    state, dropped = fit(current(), facts)
    st.session_state[_STATE] = state
    for sentence in dropped:
        notify(sentence)
    _write_url(state)


def current() -> State:
    """Return the session's state."""
    state: State = st.session_state[_STATE]
    return state


def lost_codes() -> list[str]:
    """Return the URL parameters of the state that have no meaning in another model."""
    state, default = current(), State()
    named = ("z", "pinned_id", "y", "axes", "selection", "camera", "filter")
    return [
        FIELDS[name].parameter for name in named if getattr(state, name) != getattr(default, name)
    ]


def version() -> int:
    """Return how often Python, not a panel, changed fields that panels hold too."""
    count: int = st.session_state.get(_VERSION, 0)
    return count


def update(**changes: Any) -> None:
    """Change the state and the URL, and make the panels follow."""
    if changes.keys() & _SHARED:
        st.session_state[_VERSION] = version() + 1
    update_from_panel(**changes)


def update_from_panel(**changes: Any) -> None:
    """Change the state and the URL by what a panel sent and already shows."""
    before = current()
    state = replace(before, **changes)
    if state.model != before.model:
        # Coordinates have no meaning in another model; an example may be pinned there too.
        state = State(
            model=state.model,
            pinned_id=changes.get("pinned_id"),
            backdrop=state.backdrop,
            grid=state.grid,
            seed=state.seed,
            run=state.run,
            study=state.study,
            figure=state.figure,
            # Opening the second model puts the first one beside it.
            other=before.model if state.other == state.model else state.other,
            linked=state.linked,
            training=state.training,
            section=state.section,
            lesson=state.lesson,
            step=state.step,
            sheet=state.sheet,
            follow=state.follow,
            present=state.present,
        )
    elif (state.projection, state.axes) != (before.projection, before.axes):
        state = replace(state, camera=None)
    if state.other != before.other and "other_selection" not in changes:
        state = replace(state, other_selection=None)
    st.session_state[_STATE] = state
    _write_url(state)


def parameters(*, shared: bool = False) -> dict[str, str]:
    """Return the state as URL parameters; if shared, without what belongs to this page alone."""
    own = {FIELDS[name].parameter for name in OWN} if shared else set()
    return {name: text for name, text in to_parameters(current()).items() if name not in own}


def adopt(shared: Mapping[str, str], *, shown_already: Collection[str] = ()) -> None:
    """Replace the state by that of another page, whose parameters these are.

    What belongs to this page alone stays; values that are not allowed are ignored.

    Parameters
    ----------
    shown_already
        Fields that this page's panels show as they are now.
    """
    before = current()
    state = _keep_own(parse(shared)[0])
    st.session_state[_STATE] = state
    st.session_state[_NO_MODEL] = False
    known = {name: getattr(state, name) for name in shown_already}
    if replace(before, **known) != state:
        st.session_state[_VERSION] = version() + 1


def follow(code: str) -> bool:
    """Follow a room; return whether this is a code."""
    try:
        update(follow=FIELDS["follow"].read(code.strip()))
    except ValueError:
        return False
    return True


def _write_url(state: State) -> None:
    parameters = to_parameters(state)
    if st.query_params.to_dict() != parameters:
        st.query_params.from_dict(parameters)


def notices() -> list[str]:
    """Return the notices that were not dismissed."""
    return list(st.session_state.get(_NOTICES, []))


def notify(sentence: str) -> None:
    """Add a notice; paths of this host are left out."""
    st.session_state[_NOTICES] = [*notices(), words.without_paths(sentence)]


def dismiss_notices() -> None:
    """Remove all notices."""
    st.session_state[_NOTICES] = []


class Binding(TypedDict):
    """Keyword arguments that bind a widget to a field of the state."""

    key: str
    on_change: Callable[[], None]


def bind(
    name: str,
    *,
    part: str = "",
    to_widget: Callable[[Any], Any] = lambda value: value,
    from_widget: Callable[[Any], Any] = lambda value: value,
    also: Callable[[Any], dict[str, Any]] = lambda value: {},
) -> Binding:
    """Bind a widget to the state's field `name`.

    Parameters
    ----------
    name : str
        A field of `State`.
    part : str
        Distinguishes widgets bound to one field.
    to_widget, from_widget : callable
        Convert the state's value to the widget's, and back. A widget's None (a deselected
        segment) is ignored.
    also : callable
        Returns further changes for a value of the widget.

    Examples
    --------
    >>> st.slider("Grid", 5, 30, **state.bind("grid"))  # doctest: +SKIP
    """
    key = f"w-{name}-{part}" if part else f"w-{name}"
    st.session_state[key] = to_widget(getattr(current(), name))

    def changed() -> None:
        if (value := st.session_state[key]) is not None:
            update(**{name: from_widget(value)}, **also(value))

    return {"key": key, "on_change": changed}


def recall(name: str, default: Any = None) -> Any:
    """Return a value that `remember` stored in this session."""
    return st.session_state.get(f"le-{name}", default)


def remember(name: str, value: Any) -> None:
    """Store a value in this session that links do not restore."""
    st.session_state[f"le-{name}"] = value


def enter_page(page: str) -> None:
    """Clear what belongs to the previous page, if the page has changed."""
    if recall("page") != page:
        remember("page", page)
        remember("deleted", [])
        remember("refused", None)


def owner() -> str:
    """Return the random key that marks this session's trainings; it is not a secret."""
    if recall("owner") is None:
        remember("owner", secrets.token_hex(8))
    key: str = recall("owner")
    return key


def set_widgets(values: Mapping[str, Any]) -> None:
    """Set the values of widgets by their keys, before the page shows them."""
    for key, value in values.items():
        st.session_state[key] = value


def widget(key: str) -> Any:
    """Return the value of a widget by its key, for its callback."""
    return st.session_state[key]

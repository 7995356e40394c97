"""What a session that leads shows to its class, and what one that follows takes over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from app.classroom.rooms import ROOMS, Led
from app.components import follow
from app.widgets import classroom

Open = Callable[..., AppTest]
HERE = "192.0.2.1"


@pytest.fixture
def led() -> Iterator[Led]:
    """Open a room, and end it after the test."""
    room = ROOMS.open()
    yield room
    ROOMS.close(room)


def test_followers_get_page_parameters_and_code(open_page: Open, led: Led) -> None:
    """All that a link restores, and the code that panels show; nothing of the page itself."""
    session = open_page("explore", id="1242", colour="rate", present="1", follow="BCDFG")
    follower = ROOMS.join(led.code, HERE, lambda: None)
    assert ROOMS.news(follower) is None, "a session without a room shows nothing"
    session.session_state["le-led"] = led
    session.run()
    news = json.loads(ROOMS.news(follower) or "{}")
    assert news["page"] == "explore"
    assert news["parameters"] == {"model": "digits-2d", "id": "1242", "colour": "rate"}
    assert (news["pin"]["pinned_id"], len(news["pin"]["z"])) == (1242, 2)
    assert news["pin"]["look"]["colour"] == "rate"
    session.switch_page("views/decode/page.py").run()
    assert json.loads(ROOMS.news(follower) or "{}")["page"] == "decode"
    session.run()
    assert ROOMS.news(follower) is None


def test_a_room_that_has_ended_is_told_once(open_page: Open, led: Led) -> None:
    """The teacher reads why nobody follows any more."""
    session = open_page()
    ROOMS.close(led)
    session.session_state["le-led"] = led
    session.run()
    assert [f"Class {led.code} has ended" in one.value for one in session.warning] == [True]
    session.run()
    assert len(session.warning) == 1
    assert session.session_state["le-led"] is None


def follower() -> None:
    """Follow a room: take over a view, then another one with a pin that the panels show."""
    import streamlit as st

    from app import state
    from app.components import follow
    from app.widgets import classroom

    state.load()
    before = state.version()
    view = {"model": "digits-2d", "z": "1,1", "follow": "ZZZZZ", "present": "1", "grid": "no"}
    classroom._adopt(follow.Shown("decode", view, 1, pinned=True))
    new_model = state.version() - before
    for parameters in (view | {"z": "2,2"}, view | {"z": "2,2", "colour": "rate"}):
        classroom._adopt(follow.Shown("decode", parameters, 2, pinned=True))
        st.text(state.version() - before - new_model)
    st.text(state.recall("go-to"))
    st.text(state.parameters())
    classroom._leave(follow.Leaving.FOR_NOW)
    classroom._adopt(follow.Shown("manifold", {"model": "mnist-20d"}, 3, pinned=False))
    st.text(state.parameters())
    st.text(state.recall("left"))


def test_a_follower_takes_over_the_view_and_keeps_its_own(no_data: object) -> None:
    """Panels keep what they show already; who has left keeps everything."""
    session = AppTest.from_function(follower)
    session.query_params["follow"] = "BCDFG"
    session.run()
    assert not session.exception
    after_pin, after_colour, page, shown, left, code = (one.value for one in session.text)
    assert (after_pin, after_colour, page, code) == ("0", "1", "decode", "BCDFG")
    wanted = {"model": "digits-2d", "z": "2,2", "colour": "rate"}
    assert shown == str(wanted | {"follow": "BCDFG"})
    assert left == str(wanted)


def with_a_task_done() -> None:
    """Follow a room after a task of a lesson has been done."""
    import streamlit as st

    from app import state
    from app.components import follow
    from app.widgets import classroom

    state.load()
    state.remember("lessons", {("kl", 1): {"answer": 2}, ("kl", 2): {"done": True}})
    given: dict[str, object] = {}
    follow.follow = lambda key, **data: given.update(data)
    classroom.bar()
    st.text(given["done"])
    st.text(given["socket"])


def test_the_bar_reports_tasks_that_are_done(
    no_data: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser tells the room which tasks are done, and no answers."""
    monkeypatch.setattr(follow, "follow", follow.follow)  # put back what the script replaces
    session = AppTest.from_function(with_a_task_done)
    session.query_params["follow"] = "BCDFG"
    session.run()
    assert not session.exception
    assert [one.value for one in session.text] == ["['kl/2']", "asset:explorer/rooms/BCDFG"]


def test_a_lesson_or_a_presentation_has_the_class_in_a_line(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sidebar is hidden there."""
    forms: list[str] = []
    monkeypatch.setattr(
        "app.components.classroom.classroom", lambda key, **given: forms.append(given["form"])
    )
    for parameters in ({}, {"lesson": "latent-space"}, {"present": "1"}):
        session = open_page("explore", **parameters)
        assert not session.exception
    assert forms == ["sidebar", "line", "presented"]
    forms.clear()
    open_page("explore", lesson="latent-space", follow="BCDFG")
    assert forms == [], "who follows has a bar instead"


@pytest.mark.parametrize(
    ("url", "path", "link"),
    [
        ("https://a.org/", "", "https://a.org/?follow=BCDFG"),
        ("https://a.org/decode", "decode", "https://a.org/?follow=BCDFG"),
        ("http://b:80/tools/vae/decode", "decode", "http://b:80/tools/vae/?follow=BCDFG"),
        ("http://b:80/tools/vae", "", "http://b:80/tools/vae/?follow=BCDFG"),
    ],
)
def test_the_class_link_is_the_app_where_the_teacher_has_it(url: str, path: str, link: str) -> None:
    """It works behind a proxy and under a path, on any page."""
    assert classroom.follow_link(url, path, "BCDFG") == link


def test_a_link_that_opens_here_alone_is_warned_of() -> None:
    """Nobody else can open localhost."""
    assert classroom.warning("https://a.org/?follow=BCDFG") is None
    for host in ("localhost:8501", "127.0.0.1", "[::1]:80"):
        assert "localhost" in (classroom.warning(f"http://{host}/") or "")

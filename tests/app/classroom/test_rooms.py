"""Rooms: who sees what, who may lead, and when they end."""

import json
import random
from itertools import product

import pytest

from app.classroom import guesses, rooms
from app.classroom.rooms import Counts, Led, RefusedError, RoomError, Rooms, View

HERE = "192.0.2.1"


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def nothing() -> None:
    """Be woken."""


def view(**parameters: str) -> View:
    """Return a view of the Decode page."""
    return View("decode", parameters)


def test_followers_are_sent_what_the_teacher_shows_and_nothing_twice() -> None:
    """Each follower reads the latest view once, whenever it comes; another room's reads nothing."""
    held = Rooms()
    led, other = held.open(), held.open()
    woken: list[str] = []
    early = held.join(led.code, HERE, lambda: woken.append("early"))
    apart = held.join(other.code, HERE, lambda: woken.append("apart"))
    assert held.news(early) is None
    for z in ("1,1", "2,2"):
        held.show(led, view(z=z))
    late = held.join(led.code, HERE, nothing)
    for follower in (early, late):
        news = held.news(follower)
        assert news is not None
        assert json.loads(news) == {"page": "decode", "parameters": {"z": "2,2"}, "pin": None}
        assert held.news(follower) is None
    held.show(led, view(z="2,2"))
    assert held.news(early) is None, "the same view again is no news"
    assert held.news(apart) is None
    assert woken == ["early", "early"]


def test_only_the_teacher_leads() -> None:
    """A code, which everybody knows, opens neither the view nor the end of a room."""
    held = Rooms()
    led = held.open()
    follower = held.join(led.code, HERE, nothing)
    for false in (Led(led.code, led.code), Led(led.code, ""), Led(led.code, "\ud800")):
        held.show(false, view(z="9,9"))
        held.close(false)
        assert not held.leads(false)
        assert held.attend(false, nothing) is None
    assert held.leads(led)
    assert held.news(follower) is None
    assert led.token not in led.code
    assert follower.room.ticket not in (led.token, led.code)


def test_the_teacher_sees_how_many_follow_and_have_done_the_step() -> None:
    """Counts are those of the step that the teacher shows, however often it is reported."""
    held = Rooms()
    led = held.open()
    told: list[None] = []
    room = held.attend(led, lambda: told.append(None))
    assert room is not None
    followers = [held.join(led.code, HERE, nothing) for _ in range(3)]
    held.show(led, view(lesson="kl", step="2"))
    for _ in range(2):
        held.report(followers[0], "kl/2")
    held.report(followers[1], "kl/1")
    assert room.counts() == Counts(following=3, done=1)
    held.show(led, view(lesson="kl"))
    assert room.counts() == Counts(following=3, done=1)
    held.leave(followers[1])
    assert room.counts() == Counts(following=2, done=0)
    assert told
    held.show(led, view())
    assert room.counts() == Counts(following=2, done=0)


def test_rooms_end_by_themselves() -> None:
    """A room ends without the teacher's page, without actions, and when it is closed."""
    clock = Clock()
    held = Rooms(clock=clock)
    left, idle, closed = (held.open() for _ in range(3))
    follower = held.join(left.code, HERE, nothing)
    held.attend(idle, nothing)
    held.close(closed)
    assert not held.leads(closed)
    clock.now = rooms.AWAY + 1
    held.expire()
    assert not held.leads(left)
    assert follower.room.ended
    assert held.leads(idle)
    clock.now = rooms.IDLE - 1
    held.show(idle, view(z="1,1"))
    clock.now = 2 * rooms.IDLE - 2
    held.expire()
    assert held.leads(idle)
    clock.now = 2 * rooms.IDLE
    held.expire()
    assert not held.leads(idle)
    assert not held._rooms


def test_random_guesses_find_nothing() -> None:
    """In an hour one address may try some hundred of three million codes, and learns no more."""
    clock = Clock()
    draw = random.Random(0)
    held = Rooms(clock=clock)
    led = held.open()
    held.attend(led, nothing)
    reasons = []
    for second in range(3600):
        clock.now = float(second)
        for _ in range(5):
            with pytest.raises(RefusedError) as refused:
                held.join("".join(draw.choices(rooms.LETTERS, k=5)), HERE, nothing)
            reasons.append(refused.value.reason)
    tried = reasons.count("missing")
    assert tried <= guesses.PER_CALLER.at_once + 3600 / guesses.PER_CALLER.seconds + 1
    assert tried / len(rooms.LETTERS) ** rooms.LENGTH < 2e-4
    with pytest.raises(RefusedError, match="limited"):
        held.join(led.code, HERE, nothing)  # a right code tells no more than a wrong one


def test_a_class_behind_one_address_is_not_held_up() -> None:
    """Right codes cost nothing, and who followed comes back although others guess."""
    held = Rooms()
    led = held.open()
    followers = [held.join(led.code, HERE, nothing) for _ in range(60)]
    for _ in range(guesses.PER_CALLER.at_once):
        with pytest.raises(RefusedError, match="missing"):
            held.join("BBBBB", HERE, nothing)
    held.leave(followers[0])
    held.join(led.code, HERE, nothing, ticket=followers[0].room.ticket)
    with pytest.raises(RefusedError, match="limited"):
        held.join(led.code, HERE, nothing, ticket="wrong")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms, followers, views and reports each have a limit."""
    monkeypatch.setenv(rooms.VARIABLE, "2")
    monkeypatch.setattr(rooms, "MAX_FOLLOWERS", 3)
    held = Rooms()
    led, _ = held.open(), held.open()
    with pytest.raises(RoomError, match="All 2 rooms"):
        held.open()
    followers = [held.join(led.code, HERE, nothing) for _ in range(3)]
    with pytest.raises(RefusedError, match="full"):
        held.join(led.code, HERE, nothing)
    with pytest.raises(RoomError, match="too large"):
        held.show(led, view(z="1" * rooms.MAX_VIEW))
    for n, long in product(range(500), (False, True)):
        held.report(followers[0], "x" * 1000 if long else str(n))
    assert len(followers[0].done) == rooms.MAX_DONE
    monkeypatch.setenv(rooms.VARIABLE, "0")
    with pytest.raises(RoomError, match="opens no rooms"):
        held.open()


def test_codes_are_letters_that_are_not_taken_for_one_another() -> None:
    """Five of twenty letters, without vowels, I, L, O and U."""
    codes = {rooms._draw_code() for _ in range(300)}
    assert len(codes) > 290
    assert {len(code) for code in codes} == {5}
    assert not set("".join(codes)) & set("AEIOULI0123456789")

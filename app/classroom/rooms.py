"""Rooms: a teacher leads, others follow. All of it is in the server's memory.

A room has a code, which opens what the teacher shows and nothing else, and a token, which is the
teacher's alone. It holds the last view, no history and no names. It ends when the teacher closes
it, when nobody leads it any more, or with the server. Independent of Streamlit.
"""

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.classroom.guesses import Guesses
from vae_core.errors import LatentExplorerError

#: Letters that are not taken for one another; without vowels, no code is a word.
LETTERS, LENGTH = "BCDFGHJKMNPQRSTVWXYZ", 5
#: Rooms at once, unless `VAE_ROOMS` says another number; 0 turns them off.
MAX_ROOMS, VARIABLE = 20, "VAE_ROOMS"
MAX_FOLLOWERS = 200
#: Characters of a view, and what a follower may report as done.
MAX_VIEW, MAX_DONE, MAX_TASK = 32_768, 200, 80
#: Seconds until a room ends without an action of the teacher, or without the teacher's page.
IDLE, AWAY = 2 * 3600.0, 15 * 60.0

Refusal = Literal["missing", "limited", "full"]
Wake = Callable[[], None]


class RoomError(LatentExplorerError):
    """A room cannot be opened, or a view cannot be shown."""


class RefusedError(LatentExplorerError):
    """Nobody is let in: `reason` says why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason: Refusal = reason


@dataclass(frozen=True)
class Led:
    """What the teacher's session knows of its room."""

    code: str
    token: str


@dataclass(frozen=True)
class View:
    """What a teacher shows.

    Attributes
    ----------
    page : str
        The page's URL path.
    parameters : mapping of str to str
        The URL parameters of its state.
    pin : mapping or None
        What panels can show at once: ``model`` (content hash), ``z``, ``pinned_id`` and ``y``.
    """

    page: str
    parameters: Mapping[str, str]
    pin: Mapping[str, Any] | None = None

    @property
    def task(self) -> str | None:
        """The step of the lesson that is open: "lesson/step"."""
        lesson = self.parameters.get("lesson")
        return None if lesson is None else f"{lesson}/{self.parameters.get('step', '1')}"


@dataclass(frozen=True)
class Counts:
    """How many follow, and how many have done the task of the teacher's step."""

    following: int
    done: int


@dataclass(eq=False)
class Follower:
    """One page that follows."""

    room: "Room"
    wake: Wake
    seen: int = 0
    done: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Room:
    """A room; `Rooms` changes it, under its lock."""

    code: str
    token: str
    #: Lets a page that followed come back without being taken for a guess.
    ticket: str
    acted: float
    present: float
    version: int = 0
    view: View | None = None
    text: str = ""
    ended: bool = False
    followers: set[Follower] = field(default_factory=set)
    leaders: set[Wake] = field(default_factory=set)

    def counts(self) -> Counts:
        """Count those who follow, and those who have done the step's task."""
        task = None if self.view is None else self.view.task
        return Counts(len(self.followers), sum(task in one.done for one in self.followers))


def max_rooms() -> int:
    """Return how many rooms there may be at once."""
    text = os.environ.get(VARIABLE, "")
    return int(text) if text.isascii() and text.isdigit() else MAX_ROOMS


class Rooms:
    """All rooms of a server. Every method may be called from any thread.

    Parameters
    ----------
    clock
        Returns seconds.
    guesses
        Limits wrong codes.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, guesses: Guesses | None = None
    ) -> None:
        self._clock = clock
        self._guesses = guesses or Guesses(clock=clock)
        self._rooms: dict[str, Room] = {}
        self._lock = threading.RLock()

    # The teacher ------------------------------------------------------------------------------

    def open(self) -> Led:
        """Open a room.

        Raises
        ------
        RoomError
            If there are as many rooms as the server holds.
        """
        with self._lock:
            self.expire()
            most = max_rooms()
            if len(self._rooms) >= most:
                raise RoomError(
                    "This server opens no rooms (VAE_ROOMS is 0)."
                    if most == 0
                    else f"All {most} rooms of this server are in use. Try again later."
                )
            code = _draw_code()
            while code in self._rooms:
                code = _draw_code()
            now = self._clock()
            led = Led(code, secrets.token_urlsafe(24))
            self._rooms[code] = Room(code, led.token, secrets.token_urlsafe(12), now, now)
            return led

    def leads(self, led: Led) -> bool:
        """Whether this is the teacher's token of an open room."""
        with self._lock:
            return self._led(led) is not None

    def show(self, led: Led, view: View) -> None:
        """Show a view to all who follow; a view that is shown already changes nothing."""
        with self._lock:
            room = self._led(led)
            if room is None:
                return
            room.present = self._clock()
            if view == room.view:
                return
            text = json.dumps(
                {"page": view.page, "parameters": dict(view.parameters), "pin": view.pin},
                separators=(",", ":"),
            )
            if len(text) > MAX_VIEW:
                raise RoomError(f"This view is too large to be followed ({len(text)} characters).")
            room.view, room.text, room.version = view, text, room.version + 1
            room.acted = room.present
            self._wake(room)

    def close(self, led: Led) -> None:
        """End a room."""
        with self._lock:
            if (room := self._led(led)) is not None:
                self._end(room)

    def attend(self, led: Led, wake: Wake) -> Room | None:
        """Note that the teacher's page is there; `wake` is called when the counts change."""
        with self._lock:
            if (room := self._led(led)) is not None:
                room.leaders.add(wake)
            return room

    def depart(self, room: Room, wake: Wake) -> None:
        """Note that the teacher's page has gone."""
        with self._lock:
            room.leaders.discard(wake)
            room.present = self._clock()

    # Those who follow -------------------------------------------------------------------------

    def join(self, code: str, caller: str, wake: Wake, *, ticket: str = "") -> Follower:
        """Follow a room.

        Parameters
        ----------
        caller
            The address that asks, whose wrong codes are counted.
        wake
            Called from any thread when there is something new.
        ticket
            The room's ticket, from an earlier visit.

        Raises
        ------
        RefusedError
            If no room has this code, too many wrong codes were tried, or the room is full.
        """
        with self._lock:
            self.expire()
            room = self._rooms.get(code)
            known = room is not None and _same(room.ticket, ticket)
            if not known and not self._guesses.allowed(caller):
                raise RefusedError("limited")
            if room is None:
                self._guesses.wrong(caller)
                raise RefusedError("missing")
            if len(room.followers) >= MAX_FOLLOWERS:
                raise RefusedError("full")
            follower = Follower(room, wake)
            room.followers.add(follower)
            self._wake_leaders(room)
            return follower

    def news(self, follower: Follower) -> str | None:
        """Return the view as JSON if this follower has not seen it, else None."""
        with self._lock:
            room = follower.room
            if follower.seen == room.version:
                return None
            follower.seen = room.version
            return room.text

    def report(self, follower: Follower, task: str) -> None:
        """Note that a follower has done a task ("lesson/step")."""
        with self._lock:
            if len(task) <= MAX_TASK and len(follower.done) < MAX_DONE:
                follower.done.add(task)
                self._wake_leaders(follower.room)

    def leave(self, follower: Follower) -> None:
        """Follow no longer."""
        with self._lock:
            follower.room.followers.discard(follower)
            self._wake_leaders(follower.room)

    # Ends -------------------------------------------------------------------------------------

    def expire(self) -> None:
        """End rooms whose teacher does nothing any more, or has gone."""
        with self._lock:
            now = self._clock()
            for room in list(self._rooms.values()):
                gone = not room.leaders and now - room.present > AWAY
                if gone or now - room.acted > IDLE:
                    self._end(room)

    def _end(self, room: Room) -> None:
        room.ended = True
        del self._rooms[room.code]
        self._wake(room)

    def _led(self, led: Led) -> Room | None:
        room = self._rooms.get(led.code)
        return room if room is not None and _same(room.token, led.token) else None

    def _wake(self, room: Room) -> None:
        for follower in room.followers:
            follower.wake()
        self._wake_leaders(room)

    @staticmethod
    def _wake_leaders(room: Room) -> None:
        for wake in room.leaders:
            wake()


def _same(secret: str, given: str) -> bool:
    # How long this takes says nothing about the secret.
    return secrets.compare_digest(secret.encode(), given.encode(errors="replace"))


def _draw_code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


#: The server's rooms.
ROOMS = Rooms()

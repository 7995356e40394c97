"""Things in memory by name: bounded by their bytes, the longest unused dropped."""

from __future__ import annotations

from app.shelf import Shelf


def of_bytes(max_bytes: int) -> Shelf[bytes]:
    """Return a shelf of bytes."""
    return Shelf(max_bytes, size=len)


def test_the_longest_unused_is_dropped() -> None:
    """Memory stays bounded, and what is put there or asked for again stays."""
    shelf, things = of_bytes(25), [bytes([n]) * 10 for n in range(4)]
    shelf.put("0", things[0])
    shelf.put("1", things[1])
    shelf.put("0", things[0])
    shelf.put("2", things[2])
    assert shelf.get("1") is None
    assert shelf.get("2") == things[2]
    assert shelf.get("0") == things[0]
    shelf.put("3", things[3])
    assert shelf.get("2") is None
    assert shelf.get("0") == things[0]
    assert shelf.get("3") == things[3]


def test_the_last_is_kept_however_large() -> None:
    """What exceeds the shelf alone is still there to be asked for."""
    shelf = of_bytes(5)
    shelf.put("small", b"012")
    shelf.put("large", b"0123456789")
    assert shelf.get("small") is None
    assert shelf.get("large") == b"0123456789"

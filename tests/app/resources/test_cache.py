"""Things in memory by name: bounded by their bytes, the longest unused dropped."""

from __future__ import annotations

from app.resources.cache import LRUCache


def of_bytes(max_bytes: int) -> LRUCache[bytes]:
    """Return a cache of bytes."""
    return LRUCache(max_bytes, size=len)


def test_the_longest_unused_is_dropped() -> None:
    """Memory stays bounded, and what is put there or asked for again stays."""
    cache, things = of_bytes(25), [bytes([n]) * 10 for n in range(4)]
    cache.put("0", things[0])
    cache.put("1", things[1])
    cache.put("0", things[0])
    cache.put("2", things[2])
    assert cache.get("1") is None
    assert cache.get("2") == things[2]
    assert cache.get("0") == things[0]
    cache.put("3", things[3])
    assert cache.get("2") is None
    assert cache.get("0") == things[0]
    assert cache.get("3") == things[3]


def test_the_last_is_kept_however_large() -> None:
    """What exceeds the cache by itself is still there to be asked for."""
    cache = of_bytes(5)
    cache.put("small", b"012")
    cache.put("large", b"0123456789")
    assert cache.get("small") is None
    assert cache.get("large") == b"0123456789"

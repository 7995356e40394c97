"""Wrong codes are limited, each caller's and all together; right ones are not."""

import pytest

from app.classroom import guesses
from app.classroom.guesses import Allowance, Guesses


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_caller_may_err_some_times_and_again_after_a_while() -> None:
    """Credit is used up by wrong codes alone, and comes back with time; others keep theirs."""
    clock = Clock()
    limit = Guesses(clock=clock, per_caller=Allowance(3, 10.0), overall=Allowance(100, 1.0))
    for _ in range(3):
        assert limit.allowed("10.0.0.1")
        limit.wrong("10.0.0.1")
    assert not limit.allowed("10.0.0.1")
    assert limit.allowed("10.0.0.2")
    clock.now = 9.9
    assert not limit.allowed("10.0.0.1")
    clock.now = 10.1
    assert limit.allowed("10.0.0.1")


def test_many_callers_share_one_limit() -> None:
    """A crowd of addresses guesses no faster than the limit of all."""
    clock = Clock()
    limit = Guesses(clock=clock)
    tried = 0
    for second in range(3600):
        clock.now = float(second)
        for n in range(20):
            caller = f"10.{second % 250}.{n}.{second // 250}"
            if limit.allowed(caller):
                limit.wrong(caller)
                tried += 1
    assert tried <= guesses.OVERALL.at_once + 3600 / guesses.OVERALL.seconds


def test_callers_are_forgotten_rather_than_memory_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many callers are remembered."""
    monkeypatch.setattr(guesses, "MAX_CALLERS", 50)
    limit = Guesses(overall=Allowance(10_000, 1.0))
    for n in range(200):
        limit.wrong(f"10.0.0.{n}")
    assert len(limit._callers) == 50


@pytest.mark.parametrize(
    ("caller", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_subscriber_is_one_caller(caller: str, network: str) -> None:
    """An IPv6 subscriber has a /64 network of addresses."""
    assert guesses.network_of(caller) == network

"""Limit how often codes of rooms may be guessed, by each caller and by all together.

Only wrong codes count, so that a class behind one address is not held up. A caller whose credit is
used up learns nothing more, not even whether a code is right. Independent of Streamlit.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

#: Callers that are remembered; the one that was wrong least recently is forgotten first.
MAX_CALLERS = 10_000


@dataclass(frozen=True)
class Allowance:
    """Wrong codes that are allowed at once, and seconds until one more is."""

    at_once: int
    seconds: float


#: A class that mistypes stays below; a machine needs years for three million codes.
PER_CALLER, OVERALL = Allowance(20, 10.0), Allowance(200, 2.0)


@dataclass
class _Credit:
    left: float
    at: float

    def refill(self, allowance: Allowance, now: float) -> float:
        """Add what time has given back; return what is left."""
        self.left = min(allowance.at_once, self.left + (now - self.at) / allowance.seconds)
        self.at = now
        return self.left


class Guesses:
    """Credits for wrong codes.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        per_caller: Allowance = PER_CALLER,
        overall: Allowance = OVERALL,
    ) -> None:
        self._clock, self._per_caller, self._overall = clock, per_caller, overall
        self._all = _Credit(overall.at_once, clock())
        self._callers: OrderedDict[str, _Credit] = OrderedDict()
        self._lock = threading.Lock()

    def allowed(self, caller: str) -> bool:
        """Whether this caller may try a code."""
        with self._lock:
            now = self._clock()
            known = self._callers.get(network_of(caller))
            own = known is None or known.refill(self._per_caller, now) >= 1
            return own and self._all.refill(self._overall, now) >= 1

    def wrong(self, caller: str) -> None:
        """Count a wrong code of this caller."""
        name = network_of(caller)
        with self._lock:
            now = self._clock()
            credit = self._callers.setdefault(name, _Credit(self._per_caller.at_once, now))
            for one, allowance in ((credit, self._per_caller), (self._all, self._overall)):
                one.left = max(0.0, one.refill(allowance, now) - 1)
            self._callers.move_to_end(name)
            while len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)


def network_of(caller: str) -> str:
    """Return what one subscriber holds: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(caller)
    except ValueError:
        return caller[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)

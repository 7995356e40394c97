"""Limits of trainings on this host, read from environment variables.

============================  ================================================================
``VAE_TRAINING``              ``off`` forbids training
``VAE_RUNS_AT_ONCE``          concurrent trainings; by default the number of cores, or of threads
                              of the cluster that ``VAE_DASK_ADDRESS`` names
``VAE_MAX_RUNS``              queued and running trainings of all users
``VAE_MAX_RUNS_PER_SESSION``  queued and running trainings of one session
============================  ================================================================
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from vae_core.errors import ConfigError
from vae_core.jobs import cluster

MAX_RUNS, MAX_RUNS_PER_SESSION = 100, 4


@dataclass(frozen=True)
class Limits:
    """Limits of trainings."""

    training: bool
    at_once: int
    runs: int
    per_session: int
    threads: int  # per training: its share of the cores; 1 on a cluster


def limits() -> Limits:
    """Read the limits.

    Raises
    ------
    ConfigError
        If a variable has an invalid value; names it.
    """
    available = cluster.threads() if cluster.address() else cores()
    at_once = _number("VAE_RUNS_AT_ONCE", available)
    return Limits(
        training=_switch("VAE_TRAINING"),
        at_once=at_once,
        runs=_number("VAE_MAX_RUNS", MAX_RUNS),
        per_session=_number("VAE_MAX_RUNS_PER_SESSION", MAX_RUNS_PER_SESSION),
        threads=1 if cluster.address() else max(1, available // at_once),
    )


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ConfigError(f"{name} {text!r}: allowed are 1 to 10000")
    return int(text)


def _switch(name: str) -> bool:
    text = os.environ.get(name, "").strip().lower() or "on"
    if text not in ("on", "off"):
        raise ConfigError(f"{name} {text!r}: allowed are on and off")
    return text == "on"

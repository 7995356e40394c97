"""Fixtures of the core's tests."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
import torch

# Nothing is written beside the tests, and a busy machine is no failure.
hypothesis.settings.register_profile("core", deadline=None, database=None)
hypothesis.settings.load_profile("core")


@pytest.fixture(autouse=True)
def _arithmetic_as_it_was() -> Iterator[None]:
    """Undo what a training sets for its process: threads, and denormal numbers flushed to zero."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)

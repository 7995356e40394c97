"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
import torch

# Nothing is written beside the tests, and a busy machine is no failure.
hypothesis.settings.register_profile("core", deadline=None, database=None)
hypothesis.settings.load_profile("core")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep trainings from changing the number of threads for the tests after them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

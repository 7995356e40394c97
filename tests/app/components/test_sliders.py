"""The sliders need one KL for each dimension."""

from __future__ import annotations

import pytest

from app.components import sliders
from app.components.contract import Scene


def test_a_kl_of_another_length_is_refused() -> None:
    """The error names both lengths."""
    scene = Scene(model_hash="h", decoder="asset:d", z=(0.0, 0.0), z_version=0)
    with pytest.raises(ValueError, match="kl has 3 numbers; this model has 2"):
        sliders.sliders("s", scene=scene, kl=[1, 2, 3])

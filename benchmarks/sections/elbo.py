"""Whether the fast paths reach what a plain loop in float32 reaches."""

from benchmarks.sections.quality import compare as measure

TITLE = "The bound does not suffer: the recipe's net after the recipe's epochs"

__all__ = ["TITLE", "measure"]

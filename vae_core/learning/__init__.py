"""How parameters are found."""

from vae_core.learning.aevb import DivergedError, Trainer, native_bfloat16, static_test_seed
from vae_core.learning.records import EpochRecord, Figures, StepRecord

__all__ = [
    "DivergedError",
    "EpochRecord",
    "Figures",
    "StepRecord",
    "Trainer",
    "native_bfloat16",
    "static_test_seed",
]

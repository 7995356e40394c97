"""How parameters are found."""

from vae_core.learning.aevb import (
    DivergedError,
    Trainer,
    check_data,
    check_fit,
    native_bfloat16,
    static_test_seed,
    static_train_seed,
)
from vae_core.learning.records import EpochRecord, Figures, StepRecord

__all__ = [
    "DivergedError",
    "EpochRecord",
    "Figures",
    "StepRecord",
    "Trainer",
    "check_data",
    "check_fit",
    "native_bfloat16",
    "static_test_seed",
    "static_train_seed",
]

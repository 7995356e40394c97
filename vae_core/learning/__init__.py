"""Train models: trainers, learners, optimisers and checks of settings."""

from vae_core.learning.checks import (
    check_data,
    check_fit,
    check_host,
    check_method,
    describe_model,
    devices,
    native_bfloat16,
)
from vae_core.learning.devices.cpu import LEARNERS
from vae_core.learning.records import EpochRecord, Metrics, StepRecord
from vae_core.learning.trainer import (
    STEERABLE,
    DivergedError,
    Trainer,
    static_test_seed,
    static_train_seed,
)

__all__ = [
    "LEARNERS",
    "STEERABLE",
    "DivergedError",
    "EpochRecord",
    "Metrics",
    "StepRecord",
    "Trainer",
    "check_data",
    "check_fit",
    "check_host",
    "check_method",
    "describe_model",
    "devices",
    "native_bfloat16",
    "static_test_seed",
    "static_train_seed",
]

"""Hamiltonian Monte Carlo, vectorised over chains (Duane et al. 1987; Neal 2011, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

#: (..., d) → (...): a log density up to a constant, differentiable in its argument.
LogDensity = Callable[[Tensor], Tensor]
#: After transition t the log step size changes by GAIN / t^GAIN_DECAY times the excess acceptance
#: (Robbins & Monro 1951), by FURTHEST at most.
GAIN, GAIN_DECAY, FURTHEST = 4.0, 0.6, math.log(2.0)


@dataclass(frozen=True)
class Samples:
    """Result of running chains.

    ``z`` (steps, ..., d) is the state after each transition, and ``acceptance`` (...) the mean
    acceptance probability of each chain. ``step_size`` is the final one, to continue with: it has
    the shape of the argument, () for a float.
    """

    z: Tensor
    acceptance: Tensor
    step_size: Tensor


def hmc(
    log_density: LogDensity,
    start: Tensor,
    *,
    steps: int,
    leapfrog: int,
    step_size: float | Tensor,
    generator: torch.Generator,
    target_acceptance: float | None = 0.9,
) -> Samples:
    """Run one chain from each row of ``start``.

    It needs gradients, so it cannot run in inference mode; ``no_grad`` is allowed.

    Parameters
    ----------
    log_density
        (..., d) → (...); one value for each chain.
    start
        Initial states, (..., d).
    steps
        Number of transitions, whose states are all returned.
    leapfrog
        Leapfrog steps in a transition.
    step_size
        One step size for all chains, or a tensor that broadcasts to (...).
    target_acceptance
        Acceptance probability towards which the step size is adapted, by less after each
        transition. None keeps it fixed; only then is the target density invariant.
    """
    eps = torch.as_tensor(step_size, dtype=start.dtype)
    shape = start.shape[:-1]
    eps.expand(shape)  # raises for a wrong shape
    z = start.detach()
    log_p, gradient = _with_gradient(log_density, z)
    kept, acceptance = [], torch.zeros(shape, dtype=z.dtype)
    for step in range(1, steps + 1):
        momentum = torch.randn(z.shape, generator=generator, dtype=z.dtype)
        proposal, moved, new_log_p, new_gradient = _trajectory(
            log_density, z, momentum, gradient, eps=eps[..., None], leapfrog=leapfrog
        )
        # Change of the total energy; a trajectory that is not finite is rejected.
        change = (new_log_p - _kinetic(moved)) - (log_p - _kinetic(momentum))
        probability = change.nan_to_num(-math.inf, 0.0, -math.inf).clamp(max=0.0).exp()
        accepted = torch.rand(shape, generator=generator, dtype=z.dtype) < probability
        z = torch.where(accepted[..., None], proposal, z)
        gradient = torch.where(accepted[..., None], new_gradient, gradient)
        log_p = torch.where(accepted, new_log_p, log_p)
        kept.append(z)
        acceptance += probability / steps
        if target_acceptance is not None:
            chains_per_step_size = probability.numel() / eps.numel()
            mean = probability.sum_to_size(eps.shape) / chains_per_step_size
            move = GAIN / step**GAIN_DECAY * (mean - target_acceptance)
            eps = eps * torch.exp(move.clamp(-FURTHEST, FURTHEST))
    return Samples(z=torch.stack(kept), acceptance=acceptance, step_size=eps)


def _trajectory(
    log_density: LogDensity,
    z: Tensor,
    momentum: Tensor,
    gradient: Tensor,
    *,
    eps: Tensor,
    leapfrog: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    momentum = momentum + 0.5 * eps * gradient
    for step in range(1, leapfrog + 1):
        z = z + eps * momentum
        log_p, gradient = _with_gradient(log_density, z)
        momentum = momentum + (eps if step < leapfrog else 0.5 * eps) * gradient
    return z, momentum, log_p, gradient


def _kinetic(momentum: Tensor) -> Tensor:
    return 0.5 * momentum.square().sum(-1)


def _with_gradient(log_density: LogDensity, z: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        log_p = log_density(z)
        (gradient,) = torch.autograd.grad(log_p.sum(), z)
    return log_p.detach(), gradient

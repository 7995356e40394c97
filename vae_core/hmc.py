"""Hamiltonian Monte Carlo, vectorised over chains (Duane et al. 1987; Neal 2011, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

#: (..., d) → (...): a log density up to a constant, differentiable in its argument.
LogDensity = Callable[[Tensor], Tensor]
#: After t transitions the logarithm of the step size moves by GAIN / t^GAIN_DECAY times the
#: acceptance in excess (Robbins & Monro 1951), and never further than to twice or half the size.
GAIN, GAIN_DECAY, FURTHEST = 4.0, 0.6, math.log(2.0)


@dataclass(frozen=True)
class Samples:
    """What a run of chains leaves behind.

    ``z`` is (steps, ..., d), the state after every transition; ``acceptance`` (...) each chain's
    mean acceptance probability; ``step_size`` has the shape of the one that was given, a scalar
    for a float, and is what a continued run should start with.
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

    Not to be called in inference mode, where there are no gradients; ``no_grad`` is fine.

    Parameters
    ----------
    log_density
        (..., d) → (...); one value for each chain.
    start
        Where the chains begin, (..., d).
    steps
        Transitions, each of them kept.
    leapfrog
        Leapfrog steps in a transition.
    step_size
        A float is one step size for all chains; a tensor broadcasts against (...), so that
        (...) itself is a step size for each chain.
    target_acceptance
        After each transition the step size moves towards this acceptance probability, ever less
        so. None holds it fixed: only then is the target exactly invariant.
    """
    eps = torch.as_tensor(step_size, dtype=start.dtype)
    shape = start.shape[:-1]
    eps.expand(shape)  # raises if it does not fit
    z = start.detach()
    log_p, gradient = _with_gradient(log_density, z)
    kept, acceptance = [], torch.zeros(shape, dtype=z.dtype)
    for step in range(1, steps + 1):
        momentum = torch.randn(z.shape, generator=generator, dtype=z.dtype)
        proposal, moved, new_log_p, new_gradient = _trajectory(
            log_density, z, momentum, gradient, eps=eps[..., None], leapfrog=leapfrog
        )
        # The change of the total energy; a trajectory that left the numbers is refused.
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

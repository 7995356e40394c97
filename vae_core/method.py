"""The method of variational autoencoders in six steps: text, formula, and the code of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vae_core import objectives
from vae_core.learning import aevb
from vae_core.models import VAE, likelihoods
from vae_core.models.distributions import DiagonalGaussian, StandardNormal

#: Names of the steps; each has a panel of this name in ``browser/panels/method.js``.
Part = Literal["x", "encoder", "noise", "decoder", "terms", "objective"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class MethodStep:
    """A step of the method: what happens, its formula in LaTeX, and the code that computes it."""

    part: Part
    title: str
    text: str
    formula: str
    code: tuple[Callable[..., Any], ...]


STEPS = (
    MethodStep(
        "x",
        "An image",
        "Each image is a list of numbers, one for each pixel. The model supposes that a hidden "
        "code z was drawn first, from the prior, and then the image, from what the decoder says "
        "of that code.",
        r"\begin{gathered}z \sim p(z) = \mathcal{N}(0, I) \\ "
        r"x \sim p_\theta(x \mid z)\end{gathered}",
        (StandardNormal.sample,),
    ),
    MethodStep(
        "encoder",
        "The encoder says where its code may lie",
        "Which codes could have made this image? The exact answer, the posterior, cannot be "
        "computed. A network, the encoder, gives a Gaussian in its place: a mean μ and a variance "
        "σ² for each latent dimension.",
        r"q_\phi(z \mid x) = \mathcal{N}\!\left(\mu_\phi(x),\ "
        r"\mathrm{diag}\,\sigma^2_\phi(x)\right)",
        (VAE.encode_unchecked,),
    ),
    MethodStep(
        "noise",
        "A code is drawn: the reparameterisation trick",
        "Noise ε is drawn first, without regard to the image; z follows from it by a plain sum and "
        "product. So a gradient passes through μ and σ, though z is random.",
        r"\begin{gathered}\varepsilon \sim \mathcal{N}(0, I) \\ "
        r"z = \mu_\phi(x) + \sigma_\phi(x) \odot \varepsilon\end{gathered}",
        (DiagonalGaussian.sample,),
    ),
    MethodStep(
        "decoder",
        "The decoder paints an image",
        "A second network turns the code into a distribution of images, whose mean is shown. "
        "Where codes of different images overlap, it paints their average: that is why images "
        "are blurred.",
        r"p_\theta(x \mid z) = \prod_i p(x_i \mid f_\theta(z)_i)",
        (VAE.decode,),
    ),
    MethodStep(
        "terms",
        "Two costs",
        "The rate is what it costs to say where the code lies: how far q(z|x) is from the prior. "
        "The distortion is what it then costs to say the image, given the code. Both are "
        "measured in nats, 1.44 bits each.",
        r"\begin{gathered}"
        r"\underbrace{\tfrac12 \sum_j \left(\mu_j^2 + \sigma_j^2 - \log\sigma_j^2 - 1\right)}"
        r"_{\text{rate, for } p(z) = \mathcal{N}(0, I)} \\[1.5em] "
        r"\underbrace{-\log p_\theta(x \mid z)}_{\text{distortion}}\end{gathered}",
        (DiagonalGaussian.kl_per_dim, likelihoods.Bernoulli.log_prob),
    ),
    MethodStep(
        "objective",
        "Training lowers their sum",
        "The sum is −ELBO, which is never below −log p(x) on average over ε. Training changes the "
        "weights of both networks, a few images at a time, so that it falls.",
        r"\begin{gathered}-\log p_\theta(x) \le -\mathcal{L} = {} \\ "
        r"\mathrm{KL}\!\left(q_\phi(z \mid x) \,\|\, p(z)\right) \\ "
        r"+\ \mathbb{E}_{q_\phi}\!\left[-\log p_\theta(x \mid z)\right]\end{gathered}",
        (objectives.elbo, objectives.elbo_loss, aevb.AEVB.step),
    ),
)


def source(function: Callable[..., Any]) -> tuple[str, str]:
    """Return the name of a function of a step, and its lines."""
    lines = inspect.cleandoc("\n" + inspect.getsource(function))
    return f"{function.__module__}.{function.__qualname__}", lines

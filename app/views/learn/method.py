"""The method in six steps, with the live numbers of one image and the code that computes them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.components.method import Part, method
from app.resources import examples
from app.resources.opened_model import Opened
from app.widgets import downloads, scenes, selection
from vae_core import objectives
from vae_core.learning import aevb
from vae_core.models import VAE, likelihoods
from vae_core.models.distributions import DiagonalGaussian, StandardNormal

MACHINE = (
    "The method is that of variational autoencoders; the open model is a Boltzmann machine. Choose "
    "a VAE on the left."
)
NO_BOUND = (
    "The open model has no encoder or no log-variance, so it has no ELBO. Choose another model on "
    "the left."
)


@dataclass(frozen=True)
class MethodStep:
    """A step of the method: what happens, its formula, and the code that computes it."""

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
        r"\begin{aligned}-\log p_\theta(x) \le{}& -\mathcal{L} \\ "
        r"={}& \mathrm{KL}\!\left(q_\phi(z \mid x) \,\|\, p(z)\right) \\ "
        r"{}& + \mathbb{E}_{q_\phi}\!\left[-\log p_\theta(x \mid z)\right]\end{aligned}",
        (objectives.elbo, objectives.elbo_loss, aevb.AEVB.step),
    ),
)


def show() -> None:
    """Show the six steps beside the map whose pointer moves their numbers."""
    st.subheader("The method in six steps", anchor=False)
    opened, _ = scenes.current_vae()
    if opened is None:
        st.info(MACHINE)
        return
    if not (opened.has_encoder and opened.has_bound):
        st.info(NO_BOUND)
        return
    opened, shown = scenes.current()
    left, right = st.columns([5, 3], gap="large")
    with left:
        for number, step in enumerate(STEPS, 1):
            with st.container(key=f"method-{step.part}"):
                show_step(opened, step, number)
    with right, st.container(key="method-map"):
        selection.show_small_map(opened, shown, height=420)
        st.caption(
            "Each point is a test image. Move onto a point to follow that image, or anywhere else "
            "to choose z yourself; click to keep it."
        )
    downloads.offer(opened, "Until then, x and its distortion are missing from the steps.")


def show_step(opened: Opened, step: MethodStep, number: int) -> None:
    """Show a step: what happens, the live numbers, the formula, and the code on demand."""
    shown = scenes.current()[1]
    elbo = opened.card.metrics.get("elbo")
    st.markdown(f"**{number}. {step.title}**  \n{step.text}")
    words_, numbers = st.columns([3, 2], vertical_alignment="center", gap="medium")
    words_.latex(step.formula)
    with numbers:
        method(
            f"method-panel-{step.part}",
            step.part,
            scene=scenes.build(opened, shown, with_encoder=True),
            codes=opened.codes_address,
            sprite=examples.sprite_address(opened),
            classes=opened.class_names,
            has_pixel_terms=opened.card.model.likelihood == "bernoulli",
            average=None if elbo is None else f"−ELBO {-elbo.value:.1f} nats",
        )
    with st.expander("The lines of vae_core"):
        for function in step.code:
            st.caption(f"{function.__module__}.{function.__qualname__}")
            st.code(inspect.cleandoc("\n" + inspect.getsource(function)), language="python")

"""The method in six steps, with the live numbers of one image and the code that computes them."""

import streamlit as st

from app.components.method import method
from app.resources import examples
from app.resources.opened_model import Opened
from app.widgets import downloads, scenes, selection
from vae_core.method import STEPS, MethodStep, source

MACHINE = (
    "The method is that of variational autoencoders; the open model is a Boltzmann machine. Choose "
    "a VAE on the left."
)
NO_BOUND = (
    "The open model has no encoder or no log-variance, so it has no ELBO. Choose another model on "
    "the left."
)


def show() -> None:
    """Show the six steps beside the map whose pointer moves their numbers."""
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
    words_, numbers = st.columns(2, vertical_alignment="center", gap="medium")
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
            name, lines = source(function)
            st.caption(name)
            st.code(lines, language="python")

"""What a model says of itself: its card in words."""

import streamlit as st

from app import words
from app.resources.opened_model import Opened, OpenedMachine
from vae_core.config import ModelConfig, TrainConfig
from vae_core.model_folder import Metric
from vae_core.models import boltzmann

#: What newer cards tell and older ones may lack; the last two need labels.
EXPECTED = (
    "mmd", "mmd_p", "sample_distance", "test_distance", "knn_accuracy", "probe_accuracy",
)  # fmt: skip
OF_LABELS = ("knn_accuracy", "probe_accuracy")
NETWORKS = {"mlp": "layers of", "gated": "gated layers of", "conv": "convolutions with channels"}
OBJECTIVES = {"elbo": "ELBO", "iwae": "importance-weighted bound", "dreg": "DReG bound"}
LEARNERS = {"aevb": "", "wake-sleep": "wake-sleep, ", "mcem": "Monte Carlo EM, "}


#: Units that say no more than the figure's name.
SAID_BY_TITLE = ("share", "squared MMD", "p-value")


def button(model: Opened | OpenedMachine) -> None:
    """Show the button that opens the card."""
    if st.button("About this model", width="stretch", key="w-about"):
        if isinstance(model, Opened):
            show(model)
        else:
            show_machine(model)


@st.dialog("About this model", width="large")
def show_machine(opened: OpenedMachine) -> None:
    """Show what a Boltzmann machine is and how it came to be."""
    card, config = opened.saved.card, opened.saved.card.model
    _, height, width = config.image_shape
    hidden = "–".join(map(str, config.hidden))
    weights = sum(tensor.numel() for tensor in opened.saved.machine.tensors().values())
    st.markdown(
        f"**{card.name}**: {boltzmann.KINDS[card.kind]} of {height} × {width} binary pixels and "
        f"{hidden} hidden units."
    )
    st.markdown(
        f"Each layer trained on {card.dataset} for {config.epochs:,} epochs in batches of "
        f"{config.batch_size:,} by persistent contrastive divergence, at {config.learning_rate:g}, "
        f"seed {config.seed}. {weights:,} weights."
    )
    st.caption(
        "Its card holds no figures: the likelihood of a machine has a normaliser that nobody can "
        f"sum. `python -m vae_core evaluate {card.name}` measures what its reconstructions cost."
    )
    if card.command:
        st.caption("The command that made it")
        st.code(card.command, language="bash", wrap_lines=True)


@st.dialog("About this model", width="large")
def show(model: Opened) -> None:
    """Show what the model is, how it came to be, and what was measured of it."""
    card = model.card
    st.markdown(f"**{card.name}**: {architecture(card.model)}")
    weights = f" {card.parameters:,} weights." if card.parameters else ""
    st.markdown(f"{training(card.training)}{weights}")
    for warning in dict.fromkeys([*card.warnings, model.collapse_warning]):
        if warning:
            st.warning(warning)
    if card.metrics:
        st.markdown(table(card.metrics))
        st.caption(
            "± is the standard error over the test examples; it says nothing of other seeds. Grey, "
            "dynamic, static and threshold pixels are different tasks: compare within one kind."
        )
    say_missing(model)
    if card.command:
        st.caption("The command that made it")
        st.code(card.command, language="bash", wrap_lines=True)
    made = ", ".join(f"{name} {value}" for name, value in (card.software | card.paths).items())
    if made or card.created:
        st.caption(" · ".join(part for part in (card.created[:10], made) if part))


def architecture(config: ModelConfig) -> str:
    """Say what a model is made of, in one line."""
    c, height, width = config.image_shape
    picture = f"{height} × {width}" + (f" × {c}" if c > 1 else "")
    hidden = "–".join(map(str, config.hidden))
    network = NETWORKS.get(config.network, f"{config.network} layers of")
    activation: str = config.activation
    if config.decoder_activation is not None:
        activation += f", {config.decoder_activation} in the decoder"
    code = f"z of {config.latent_dim}"
    if config.first_latent_dim is not None:
        code = f"z₁ of {config.first_latent_dim} and z₂ of {config.latent_dim}"
    given = ", given the label" if config.conditional else ""
    likelihood = config.likelihood.replace("-", " ").capitalize()
    return (
        f"pictures of {picture}, {network} {hidden} ({activation}), {code}{given}, and back; "
        f"{likelihood} pixels, {config.prior.replace('-', ' ')} prior."
    )


def training(config: TrainConfig) -> str:
    """Say how a model was trained, in one line."""
    objective = OBJECTIVES.get(config.objective, config.objective)
    if config.samples > 1:
        objective += f" with {config.samples} samples"
    extras = [
        f"beta {config.beta:g}" if config.beta != 1 else "",
        f"{config.free_bits:g} free nats a dimension" if config.free_bits else "",
        f"KL warm-up over {config.kl_warmup_epochs:g} epochs" if config.kl_warmup_epochs else "",
        "a prior over weights" if config.weight_prior else "",
    ]
    said = ", ".join(["", *filter(None, extras)])
    return (
        f"Trained on {config.dataset} ({config.pixels} pixels) for {config.epochs:,} epochs in "
        f"batches of {config.batch_size:,}, with {config.optimizer.capitalize()} at "
        f"{config.learning_rate:g}, seed {config.seed}: "
        f"{LEARNERS.get(config.learner, f'{config.learner}, ')}{objective}{said}."
    )


def table(found: dict[str, Metric]) -> str:
    """Tell figures in a Markdown table, each with all that is needed to compare it."""
    lines = ["| figure | value | measured on |", "|---|--:|---|"]
    for name, metric in found.items():
        title, sign = ("−ELBO", -1) if name == "elbo" else (words.title(name), 1)
        value = words.measured(sign * metric.value, metric.se).replace(" ", "\N{NO-BREAK SPACE}")
        unit = "" if metric.unit in SAID_BY_TITLE else f" {metric.unit}"
        draws = ""
        if metric.samples is not None:
            draws = ", one draw each" if metric.samples == 1 else f", {metric.samples:,} draws each"
        where = f"{metric.kind}, {metric.split}, n = {metric.n:,}{draws}"
        lines.append(f"| {title} | {value}{unit} | {where} |")
    return "\n".join(lines)


def say_missing(model: Opened) -> None:
    """Say which figures the card lacks, and what measures them."""
    needed = [name for name in EXPECTED if model.codes.labels is not None or name not in OF_LABELS]
    lacking = [words.title(name) for name in needed if name not in model.card.metrics]
    if lacking:
        st.caption(
            f"Not in this card: {'; '.join(lacking)}. "
            f"`python -m vae_core evaluate {model.name}` measures them."
        )

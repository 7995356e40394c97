"""The dialog "About this model": architecture, training, metrics and command."""

import streamlit as st

from app import words
from app.resources import datasets
from app.resources.opened_model import Opened, OpenedMachine
from vae_core.config import ModelConfig, TrainConfig
from vae_core.model_folder import ImportedCard, Metric
from vae_core.models import boltzmann

#: Metrics of today's cards, which older cards may lack; the last two need labels.
EXPECTED = (
    "mmd", "mmd_p", "sample_distance", "test_distance", "knn_accuracy", "probe_accuracy",
)  # fmt: skip
OF_LABELS = ("knn_accuracy", "probe_accuracy")
NETWORKS = {
    "mlp": "hidden layers", "gated": "gated hidden layers", "conv": "convolutions with channels",
}  # fmt: skip
POSTERIORS = {
    "gaussian": "a VAE",
    "point": "an auto-encoder without log-variance",
    "none": "a decoder without an encoder",
}
OBJECTIVES = {"elbo": "ELBO", "iwae": "importance-weighted bound", "dreg": "DReG bound"}
LEARNERS = {"aevb": "", "wake-sleep": "wake-sleep, ", "mcem": "Monte Carlo EM, "}


def button(model: Opened | OpenedMachine) -> None:
    """Show the button that opens the dialog."""
    if st.button("About this model", width="stretch", key="w-about"):
        _show(model)


@st.dialog("About this model", width="large")
def _show(model: Opened | OpenedMachine) -> None:
    if isinstance(model, Opened):
        show_model(model)
    else:
        show_machine(model)
    if command := datasets.without_path(model.saved.card.command, model.saved.card.dataset):
        imports = isinstance(model.saved.card, ImportedCard)
        st.caption(f"Command that {'imported' if imports else 'trained'} it")
        st.code(command, language=None, wrap_lines=True)
    if isinstance(model, Opened):
        show_software(model)


def show_machine(opened: OpenedMachine) -> None:
    """Show the architecture and the training of a Boltzmann machine."""
    card, config = opened.saved.card, opened.saved.card.model
    _, height, width = config.image_shape
    hidden = "–".join(map(str, config.hidden))
    weights = sum(tensor.numel() for tensor in opened.saved.machine.tensors().values())
    st.markdown(
        f"**{card.name}**: {boltzmann.KINDS[card.kind]} of {height} × {width} binary pixels and "
        f"{hidden} hidden units."
    )
    st.markdown(
        f"Each layer was trained on {datasets.title(card.dataset)} for {config.epochs:,} epochs "
        f"in batches of {config.batch_size:,}, by persistent contrastive divergence with learning "
        f"rate {config.learning_rate:g}, seed {config.seed}. {weights:,} weights."
    )
    st.caption(
        "Its card has no metrics: the likelihood of a Boltzmann machine has a normaliser that "
        f"cannot be computed. `python -m vae_core evaluate {card.name}` measures its "
        "reconstructions."
    )


def show_model(model: Opened) -> None:
    """Show the architecture, the training, warnings and metrics of a VAE."""
    card = model.card
    weights = f" {card.parameters:,} weights." if card.parameters else ""
    if isinstance(card, ImportedCard):
        st.markdown(f"**{card.name}**: {imported(card)}{weights}")
        show_networks(card)
    else:
        st.markdown(f"**{card.name}**: {architecture(card.model)}")
        st.markdown(f"{training(card.training)}{weights}")
    for warning in dict.fromkeys([*card.warnings, model.collapse_warning]):
        if warning:
            st.warning(warning)
    if card.metrics:
        st.markdown(table(card.metrics))
        st.caption(
            "± is the standard error over the test examples, not over seeds. Grey, dynamic, "
            "static and threshold pixels are different tasks: compare within one kind."
        )
    if isinstance(card, ImportedCard):
        return
    needed = [name for name in EXPECTED if model.codes.labels is not None or name not in OF_LABELS]
    missing = [words.title(name) for name in needed if name not in card.metrics]
    if missing:
        st.caption(
            f"Not in this card: {'; '.join(missing)}. "
            f"`python -m vae_core evaluate {model.name}` measures them."
        )


def show_software(model: Opened) -> None:
    """Show when and with which software a model was trained."""
    card = model.card
    software = ", ".join(f"{name} {value}" for name, value in (card.software | card.paths).items())
    if parts := [part for part in (card.created[:10], software) if part]:
        st.caption(" · ".join(parts))


def architecture(config: ModelConfig) -> str:
    """Describe the architecture of a model in one line."""
    c, height, width = config.image_shape
    size = f"{height} × {width}" + (f" × {c}" if c > 1 else "")
    hidden = "–".join(map(str, config.hidden))
    network = NETWORKS.get(config.network, f"{config.network} layers of")
    activation: str = config.activation
    if config.decoder_activation is not None:
        activation += f", {config.decoder_activation} in the decoder"
    code = words.dimensions(config.latent_dim)
    if config.first_latent_dim is not None:
        code += f" (z₂) above {config.first_latent_dim} (z₁)"
    condition = ", conditioned on the label" if config.conditional else ""
    likelihood = config.likelihood.replace("-", " ").capitalize()
    return (
        f"{size} images, {network} {hidden} ({activation}), {code}{condition}; "
        f"{likelihood} likelihood, {config.prior.replace('-', ' ')} prior."
    )


def imported(card: ImportedCard) -> str:
    """Describe an imported model in one line, and what it lacks."""
    config = card.model
    c, height, width = config.image_shape
    size = f"{height} × {width}" + (f" × {c}" if c > 1 else "")
    condition = ", conditioned on the label" if config.conditional else ""
    code = words.dimensions(config.latent_dim)
    if not config.has_encoder:
        return (
            f"{POSTERIORS[config.posterior]}, imported: {size} images, {code}{condition}. Codes "
            "were drawn from N(0, I). Its training is not known."
        )
    likelihood = config.likelihood.replace("-", " ").capitalize()
    scale = "" if config.sigma is None else f" (σ = {config.sigma:g})"
    return (
        f"{POSTERIORS[config.posterior]} imported with {size} images of "
        f"{datasets.title(card.dataset)}, {code}{condition}; {likelihood}{scale} likelihood. Its "
        "training is not known."
    )


def show_networks(card: ImportedCard) -> None:
    """Show the layers of an imported model, and how its networks were read."""
    networks = {"Encoder": card.encoder, "Decoder": card.decoder}
    for name, layers in networks.items():
        if layers:
            st.markdown(f"{name}: {layers}")
    facts = [f"{words.sentence(fact)[:-1]}: {value}" for fact, value in card.provenance.items()]
    st.caption("  \n".join(facts))


def training(config: TrainConfig) -> str:
    """Describe the training of a model in one line."""
    objective = OBJECTIVES.get(config.objective, config.objective)
    if config.samples > 1:
        objective += f" with {config.samples} samples"
    extras = [
        f"β = {config.beta:g}" if config.beta != 1 else "",
        f"{config.free_bits:g} free nats per dimension" if config.free_bits else "",
        f"KL warm-up over {config.kl_warmup_epochs:g} epochs" if config.kl_warmup_epochs else "",
        "a prior on the weights" if config.weight_prior else "",
    ]
    parts = ", ".join(["", *filter(None, extras)])
    return (
        f"Trained on {datasets.title(config.dataset)} ({config.pixels} pixels) for "
        f"{config.epochs:,} epochs in batches of {config.batch_size:,}, by "
        f"{config.optimizer.capitalize()} with learning rate {config.learning_rate:g}, seed "
        f"{config.seed}: {LEARNERS.get(config.learner, f'{config.learner}, ')}{objective}{parts}."
    )


def table(metrics: dict[str, Metric]) -> str:
    """Write metrics as a Markdown table, each with all that is needed to compare it."""
    lines = ["| metric | value | measured on |", "|---|--:|---|"]
    for name, metric in metrics.items():
        value = words.quantity(name, metric.value, metric.se, metric.unit)
        samples = ""
        if metric.samples is not None:
            samples = f", {metric.samples:,} sample{'s' if metric.samples > 1 else ''} each"
        where = f"{metric.kind}, {metric.split}, n = {metric.n:,}{samples}"
        unbroken = value.replace(" ", "\N{NO-BREAK SPACE}")
        lines.append(f"| {words.title(name)} | {unbroken} | {where} |")
    return "\n".join(lines)

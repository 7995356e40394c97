"""The settings of a new training: what can be chosen, and whether it goes together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from app import state
from app.resources import datasets
from app.widgets import downloads
from vae_core import data, learning, recipes, runs
from vae_core.config import (
    ONE_CHANNEL,
    LearnerName,
    LikelihoodName,
    ModelConfig,
    Network,
    Objective,
    PriorName,
    TrainConfig,
)
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.models.priors import PRIORS as PRIOR_MODULES
from vae_core.runs import RunConfig

Given = dict[str, Any]


@dataclass(frozen=True)
class Suggestion:
    """What suits a dataset: widths of each kind of network, and the rest."""

    hidden: dict[str, str]
    latent_dim: int = 2
    batch_size: int = 50
    epochs: int = 100
    likelihood: str = "bernoulli"
    learning_rate: float = 2e-3
    warmup: float = 0.05
    decay: str = "cosine"
    precision: str = "float32"


_FAST = recipes.fast()
GRAPHS = Suggestion({"mlp": "100", "conv": "8, 16, 32", "rows": "64"}, batch_size=20)
SUGGESTED = {
    "mnist": Suggestion(
        {"mlp": ", ".join(map(str, _FAST["hidden"])), "conv": "16, 32", "rows": "128"},
        latent_dim=_FAST["latent_dim"], batch_size=_FAST["batch_size"], epochs=_FAST["epochs"],
        learning_rate=_FAST["learning_rate"], warmup=_FAST["warmup"], decay=_FAST["decay"],
        precision=_FAST["precision"],
    ),
    "fashion-mnist": Suggestion(
        {"mlp": "512, 256, 128", "conv": "16, 32", "rows": "128"}, batch_size=200, epochs=10
    ),
    "digits": Suggestion({"mlp": "256, 128", "conv": "16, 32", "rows": "64"}),
    "frey-face": Suggestion(
        {"mlp": "200", "conv": "16, 32", "rows": "100"}, likelihood="discretised-logistic"
    ),
    "cifar-10": Suggestion(
        {"mlp": "500, 200", "conv": "32, 64, 64", "rows": "200"},
        latent_dim=20, batch_size=100, epochs=20, likelihood="discretised-logistic",
    ),
    "graphs": GRAPHS,
    "graphs-symmetric": GRAPHS,
}  # fmt: skip
#: Of a dataset that has none above.
USUAL = Suggestion({"mlp": "256, 128", "conv": "16, 32", "rows": "64"})


def suggestion(name: str) -> Suggestion:
    """Return what suits a dataset; USUAL for one without a suggestion of its own."""
    return SUGGESTED.get(name, USUAL)


def titled(names: object, titles: dict[str, str]) -> dict[str, str]:
    """Complete titles by those names of a ``Literal`` that have none; each stands for itself."""
    return titles | {name: name for name in get_args(names) if name not in titles}


NETWORKS = titled(
    Network, {"mlp": "Dense", "conv": "Convolutional", "rows": "Recurrent, row by row"}
)
ACTIVATIONS = {
    "silu": "SiLU", "tanh": "tanh", "relu": "ReLU", "leaky-relu": "leaky ReLU", "gated": "gated",
}  # fmt: skip
LIKELIHOODS = titled(
    LikelihoodName,
    {
        "bernoulli": "Bernoulli",
        "gaussian": "Gaussian",
        "continuous-bernoulli": "continuous Bernoulli",
        "discretised-logistic": "discretised logistic",
    },
)
PRIORS = titled(
    PriorName,
    {
        "standard": "standard normal",
        "mixture": "mixture of Gaussians",
        "vamp": "VampPrior",
        "label": "a Gaussian for each label",
    },
)
#: What a prior that is a mixture has several of.
COMPONENTS = {"mixture": "Gaussians", "vamp": "Pseudo-inputs"}
LEARNERS = titled(
    LearnerName, {"aevb": "AEVB", "wake-sleep": "wake-sleep", "mcem": "Monte Carlo EM"}
)
OBJECTIVES = titled(Objective, {"elbo": "ELBO", "iwae": "IWAE", "dreg": "IWAE, DReG gradient"})
PIXELS = {
    "grey": "grey levels", "dynamic": "a fresh binary draw", "static": "one binary draw",
    "threshold": "black and white",
}  # fmt: skip
DEVICES = {"cpu": "the processor", "cuda": "the GPU"}
#: What a prior by label or a conditional model has and these lack.
NO_LABELS = "{} has no labels: a conditional model, and a prior for each label, need them."
#: What the form asks for; other settings of a run that is copied stay as they are.
ASKED = {
    "latent_dim", "hidden", "network", "activation", "likelihood", "prior", "components",
    "conditional", "first_latent_dim", "upper_hidden", "epochs", "learner", "objective", "samples",
    "beta", "kl_warmup_epochs", "free_bits", "weight_prior", "pixels", "learning_rate",
    "batch_size", "train_size", "seed", "device",
}  # fmt: skip
#: What a dataset gives.
GIVEN = {"dataset", "image_shape", "classes"}


def form() -> tuple[ModelConfig, TrainConfig] | None:
    """Show the settings of a new training; return them when it shall start."""
    known = datasets.statuses()
    present = [name for name, one in known.items() if one.present]
    name = st.selectbox(
        "Data",
        list(known),
        index=list(known).index("mnist" if "mnist" in present else "digits"),
        format_func=lambda name: known[name].title,
        key="train-data",
        persist_state="session",
    )
    base = copied(name)
    if name not in present:
        downloads.download_invitation(known[name])
        return None
    try:
        dataset = datasets.without_pixels(name)
    except LatentExplorerError as error:
        st.error(str(error))
        return None
    basics = st.container()
    with st.expander("More settings"):
        model, objective, steps = st.tabs(["Model", "Objective", "Steps"])
    with model:
        given = of_model(dataset, known[name].title)
    with basics:
        given |= of_size(name, given["network"])
    with objective:
        given |= of_objective(given)
    with steps:
        given |= of_steps(name, given["likelihood"])
    try:
        settings = described(dataset, given, base=base)
    except LatentExplorerError as error:
        st.error(f"This cannot be trained: {error}.")
        settings = None
    return settings if is_asked(settings) else None


def is_asked(settings: tuple[ModelConfig, TrainConfig] | None) -> bool:
    """Show the button that starts a training; where training is off, how to train elsewhere."""
    if runs.limits().training:
        return st.button(
            "Train", type="primary", width="stretch", key="train-start", disabled=settings is None
        )
    st.info("Training is turned off on this server. On a machine of your own, this trains it:")
    if settings is not None:
        model, training = settings
        config = RunConfig(name=run_name(*settings), model=model, training=training)
        st.code(runs.command_line(config), language="bash", wrap_lines=True)
    return False


def copied(dataset: str) -> RunConfig | None:
    """Say whose settings the form was filled with, if it was; return that run."""
    base = base_of(dataset)
    if base is None:
        return None
    st.caption(f"A copy of **{base.name}**: what you do not change stays as it was there.")
    st.button("Usual settings instead", type="tertiary", on_click=empty, key="train-usual")
    return base


def base_of(dataset: str) -> RunConfig | None:
    """Return the run of a dataset whose settings the form was filled with, if it was."""
    base: RunConfig | None = state.recall("copied")
    return base if base is not None and base.training.dataset == dataset else None


def fill(config: RunConfig) -> None:
    """Fill the form with the settings of a run.

    Raises
    ------
    LatentExplorerError
        If its data are not offered here.
    """
    if config.training.dataset not in data.SOURCES:
        raise ConfigError(
            f"{config.training.dataset} is no dataset of this page; "
            "`python -m vae_core runs copy` copies the training"
        )
    state.fill(values(config))
    state.remember("copied", config)


def empty() -> None:
    """Let the form have its usual settings."""
    state.empty(key for key in values(state.recall("copied")) if key != "train-data")
    state.remember("copied", None)


def values(config: RunConfig) -> dict[str, Any]:
    """Return what the form's widgets hold, by their keys, for the settings of a run."""
    model, training = config.model, config.training
    name, layers = training.dataset, model.first_latent_dim is not None
    labelled = datasets.without_pixels(name).train.labels is not None
    hidden = f"hidden-{name}" + ("" if model.network == "mlp" else f"-{model.network}")
    of_form = {
        "data": name,
        "network": model.network,
        "act": model.activation,
        f"likelihood-{name}": model.likelihood,
        f"prior-{labelled}": model.prior,
        "components": model.components,
        "conditional": model.conditional,
        "layers": layers,
        "upper": _words(model.upper_hidden),
        f"z-{name}": model.latent_dim,
        hidden: _words(model.hidden),
        f"epochs-{name}": training.epochs,
        "learner": training.learner,
        f"objective-{layers}": training.objective,
        f"samples-{training.objective}": training.samples,
        "beta": training.beta,
        "warm": round(training.kl_warmup_epochs),
        "free": training.free_bits,
        "weights": training.weight_prior,
        "pixels": training.pixels,
        f"lr-{name}": max(training.learning_rate, 1e-6),
        f"batch-{name}": training.batch_size,
        f"size-{name}": training.train_size,
        "seed": training.seed,
        "device": training.device,
    } | ({"first": model.first_latent_dim} if layers else {})  # fmt: skip
    return {f"train-{key}": value for key, value in of_form.items()}


def described(
    dataset: ImageDataset, given: Given, *, base: RunConfig | None = None
) -> tuple[ModelConfig, TrainConfig]:
    """Make the configs of what was chosen.

    Parameters
    ----------
    base
        A run of the same data whose settings hold where the form does not ask.

    Raises
    ------
    LatentExplorerError
        If it does not go together; the sentence names the setting and what is allowed.
    """
    of_model = {name: given[name] for name in ModelConfig.model_fields.keys() & given.keys()}
    of_training = {name: given[name] for name in TrainConfig.model_fields.keys() & given.keys()}
    suggested = suggestion(dataset.name)
    kept: Given = {}
    usual: Given = {
        "decay": suggested.decay,
        "warmup": suggested.warmup,
        "precision": suggested.precision,
    }
    if base is not None:
        kept, usual = _not_asked(base.model), _not_asked(base.training)
    model = learning.describe_model(dataset, **kept | of_model)
    training = TrainConfig.of(dataset=dataset.name, **usual | of_training)
    learning.check_fit(model, training, dataset)
    return model, training


def run_name(model: ModelConfig, training: TrainConfig) -> str:
    """Name a training by its data and by what sets it apart from a plain VAE."""
    unusual = {
        model.network: model.network != "mlp",
        "conditional": model.conditional,
        model.prior: model.prior != "standard",
        "two layers": model.first_latent_dim is not None,
        training.objective: training.objective != "elbo",
        training.learner: training.learner != "aevb",
    }
    words = [training.dataset, *(word for word, is_set in unusual.items() if is_set)]
    return " ".join([*words, f"{model.latent_dim}d"])


def of_size(name: str, network: str) -> Given:
    """Show what every training needs: size of z, hidden layers, epochs."""
    suggested = suggestion(name)
    left, right = st.columns(2)
    return {
        "latent_dim": left.number_input(
            "Size of z", 1, 4096, suggested.latent_dim, **_kept(f"z-{name}")
        ),
        "epochs": right.number_input(
            "Epochs", 1, 100_000, suggested.epochs, **_kept(f"epochs-{name}")
        ),
        "hidden": _widths(
            st.text_input(
                "Channels" if network == "conv" else "Hidden layers",
                suggested.hidden.get(network, suggested.hidden["mlp"]),
                help="Of the encoder's layers, with commas; the decoder mirrors them. "
                + ("Each layer halves the picture." if network == "conv" else ""),
                **_kept(f"hidden-{name}" + ("" if network == "mlp" else f"-{network}")),
            )
        ),
    }


def of_model(dataset: ImageDataset, title: str) -> Given:
    """Show what the model is made of."""
    name, labelled = dataset.name, dataset.train.labels is not None
    channels = dataset.image_shape[0]
    network = _choice("Network", NETWORKS, "network")
    given: Given = {"network": network}
    if network != "rows":  # whose units have their own
        given["activation"] = _choice("Activation", ACTIVATIONS, "act")
    likelihoods = {k: v for k, v in LIKELIHOODS.items() if channels == 1 or k not in ONE_CHANNEL}
    given["likelihood"] = _choice(
        "Decoder",
        likelihoods,
        f"likelihood-{name}",
        first=suggestion(name).likelihood,
        help="How likely a pixel is, given z. "
        + ("Bernoulli is for one channel; colour has three." if channels > 1 else ""),
    )
    priors = {k: v for k, v in PRIORS.items() if k != "label" or labelled}
    given["prior"] = _choice("Prior", priors, f"prior-{labelled}")
    if PRIOR_MODULES[given["prior"]].is_mixture:
        many = COMPONENTS.get(given["prior"], "Components")
        given["components"] = st.number_input(many, 1, 4096, 50, **_kept("components"))
    if labelled:
        given["conditional"] = st.toggle(
            "Conditional: given the label", help="Encoder and decoder are told the class.",
            **_kept("conditional"),
        )  # fmt: skip
    else:
        st.caption(NO_LABELS.format(title))
    return given | of_layers(given["prior"])


def of_layers(prior: str) -> Given:
    """Show whether there are two layers of codes, and how large the lower one is."""
    if prior == "vamp":
        st.caption("A VampPrior is for one layer of codes.")
        return {}
    if not st.toggle(
        "Two layers of codes", help="z1 next to the picture, z2 above it: what is shown is z2.",
        **_kept("layers"),
    ):  # fmt: skip
        return {}
    return {
        "first_latent_dim": st.number_input("Size of z1", 1, 4096, 20, **_kept("first")),
        "upper_hidden": _widths(
            st.text_input("Hidden layers between", "100, 100", **_kept("upper"))
        ),
    }


def of_objective(given: Given) -> Given:
    """Show what is maximised, and by which algorithm."""
    layers, prior = "first_latent_dim" in given, given["prior"]
    alone = layers or given.get("conditional") or prior in ("vamp", "label")
    learner = "aevb"
    if alone:
        st.caption("Learnt by AEVB: the other algorithms are for one plain layer without labels.")
    else:
        learner = _choice("Algorithm", LEARNERS, "learner")
    chosen: Given = {"learner": learner}
    if learner == "mcem":
        st.caption("Monte Carlo EM keeps a chain for every picture: choose few training pictures.")
    if learner == "aevb":
        objectives = {k: v for k, v in OBJECTIVES.items() if k != "dreg" or not layers}
        objective = _choice("Objective", objectives, f"objective-{layers}")
        chosen["objective"] = objective
        elbo = objective == "elbo"
        chosen["samples"] = st.number_input(
            "Draws of z for a picture" if elbo else "Importance samples k",
            2 if objective == "dreg" else 1, 1000, 1 if elbo else 5,
            **_kept(f"samples-{objective}"),
        )  # fmt: skip
        if objective != "dreg":
            chosen["beta"] = st.number_input(
                "Weight of the KL term (beta)", 0.0, 1000.0, 1.0, 0.5, **_kept("beta")
            )
            chosen["kl_warmup_epochs"] = st.number_input(
                "Epochs until that weight is reached", 0, 100_000, 0, **_kept("warm")
            )
        if elbo and not layers and not PRIOR_MODULES[prior].is_mixture:
            chosen["free_bits"] = st.number_input(
                "Free nats for each dimension", 0.0, 100.0, 0.0, 0.1,
                help="KL that a dimension may hold at no cost (free bits).", **_kept("free"),
            )  # fmt: skip
    chosen["weight_prior"] = st.toggle(
        "Prior on the weights", help="N(0, I) on those of the decoder: a MAP estimate.",
        **_kept("weights"),
    )  # fmt: skip
    return chosen


def of_steps(name: str, likelihood: str) -> Given:
    """Show how it is trained, step by step."""
    given: Given = {}
    if likelihood == "bernoulli":
        given["pixels"] = _choice(
            "Pixels",
            PIXELS,
            "pixels",
            help="What a Bernoulli decoder is trained on: intensities as they are, a fresh binary "
            "draw at every visit, one fixed draw, or intensities above one half.",
        )
    devices = {name: DEVICES[name] for name in learning.devices()}
    if len(devices) > 1:
        given["device"] = _choice(
            "Trained by", devices, "device", help="A GPU takes AEVB without labels."
        )
    return given | {
        "learning_rate": st.number_input(
            "Learning rate",
            1e-6,
            1.0,
            suggestion(name).learning_rate,
            1e-4,
            format="%.4g",
            **_kept(f"lr-{name}"),
        ),
        "batch_size": st.number_input(
            "Batch size", 1, 65_536, suggestion(name).batch_size, **_kept(f"batch-{name}")
        ),
        "train_size": st.number_input(
            "Training pictures",
            1,
            value=None,
            placeholder="all",
            help="A subset drawn by the seed; empty for all.",
            **_kept(f"size-{name}"),
        ),
        "seed": st.number_input("Seed", 0, 2**31 - 1, 0, **_kept("seed")),
    }


def _not_asked(config: ModelConfig | TrainConfig) -> Given:
    return {k: v for k, v in config.model_dump().items() if k not in ASKED | GIVEN}


def _choice(
    label: str, choices: dict[str, str], key: str, *, first: str | None = None, help: str = ""
) -> str:
    options = list(choices)
    chosen: str = st.selectbox(
        label,
        options,
        index=options.index(first) if first in options else 0,
        format_func=choices.__getitem__,
        help=help or None,
        **_kept(key),
    )
    return chosen


def _kept(key: str) -> dict[str, Any]:
    # what somebody has set stands when they come back to the page
    return {"key": f"train-{key}", "persist_state": "session"}


def _widths(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _words(widths: tuple[int, ...]) -> str:
    return ", ".join(map(str, widths))

"""The form of a new training: its settings, and the configs made from them."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from app import state
from app.resources import datasets
from app.views.train import suggestions
from app.widgets import downloads
from vae_core import data, learning, runs
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

Settings = dict[str, Any]


def titled(names: object, titles: dict[str, str]) -> dict[str, str]:
    """Add the names of a ``Literal`` that lack a title, each with itself as its title."""
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
#: Name of the components of a mixture prior.
COMPONENTS = {"mixture": "Gaussians", "vamp": "Pseudo-inputs"}
LEARNERS = titled(
    LearnerName, {"aevb": "AEVB", "wake-sleep": "wake-sleep", "mcem": "Monte Carlo EM"}
)
OBJECTIVES = titled(Objective, {"elbo": "ELBO", "iwae": "IWAE", "dreg": "IWAE, DReG gradient"})
PIXELS = {
    "grey": "grey levels", "dynamic": "binary, sampled anew", "static": "binary, sampled once",
    "threshold": "binary, threshold ½",
}  # fmt: skip
DEVICES = {"cpu": "CPU", "cuda": "GPU"}
NO_LABELS = "{} has no labels, which a conditional model and a prior for each label need."
#: Settings in the form; a copied run keeps its other settings.
IN_FORM = {
    "latent_dim", "hidden", "network", "activation", "likelihood", "prior", "components",
    "conditional", "first_latent_dim", "upper_hidden", "epochs", "learner", "objective", "samples",
    "beta", "kl_warmup_epochs", "free_bits", "weight_prior", "pixels", "learning_rate",
    "batch_size", "train_size", "seed", "device",
}  # fmt: skip
#: Settings that the dataset determines.
OF_DATASET = {"dataset", "image_shape", "classes"}


def form() -> tuple[ModelConfig, TrainConfig] | None:
    """Show the form; return the configs when Train is pressed."""
    known = datasets.statuses()
    present = [name for name, one in known.items() if one.present]
    name = st.selectbox(
        "Dataset",
        list(known),
        index=list(known).index("mnist" if "mnist" in present else "digits"),
        format_func=lambda name: known[name].title,
        key="train-data",
        persist_state="session",
    )
    base = show_copied(name)
    if name not in present:
        downloads.offer_dataset(known[name])
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
        settings = model_settings(dataset, known[name].title)
    with basics:
        settings |= size_settings(name, settings["network"])
    with objective:
        settings |= objective_settings(settings)
    with steps:
        settings |= step_settings(name, settings["likelihood"])
    try:
        configs = make_configs(dataset, settings, base=base)
    except LatentExplorerError as error:
        st.error(f"These settings cannot be trained: {error}.")
        configs = None
    return configs if start_button(configs) else None


def start_button(configs: tuple[ModelConfig, TrainConfig] | None) -> bool:
    """Show the Train button; where training is off, the command to train elsewhere."""
    if runs.limits().training:
        return st.button(
            "Train", type="primary", width="stretch", key="train-start", disabled=configs is None
        )
    st.info("Training is turned off on this server. To train this model on your own computer, run:")
    if configs is not None:
        model, training = configs
        config = RunConfig(name=run_name(*configs), model=model, training=training)
        st.code(runs.command_line(config), language="bash", wrap_lines=True)
    return False


def show_copied(dataset: str) -> RunConfig | None:
    """Name the run whose settings fill the form, if any; return it."""
    base = base_of(dataset)
    if base is None:
        return None
    st.caption(f"A copy of **{base.name}**. Settings that you do not change keep their values.")
    st.button("Use default settings", type="tertiary", on_click=reset, key="train-usual")
    return base


def base_of(dataset: str) -> RunConfig | None:
    """Return the run whose settings fill the form, if it is of this dataset."""
    base: RunConfig | None = state.recall("copied")
    return base if base is not None and base.training.dataset == dataset else None


def fill(config: RunConfig) -> None:
    """Fill the form with the settings of a run.

    Raises
    ------
    LatentExplorerError
        If its dataset is not in the form.
    """
    if config.training.dataset not in data.SOURCES:
        raise ConfigError(
            f"dataset {config.training.dataset} is not offered on this page; "
            "use `python -m vae_core runs copy`"
        )
    state.set_widgets(values(config))
    state.remember("copied", config)


def reset() -> None:
    """Reset the form to its default settings."""
    state.reset_widgets(key for key in values(state.recall("copied")) if key != "train-data")
    state.remember("copied", None)


def values(config: RunConfig) -> dict[str, Any]:
    """Return the values of the form's widgets, by their keys, for the settings of a run."""
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
        "upper": _format_widths(model.upper_hidden),
        f"z-{name}": model.latent_dim,
        hidden: _format_widths(model.hidden),
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


def make_configs(
    dataset: ImageDataset, settings: Settings, *, base: RunConfig | None = None
) -> tuple[ModelConfig, TrainConfig]:
    """Make the configs of chosen settings.

    Parameters
    ----------
    base
        A run of the same dataset, whose settings apply where the form has none.

    Raises
    ------
    LatentExplorerError
        If settings do not fit together; names the setting and what is allowed.
    """
    of_model = {k: v for k, v in settings.items() if k in ModelConfig.model_fields}
    of_training = {k: v for k, v in settings.items() if k in TrainConfig.model_fields}
    if base is None:
        suggested = suggestions.find(dataset.name)
        defaults: Settings = {}
        training_defaults: Settings = {
            "decay": suggested.decay,
            "warmup": suggested.warmup,
            "precision": suggested.precision,
        }
    else:
        defaults, training_defaults = _not_in_form(base.model), _not_in_form(base.training)
    model = learning.describe_model(dataset, **defaults | of_model)
    training = TrainConfig.of(dataset=dataset.name, **training_defaults | of_training)
    learning.check_fit(model, training, dataset)
    return model, training


def run_name(model: ModelConfig, training: TrainConfig) -> str:
    """Name a training by its dataset and by what differs from a plain VAE."""
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


def size_settings(name: str, network: str) -> Settings:
    """Show latent dimensions, epochs and hidden layers."""
    suggested = suggestions.find(name)
    left, right = st.columns(2)
    return {
        "latent_dim": left.number_input(
            "Latent dimensions", 1, 4096, suggested.latent_dim, **_keep(f"z-{name}")
        ),
        "epochs": right.number_input(
            "Epochs", 1, 100_000, suggested.epochs, **_keep(f"epochs-{name}")
        ),
        "hidden": _parse_widths(
            st.text_input(
                "Channels" if network == "conv" else "Hidden layers",
                suggested.hidden.get(network, suggested.hidden["mlp"]),
                help="Widths of the encoder's layers, with commas; the decoder mirrors them. "
                + ("Each layer halves the image." if network == "conv" else ""),
                **_keep(f"hidden-{name}" + ("" if network == "mlp" else f"-{network}")),
            )
        ),
    }


def model_settings(dataset: ImageDataset, title: str) -> Settings:
    """Show network, likelihood, prior, conditioning and layers of latents."""
    name, labelled = dataset.name, dataset.train.labels is not None
    channels = dataset.image_shape[0]
    network = _choice("Network", NETWORKS, "network")
    settings: Settings = {"network": network}
    if network != "rows":  # recurrent units have their own
        settings["activation"] = _choice("Activation", ACTIVATIONS, "act")
    likelihoods = {k: v for k, v in LIKELIHOODS.items() if channels == 1 or k not in ONE_CHANNEL}
    settings["likelihood"] = _choice(
        "Likelihood",
        likelihoods,
        f"likelihood-{name}",
        first=suggestions.find(name).likelihood,
        help="The distribution p(x|z) of a pixel. "
        + ("Bernoulli needs images of one channel." if channels > 1 else ""),
    )
    priors = {k: v for k, v in PRIORS.items() if k != "label" or labelled}
    settings["prior"] = _choice("Prior", priors, f"prior-{labelled}")
    if PRIOR_MODULES[settings["prior"]].is_mixture:
        many = COMPONENTS.get(settings["prior"], "Components")
        settings["components"] = st.number_input(many, 1, 4096, 50, **_keep("components"))
    if labelled:
        settings["conditional"] = st.toggle(
            "Conditional on the label", help="Encoder and decoder receive the class.",
            **_keep("conditional"),
        )  # fmt: skip
    else:
        st.caption(NO_LABELS.format(title))
    return settings | layer_settings(settings["prior"])


def layer_settings(prior: str) -> Settings:
    """Show the choice of two layers of latents, and the sizes of the lower layer."""
    if prior == "vamp":
        st.caption("A VampPrior needs a single layer of latents.")
        return {}
    if not st.toggle(
        "Two layers of latents", help="z₁ generates the image, z₂ generates z₁; pages show z₂.",
        **_keep("layers"),
    ):  # fmt: skip
        return {}
    return {
        "first_latent_dim": st.number_input(
            "Latent dimensions of z₁", 1, 4096, 20, **_keep("first")
        ),
        "upper_hidden": _parse_widths(
            st.text_input("Hidden layers between z₁ and z₂", "100, 100", **_keep("upper"))
        ),
    }


def objective_settings(settings: Settings) -> Settings:
    """Show the learning algorithm and the objective."""
    layers, prior = "first_latent_dim" in settings, settings["prior"]
    aevb_only = layers or settings.get("conditional") or prior in ("vamp", "label")
    learner = "aevb"
    if aevb_only:
        st.caption("Trained by AEVB: other algorithms need one unconditional layer of latents.")
    else:
        learner = _choice("Algorithm", LEARNERS, "learner")
    chosen: Settings = {"learner": learner}
    if learner == "mcem":
        st.caption("Monte Carlo EM keeps a chain for every image: choose few training images.")
    if learner == "aevb":
        objectives = {k: v for k, v in OBJECTIVES.items() if k != "dreg" or not layers}
        objective = _choice("Objective", objectives, f"objective-{layers}")
        chosen["objective"] = objective
        elbo = objective == "elbo"
        chosen["samples"] = st.number_input(
            "Samples per image (L)" if elbo else "Importance samples (k)",
            2 if objective == "dreg" else 1, 1000, 1 if elbo else 5,
            **_keep(f"samples-{objective}"),
        )  # fmt: skip
        if objective != "dreg":
            chosen["beta"] = st.number_input(
                "KL weight (β)", 0.0, 1000.0, 1.0, 0.5, **_keep("beta")
            )
            chosen["kl_warmup_epochs"] = st.number_input(
                "KL warm-up (epochs)", 0, 100_000, 0, **_keep("warm")
            )
        if elbo and not layers and not PRIOR_MODULES[prior].is_mixture:
            chosen["free_bits"] = st.number_input(
                "Free bits (nats per dimension)", 0.0, 100.0, 0.0, 0.1,
                help="KL of each dimension that costs nothing.", **_keep("free"),
            )  # fmt: skip
    chosen["weight_prior"] = st.toggle(
        "Prior on the weights", help="N(0, I) on the decoder's weights: a MAP estimate.",
        **_keep("weights"),
    )  # fmt: skip
    return chosen


def step_settings(name: str, likelihood: str) -> Settings:
    """Show pixels, device, learning rate, batch size, training images and seed."""
    settings: Settings = {}
    if likelihood == "bernoulli":
        settings["pixels"] = _choice(
            "Pixels",
            PIXELS,
            "pixels",
            help="What a Bernoulli likelihood is trained on: intensities, binary pixels sampled "
            "anew for each minibatch or once, or intensities above ½.",
        )
    devices = {name: DEVICES[name] for name in learning.devices()}
    if len(devices) > 1:
        settings["device"] = _choice(
            "Device", devices, "device", help="A GPU trains unconditional models by AEVB."
        )
    return settings | {
        "learning_rate": st.number_input(
            "Learning rate",
            1e-6,
            1.0,
            suggestions.find(name).learning_rate,
            1e-4,
            format="%.4g",
            **_keep(f"lr-{name}"),
        ),
        "batch_size": st.number_input(
            "Batch size",
            1,
            65_536,
            suggestions.find(name).batch_size,
            **_keep(f"batch-{name}"),
        ),
        "train_size": st.number_input(
            "Training images",
            1,
            value=None,
            placeholder="all",
            help="A random subset, chosen by the seed; empty for all.",
            **_keep(f"size-{name}"),
        ),
        "seed": st.number_input("Seed", 0, 2**31 - 1, 0, **_keep("seed")),
    }


def _not_in_form(config: ModelConfig | TrainConfig) -> Settings:
    return {k: v for k, v in config.model_dump().items() if k not in IN_FORM | OF_DATASET}


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
        **_keep(key),
    )
    return chosen


def _keep(key: str) -> dict[str, Any]:
    # Keeps a value while another page is shown.
    return {"key": f"train-{key}", "persist_state": "session"}


def _parse_widths(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _format_widths(widths: tuple[int, ...]) -> str:
    return ", ".join(map(str, widths))

"""The form of a new training: its settings, and the configs made from them."""

from typing import Any, get_args

import streamlit as st

from app import state, words
from app.resources import datasets, trainings
from app.resources.datasets import Reading
from app.views.train import durations, own_data, suggestions
from app.widgets import downloads
from vae_core import data, learning, runs
from vae_core.config import ONE_CHANNEL, ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.models.priors import PRIORS
from vae_core.runs import RunConfig

Settings = dict[str, Any]
FIELDS = ModelConfig.model_fields | TrainConfig.model_fields

#: Titles of the names that a setting allows, in their order; others are their own titles.
TITLES = {
    "network": {"mlp": "Dense", "conv": "Convolutional", "rows": "Recurrent, row by row"},
    "activation": {"silu": "SiLU", "tanh": "tanh", "relu": "ReLU", "leaky-relu": "leaky ReLU"},
    "likelihood": {
        "bernoulli": "Bernoulli",
        "gaussian": "Gaussian",
        "continuous-bernoulli": "continuous Bernoulli",
        "discretised-logistic": "discretised logistic",
    },
    "prior": {
        "standard": "standard normal",
        "mixture": "mixture of Gaussians",
        "vamp": "VampPrior",
        "label": "a Gaussian for each label",
    },
    "learner": {"aevb": "AEVB", "wake-sleep": "wake-sleep", "mcem": "Monte Carlo EM"},
    "objective": {"elbo": "ELBO", "iwae": "IWAE", "dreg": "IWAE, DReG gradient"},
    "pixels": {
        "grey": "grey levels",
        "dynamic": "binary, sampled anew",
        "static": "binary, sampled once",
        "threshold": "binary, threshold ½",
    },
    "device": {"cpu": "CPU", "cuda": "GPU"},
}
#: Latent dimensions of each preset, and titles of what a training can start from.
PRESETS, OWN = {"look": 2, "reconstruct": 20}, "own"
PRESET_TITLES = {
    "look": "Two dimensions, to look at",
    "reconstruct": "Twenty dimensions, to reconstruct",
    OWN: "Your own",
}
#: Name of the components of a mixture prior.
COMPONENTS = {"mixture": "Gaussians", "vamp": "Pseudo-inputs"}
NO_LABELS = "{} has no labels, which a conditional model and a prior for each label need."
#: Settings in the form; a copied run keeps its other settings.
IN_FORM = {
    "latent_dim", "hidden", "network", "activation", "likelihood", "prior", "components",
    "conditional", "first_latent_dim", "upper_hidden", "epochs", "learner", "objective", "samples",
    "beta", "kl_warmup_epochs", "free_bits", "weight_prior", "pixels", "learning_rate",
    "batch_size", "train_size", "seed", "device",
}  # fmt: skip
#: Defaults of settings that are shown only beside others.
COMPONENT_COUNT, FIRST_LATENT_DIM, UPPER_WIDTHS = 50, 20, "100, 100"
#: Settings that the dataset determines.
OF_DATASET = {"dataset", "image_shape", "classes"}


def titles(setting: str) -> dict[str, str]:
    """Return the title of each name that a setting allows."""
    names = get_args(FIELDS[setting].annotation)
    return TITLES[setting] | {name: name for name in names if name not in TITLES[setting]}


def form() -> tuple[ModelConfig, TrainConfig] | None:
    """Show the form; return the configs when Train is pressed."""
    if state.recall("form-left"):
        state.remember("form-left", False)
        reset()
    name = choose_dataset()
    if name is None:
        return None
    base = show_copied(name)
    presets = st.container()
    if (missing := datasets.missing(name)) is not None:
        downloads.offer_dataset(missing)
        return None
    try:
        dataset = datasets.without_pixels(Reading(name))
    except LatentExplorerError as error:
        st.error(datasets.without_path(str(error), name))
        return None
    basics = st.container()
    with st.expander("More settings"):
        model, objective, steps = st.tabs(["Model", "Objective", "Steps"])
    with model:
        settings = model_settings(dataset, datasets.title(name))
    with basics:
        settings |= size_settings(name, settings["network"])
    with objective:
        settings |= objective_settings(settings)
    with steps:
        settings |= step_settings(name, settings["likelihood"])
    try:
        configs = make_configs(dataset, settings, base=base)
    except LatentExplorerError as error:
        st.error(datasets.without_path(f"These settings cannot be trained: {error}.", name))
        configs = None
    with presets:
        show_presets(dataset, configs, base)
    return configs if start_button(configs) else None


def choose_dataset() -> str | None:
    """Show the choice of a dataset, known or own; return its name or path."""
    known = datasets.statuses()
    owned = [str(one.folder) for one in datasets.kept(state.owner())]
    base: RunConfig | None = state.recall("copied")
    if base is not None and base.training.dataset not in (*known, *owned):
        owned.append(base.training.dataset)
    present = [name for name, one in known.items() if one.present]
    options = [*known, *owned, own_data.BRING]
    if state.recall("brought") in owned:  # what was dropped a moment ago is chosen
        state.set_widgets({"train-data": state.recall("brought")})
        state.remember("brought", None)
    name: str = st.selectbox(
        "Dataset",
        options,
        index=options.index("mnist" if "mnist" in present else "digits"),
        format_func=lambda name: own_data.TITLE if name == own_data.BRING else datasets.title(name),
        **_keep("data"),
    )
    if name == own_data.BRING:
        own_data.bring()
        return None
    return name if name not in owned or own_data.show(name) else None


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
        command = datasets.without_path(runs.command_line(config), training.dataset)
        st.code(command, language=None, wrap_lines=True)
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
    if not datasets.is_present(config.training.dataset) and not datasets.missing(
        config.training.dataset
    ):
        title = datasets.title(config.training.dataset)
        raise ConfigError(f"the data {title} is no longer on this host; bring it again")
    state.set_widgets(values(config))
    state.remember("copied", config)


def leave() -> None:
    """Give up the settings of a copied run the next time that the form is shown."""
    if state.recall("copied") is not None:
        state.remember("form-left", True)


def reset() -> None:
    """Reset the form to its default settings, unless it was not filled with a run's.

    The values are set rather than dropped, since a browser would send the old ones again.
    """
    base: RunConfig | None = state.recall("copied")
    if base is not None:
        state.set_widgets(default_values(base))
        state.remember("copied", None)
        state.remember("own-settings", False)


def show_presets(
    dataset: ImageDataset,
    configs: tuple[ModelConfig, TrainConfig] | None,
    base: RunConfig | None,
) -> None:
    """Show what a training can start from, each with the time that it takes on this host."""
    past = trainings.statuses().by_name.values()
    choices = {key: plain_configs(dataset, latent_dim) for key, latent_dim in PRESETS.items()}
    is_own = base is not None or state.recall("own-settings", False)
    same = [key for key, one in choices.items() if configs is not None and _same(one, configs)]
    chosen = OWN if is_own or not same else same[0]

    def label(key: str) -> str:
        settings = configs if key == OWN else choices[key]
        if settings is None:
            return PRESET_TITLES[key]
        time = durations.seconds(*settings, images=len(dataset.train), past=past)
        return f"{PRESET_TITLES[key]} · about {words.duration(time)}"

    state.set_widgets({"train-preset": chosen})
    st.pills(
        "Start from",
        list(PRESET_TITLES),
        format_func=label,
        key="train-preset",
        on_change=choose_preset,
        args=(dataset,),
    )


def choose_preset(dataset: ImageDataset) -> None:
    """Fill the form with the settings of the chosen preset; "your own" keeps what is there."""
    key = state.widget("train-preset")
    if key is None:  # the chosen one was clicked again
        return
    state.remember("own-settings", key == OWN)
    if key == OWN:
        return
    reset()
    model, training = plain_configs(dataset, PRESETS[key])
    filled = values(RunConfig(name="preset", model=model, training=training))
    del filled["train-data"]
    state.set_widgets(filled)


def _same(one: tuple[ModelConfig, TrainConfig], other: tuple[ModelConfig, TrainConfig]) -> bool:
    return [part.model_dump() for part in one] == [part.model_dump() for part in other]


def plain_configs(
    dataset: ImageDataset, latent_dim: int | None = None
) -> tuple[ModelConfig, TrainConfig]:
    """Make the configs of the suggested settings, with another number of latent dimensions."""
    suggested = suggestions.find(dataset.name)
    first = {setting: next(iter(names)) for setting, names in TITLES.items()}
    likelihood = suggested.likelihood
    if dataset.image_shape[0] > 1 and likelihood in ONE_CHANNEL:
        likelihood = next(one for one in TITLES["likelihood"] if one not in ONE_CHANNEL)
    return make_configs(
        dataset,
        first
        | {
            "hidden": _parse_widths(suggested.hidden["mlp"]),
            "latent_dim": latent_dim or suggested.latent_dim,
            "batch_size": suggested.batch_size,
            "epochs": suggested.epochs,
            "likelihood": likelihood,
            "learning_rate": suggested.learning_rate,
        },
    )


def default_values(base: RunConfig) -> dict[str, Any]:
    """Return the default values of the widgets that a copy of a run fills, by their keys."""
    name, model, training = base.training.dataset, base.model, base.training
    suggested = suggestions.find(name)
    plain_model, plain_training = plain_configs(datasets.without_pixels(_reading(base)))
    plain = values(RunConfig(name=base.name, model=plain_model, training=plain_training))
    widths = suggested.hidden.get(model.network, suggested.hidden["mlp"])
    objective = FIELDS["objective"].default
    filled = {
        _hidden_key(name, model.network): widths,
        f"objective-{model.first_latent_dim is not None}": objective,
        f"samples-{training.objective}": _samples(training.objective),
        "components": COMPONENT_COUNT,
        "upper": UPPER_WIDTHS,
        "first": FIRST_LATENT_DIM,
    }
    plain |= {f"train-{key}": value for key, value in filled.items()}
    del plain["train-data"]
    return plain


def _samples(objective: str) -> int:
    return 1 if objective == "elbo" else 5


def values(config: RunConfig) -> dict[str, Any]:
    """Return the values of the form's widgets, by their keys, for the settings of a run."""
    model, training = config.model, config.training
    name, layers = training.dataset, model.first_latent_dim is not None
    labelled = datasets.without_pixels(_reading(config)).train.labels is not None
    tag = datasets.tag(name)
    of_form = {
        "data": name,
        "network": model.network,
        "act": model.activation,
        f"likelihood-{tag}": model.likelihood,
        f"prior-{labelled}": model.prior,
        "components": model.components,
        "conditional": model.conditional,
        "layers": layers,
        "upper": _format_widths(model.upper_hidden),
        f"z-{tag}": model.latent_dim,
        _hidden_key(name, model.network): _format_widths(model.hidden),
        f"epochs-{tag}": training.epochs,
        "learner": training.learner,
        f"objective-{layers}": training.objective,
        f"samples-{training.objective}": training.samples,
        "beta": training.beta,
        "warm": round(training.kl_warmup_epochs),
        "free": training.free_bits,
        "weights": training.weight_prior,
        "pixels": training.pixels,
        f"lr-{tag}": max(training.learning_rate, 1e-6),
        f"batch-{tag}": training.batch_size,
        f"size-{tag}": training.train_size,
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
    words = [_short(training.dataset), *(word for word, is_set in unusual.items() if is_set)]
    return " ".join([*words, f"{model.latent_dim}d"])


def _short(dataset: str) -> str:
    return dataset if dataset in data.SOURCES else datasets.title(dataset)


def size_settings(name: str, network: str) -> Settings:
    """Show latent dimensions, epochs and hidden layers."""
    tag = datasets.tag(name)
    suggested = suggestions.find(name)
    left, right = st.columns(2)
    with left:
        latent_dim = _number(
            "Latent dimensions", "latent_dim", f"z-{tag}", 1, 4096, suggested.latent_dim
        )
    with right:
        epochs = _number("Epochs", "epochs", f"epochs-{tag}", 1, 100_000, suggested.epochs)
    hidden = st.text_input(
        "Channels" if network == "conv" else "Hidden layers",
        suggested.hidden.get(network, suggested.hidden["mlp"]),
        help=FIELDS["hidden"].description,
        **_keep(_hidden_key(name, network)),
    )
    return {"latent_dim": latent_dim, "epochs": epochs, "hidden": _parse_widths(hidden)}


def model_settings(dataset: ImageDataset, title: str) -> Settings:
    """Show network, likelihood, prior, conditioning and layers of latents."""
    tag, labelled = datasets.tag(dataset.name), dataset.train.labels is not None
    settings: Settings = {"network": _choice("Network", "network", "network")}
    if settings["network"] != "rows":  # recurrent units have their own
        settings["activation"] = _choice("Activation", "activation", "act")
    settings["likelihood"] = _choice(
        "Likelihood",
        "likelihood",
        f"likelihood-{tag}",
        without=() if dataset.image_shape[0] == 1 else ONE_CHANNEL,
        first=suggestions.find(dataset.name).likelihood,
    )
    without = () if labelled else ("label",)
    prior = _choice("Prior", "prior", f"prior-{labelled}", without=without)
    settings["prior"] = prior
    if PRIORS[prior].is_mixture:
        label = COMPONENTS.get(prior, "Components")
        settings["components"] = _number(
            label, "components", "components", 1, 4096, COMPONENT_COUNT
        )
    if labelled:
        settings["conditional"] = _toggle("Conditional on the label", "conditional", "conditional")
    else:
        st.caption(NO_LABELS.format(title))
    if prior == "vamp":
        st.caption("A VampPrior needs a single layer of latents.")
    elif st.toggle(
        "Two layers of latents",
        help="z₁ generates the image, z₂ generates z₁; pages show z₂.",
        **_keep("layers"),
    ):
        settings["first_latent_dim"] = _number(
            "Latent dimensions of z₁", "first_latent_dim", "first", 1, 4096, FIRST_LATENT_DIM
        )
        upper = st.text_input("Hidden layers between z₁ and z₂", UPPER_WIDTHS, **_keep("upper"))
        settings["upper_hidden"] = _parse_widths(upper)
    return settings


def objective_settings(settings: Settings) -> Settings:
    """Show the learning algorithm and the objective."""
    layers, prior = "first_latent_dim" in settings, settings["prior"]
    chosen: Settings = {"learner": "aevb"}
    if layers or settings.get("conditional") or prior in ("vamp", "label"):
        st.caption("Trained by AEVB: other algorithms need one unconditional layer of latents.")
    else:
        chosen["learner"] = _choice("Algorithm", "learner", "learner")
    if chosen["learner"] == "mcem":
        st.caption("Monte Carlo EM keeps a chain for every image: choose few training images.")
    if chosen["learner"] == "aevb":
        without = ("dreg",) if layers else ()
        objective = _choice("Objective", "objective", f"objective-{layers}", without=without)
        chosen["objective"] = objective
        elbo = objective == "elbo"
        chosen["samples"] = _number(
            "Samples per image (L)" if elbo else "Importance samples (k)",
            "samples",
            f"samples-{objective}",
            2 if objective == "dreg" else 1,
            1000,
            _samples(objective),
        )
        if objective != "dreg":
            chosen["beta"] = _number("KL weight (β)", "beta", "beta", 0.0, 1000.0, 1.0, step=0.5)
            chosen["kl_warmup_epochs"] = _number(
                "KL warm-up (epochs)", "kl_warmup_epochs", "warm", 0, 100_000, 0
            )
        if elbo and not layers and not PRIORS[prior].is_mixture:
            label = "Free bits (nats per dimension)"
            chosen["free_bits"] = _number(label, "free_bits", "free", 0.0, 100.0, 0.0, step=0.1)
    chosen["weight_prior"] = _toggle("Prior on the weights", "weight_prior", "weights")
    return chosen


def step_settings(name: str, likelihood: str) -> Settings:
    """Show pixels, device, learning rate, batch size, training images and seed."""
    tag = datasets.tag(name)
    suggested = suggestions.find(name)
    settings: Settings = {}
    if likelihood == "bernoulli":
        settings["pixels"] = _choice("Pixels", "pixels", "pixels")
    devices = learning.devices()
    if len(devices) > 1:
        without = tuple(device for device in titles("device") if device not in devices)
        settings["device"] = _choice("Device", "device", "device", without=without)
    rate, batch = suggested.learning_rate, suggested.batch_size
    return settings | {
        "learning_rate": _number(
            "Learning rate", "learning_rate", f"lr-{tag}", 1e-6, 1.0, rate, 1e-4, format="%.4g"
        ),
        "batch_size": _number("Batch size", "batch_size", f"batch-{tag}", 1, 65_536, batch),
        "train_size": _number(
            "Training images", "train_size", f"size-{tag}", 1, None, None, placeholder="all"
        ),
        "seed": _number("Seed", "seed", "seed", 0, 2**31 - 1, 0),
    }


def _reading(config: RunConfig) -> Reading:
    return Reading.of(config.training, config.model.image_shape)


def _not_in_form(config: ModelConfig | TrainConfig) -> Settings:
    return {k: v for k, v in config.model_dump().items() if k not in IN_FORM | OF_DATASET}


def _choice(
    label: str, setting: str, key: str, *, without: tuple[str, ...] = (), first: str | None = None
) -> str:
    choices = {name: title for name, title in titles(setting).items() if name not in without}
    options = list(choices)
    chosen: str = st.selectbox(
        label,
        options,
        index=options.index(first) if first in options else 0,
        format_func=choices.__getitem__,
        help=FIELDS[setting].description,
        **_keep(key),
    )
    return chosen


def _number(
    label: str,
    setting: str,
    key: str,
    low: Any,
    high: Any,
    default: Any,
    step: Any = None,
    **how: Any,
) -> Any:
    help = FIELDS[setting].description
    return st.number_input(label, low, high, default, step, help=help, **how, **_keep(key))


def _toggle(label: str, setting: str, key: str) -> bool:
    return st.toggle(label, help=FIELDS[setting].description, **_keep(key))


def _keep(key: str) -> dict[str, Any]:
    # Keeps a value while another page is shown.
    return {"key": f"train-{key}", "persist_state": "session"}


def _hidden_key(name: str, network: str) -> str:
    return f"hidden-{datasets.tag(name)}" + ("" if network == "mlp" else f"-{network}")


def _parse_widths(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _format_widths(widths: tuple[int, ...]) -> str:
    return ", ".join(map(str, widths))

"""Settings are frozen, validated at creation, and saved as JSON."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vae_core import config, pixels
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError
from vae_core.learning import schedules
from vae_core.model_folder import ModelCard
from vae_core.models import likelihoods, networks


def test_the_default_model_is_the_papers() -> None:
    """784–500–20–500–784, tanh, Bernoulli (Kingma & Welling 2014, section 5)."""
    default = ModelConfig()
    assert (default.pixels, default.hidden, default.latent_dim) == (784, (500,), 20)
    assert (default.activation, default.likelihood) == ("tanh", "bernoulli")


@pytest.mark.parametrize(
    ("kind", "settings", "named"),
    [
        (ModelConfig, {"latent_dims": 3}, "latent_dims is not a setting"),
        (ModelConfig, {"latent": 3}, "latent is not a setting; the nearest are latent_dim"),
        (TrainConfig, {"epoch": 3}, r"epoch is not a setting; the nearest are epochs"),
        (TrainConfig, {"qqq": 3}, r"^qqq is not a setting$"),
        (ModelConfig, {"latent_dim": 0}, "latent_dim 0"),
        (ModelConfig, {"latent_dim": "many"}, "latent_dim 'many'"),
        (ModelConfig, {"latent_dim": 2.5}, "latent_dim 2.5"),
        (ModelConfig, {"latent_dim": 600}, "latent_dim 600 is above 500"),
        (ModelConfig, {"hidden": ()}, "hidden"),
        (ModelConfig, {"hidden": (500, 0)}, "hidden.1 0"),
        (ModelConfig, {"hidden": (10**6,)}, "hidden.0 1000000"),
        (ModelConfig, {"activation": "sin"}, "activation 'sin'.*tanh.*relu.*silu"),
        (ModelConfig, {"likelihood": "poisson"}, "likelihood 'poisson'.*bernoulli.*gaussian"),
        (ModelConfig, {"image_shape": (3, 32, 32)}, "'bernoulli'.*3.*'gaussian'"),
        (ModelConfig, {"image_shape": (28, 28)}, "image_shape"),
        (ModelConfig, {"logvar_floor": -99.0}, "logvar_floor -99"),
        (ModelConfig, {"logvar_floor": float("nan")}, "logvar_floor nan"),
        (TrainConfig, {"epochs": 0}, "epochs 0"),
        (TrainConfig, {"pixels": "gray"}, "pixels 'gray'.*grey.*dynamic.*static.*threshold"),
        (TrainConfig, {"learning_rate": 0}, "learning_rate 0"),
        (TrainConfig, {"learning_rate": float("inf")}, "learning_rate inf"),
        (TrainConfig, {"beta": float("nan")}, "beta nan"),
        (TrainConfig, {"kl_warmup_epochs": float("inf")}, "kl_warmup_epochs inf"),
        (TrainConfig, {"warmup": 1.0}, "warmup 1"),
        (TrainConfig, {"optimizer": "sgd"}, "optimizer 'sgd'.*adam.*adagrad"),
        (TrainConfig, {"precision": "float16"}, "precision 'float16'"),
        (TrainConfig, {"device": "tpu"}, "device 'tpu'.*'cpu'.*'cuda'"),
        (TrainConfig, {"decay": "steps"}, "decay 'steps'.*linear.*cosine.*passes"),
        (TrainConfig, {"adam_epsilon": 0}, "adam_epsilon 0"),
        (TrainConfig, {"optimizer": "adagrad", "adam_epsilon": 1e-4}, "adam_epsilon .*'adagrad'"),
        (TrainConfig, {"train_size": 0}, "train_size 0"),
        (TrainConfig, {"seed": -1}, "seed -1"),
        (TrainConfig, {"seed": 2**31}, "seed 2147483648"),
        (TrainConfig, {"dataset": ""}, "dataset ''"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    kind: type[config.Config], settings: dict[str, Any], named: str
) -> None:
    """The sentence has the setting's name, the value given and what is allowed."""
    with pytest.raises(ConfigError, match=named) as raised:
        kind.of(**settings)
    assert "\n" not in str(raised.value)
    with pytest.raises(ConfigError, match=named):
        kind(**settings)


def test_the_nearest_names_of_settings_inside_settings_are_found() -> None:
    """A card's model is a config too."""
    card = {"name": "a", "dataset": "b", "model": {"latent_dims": 3}, "training": {}}
    with pytest.raises(ConfigError, match=r"model.latent_dims .*; the nearest are latent_dim"):
        ModelCard(**card)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"training.qqq is not a setting$"):
        ModelCard(**card | {"model": {}, "training": {"qqq": 1}})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"classes.a is not a setting|classes"):
        ModelCard(**card | {"model": {}, "classes": {"a": 1}})  # type: ignore[arg-type]


def test_settings_from_before_there_were_devices_are_read() -> None:
    """They trained on the processor, with Adam's usual epsilon."""
    text = TrainConfig(epochs=3).model_dump_json(exclude={"device", "adam_epsilon"})
    assert TrainConfig.from_json(text) == TrainConfig(epochs=3, device="cpu", adam_epsilon=1e-8)


def test_every_wrong_setting_is_reported_at_once() -> None:
    """Two faults make two sentences."""
    with pytest.raises(ConfigError, match=r"epochs 0: .*; batch_size 0: "):
        TrainConfig.of(epochs=0, batch_size=0)


@given(
    latent_dim=st.integers(1, 64),
    hidden=st.lists(st.integers(64, 1000), min_size=1, max_size=4),
    beta=st.floats(0, 1000),
    learning_rate=st.floats(1e-12, 1),
    seed=st.integers(0, 2**31 - 1),
)
def test_settings_survive_json(
    latent_dim: int, hidden: list[int], beta: float, learning_rate: float, seed: int
) -> None:
    """What is read back equals what was written, to the last bit of each number."""
    model = ModelConfig.of(latent_dim=latent_dim, hidden=tuple(hidden))
    training = TrainConfig.of(beta=beta, learning_rate=learning_rate, seed=seed)
    assert ModelConfig.from_json(model.model_dump_json()) == model
    assert TrainConfig.from_json(training.model_dump_json()) == training


@pytest.mark.parametrize("text", ["", "[]", "null", "{", b"\xff{", '{"beta": NaN}', '{"x": 1}'])
def test_foreign_json_is_refused(text: str | bytes) -> None:
    """Nothing but an object of known settings is read."""
    with pytest.raises(ConfigError):
        TrainConfig.from_json(text)


def test_settings_do_not_change() -> None:
    """A config is frozen."""
    with pytest.raises(ValidationError, match="frozen"):
        ModelConfig().latent_dim = 3  # type: ignore[misc]


def test_every_allowed_name_exists() -> None:
    """Each name that a config allows is a key of the table that implements it."""
    assert set(get_args(config.Activation)) == networks.ACTIVATIONS.keys()
    assert set(get_args(config.LikelihoodName)) == likelihoods.LIKELIHOODS.keys()
    assert set(get_args(config.Pixels)) == pixels.KINDS.keys()
    assert set(get_args(TrainConfig.model_fields["decay"].annotation)) == schedules.DECAYS.keys()


def test_a_symmetric_model_needs_square_images() -> None:
    """A pixel beyond the other side has no mirror image."""
    with pytest.raises(ConfigError, match=r"symmetric needs square images .* 28 × 20 pixels"):
        ModelConfig.of(image_shape=(1, 28, 20), symmetric=True)

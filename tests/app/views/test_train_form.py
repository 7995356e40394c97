"""The settings of a training: what is offered with what, and what is refused before the start."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.resources import datasets
from app.views.train import form, suggestions
from vae_core import data, runs
from vae_core.errors import ConfigError
from vae_core.jobs.processes import is_alive

Open = Callable[..., AppTest]


def offered(session: AppTest, key: str) -> list[str]:
    """Return the options of a choice, as people read them."""
    return list(session.selectbox(key=f"train-{key}").options)


def keys(session: AppTest) -> set[str]:
    """Return the keys of all settings that are shown."""
    widgets = (session.selectbox, session.number_input, session.toggle, session.text_input)
    return {widget.key for kind in widgets for widget in kind if widget.key}


def test_every_dataset_has_what_suits_it() -> None:
    """For each kind of network there are widths."""
    assert suggestions.SUGGESTED.keys() == data.SOURCES.keys()
    for suggested in suggestions.SUGGESTED.values():
        assert suggested.latent_dim == form.PRESETS["look"]
        assert suggested.hidden.keys() == form.titles("network").keys()


@pytest.mark.parametrize("name", ["digits", "graphs", "graphs-symmetric"])
@pytest.mark.parametrize("network", list(form.titles("network")))
def test_what_is_suggested_can_be_trained(name: str, network: str, no_data: Path) -> None:
    """Each dataset that is always there, with each kind of network."""
    suggested = suggestions.SUGGESTED[name]
    given = {
        "network": network,
        "hidden": tuple(suggested.hidden[network].split(", ")),
        "latent_dim": suggested.latent_dim,
        "batch_size": suggested.batch_size,
        "epochs": suggested.epochs,
        "likelihood": suggested.likelihood,
    }
    model, training = form.make_configs(datasets.without_pixels(datasets.Reading(name)), given)
    assert (model.network, training.dataset) == (network, name)
    assert model.image_shape == data.load_dataset(name).image_shape


def test_the_host_decides_how_many_threads(no_data: Path) -> None:
    """The form states none, so that a run has its share of the cores; a copy keeps its own."""
    outline, given = (
        datasets.without_pixels(datasets.Reading("digits")),
        {"latent_dim": 2, "hidden": (16,)},
    )
    model, training = form.make_configs(outline, given)
    assert "threads" not in training.model_fields_set
    base = runs.RunConfig(
        name="a", model=model, training=training.model_copy(update={"threads": 3})
    )
    _, copied = form.make_configs(outline, given, base=base)
    assert "threads" in copied.model_fields_set
    assert copied.threads == 3


def test_an_outline_is_the_dataset_without_its_pixels(no_data: Path) -> None:
    """Sizes, labels, ids and classes are there; the pictures take one byte."""
    whole, outline = (
        data.load_dataset("digits"),
        datasets.without_pixels(datasets.Reading("digits")),
    )
    for part in ("train", "test"):
        a, b = getattr(whole, part), getattr(outline, part)
        assert a.images.shape == b.images.shape
        assert (a.labels == b.labels).all()
        assert b.images.untyped_storage().nbytes() == 1


def test_names_say_what_sets_a_training_apart(no_data: Path) -> None:
    """A plain one is its data and the size of z."""
    outline = datasets.without_pixels(datasets.Reading("digits"))
    plain = form.make_configs(outline, {"latent_dim": 2, "hidden": (16,)})
    assert form.run_name(*plain) == "digits 2d"
    configs = form.make_configs(
        outline,
        {
            "latent_dim": 3, "hidden": (8, 16), "network": "conv", "conditional": True,
            "objective": "iwae", "samples": 5,
        },
    )  # fmt: skip
    assert form.run_name(*configs) == "digits conv conditional iwae 3d"


def test_what_cannot_be_is_refused_where_it_is_made(no_data: Path) -> None:
    """Without a traceback elsewhere: the sentence names the value."""
    outline = datasets.without_pixels(datasets.Reading("digits"))
    with pytest.raises(ConfigError, match="batch_size 5000 is above the 1437"):
        form.make_configs(outline, {"latent_dim": 2, "hidden": (16,), "batch_size": 5000})


def test_choices_follow_one_another(open_page: Open) -> None:
    """What another choice rules out is not offered, and comes back with it."""
    session = open_page("train")
    assert {"train-conditional", "train-beta", "train-free", "train-pixels"} <= keys(session)
    assert "train-components" not in keys(session)
    assert len(offered(session, "learner")) == 3
    session.selectbox(key="train-prior-True").set_value("vamp")
    session.selectbox(key="train-likelihood-digits").set_value("gaussian")
    session.selectbox(key="train-objective-False").set_value("dreg").run()
    shown = keys(session)
    assert "train-components" in shown
    assert not {"train-layers", "train-learner", "train-pixels", "train-beta", "train-free"} & shown
    session.selectbox(key="train-prior-True").set_value("standard").run()
    session.toggle(key="train-layers").set_value(True).run()
    assert "train-first" in keys(session)
    assert len(offered(session, "objective-True")) == 2
    session.toggle(key="train-layers").set_value(False).run()
    session.selectbox(key="train-network").set_value("rows").run()
    assert "train-act" not in keys(session)
    assert not session.exception


def test_a_training_starts_from_a_preset(open_page: Open) -> None:
    """Two dimensions first; a preset fills the form, and what is changed is one's own."""
    session = open_page("train")
    (presets,) = [one for one in session.button_group if one.key == "train-preset"]
    titles = list(presets.options)
    assert [title.split(" · about ")[0] for title in titles] == list(form.PRESET_TITLES.values())
    assert all(title.endswith(" s") for title in titles)
    assert session.session_state["train-preset"] == "look"
    session.session_state["train-beta"] = 20.0
    session.run()
    assert session.session_state["train-preset"] == "own"
    choose(session, "reconstruct")
    assert session.number_input(key="train-z-digits").value == 20
    assert session.number_input(key="train-beta").value == 1
    assert session.session_state["train-preset"] == "reconstruct"
    choose(session, "own")
    assert session.number_input(key="train-z-digits").value == 20
    assert session.session_state["train-preset"] == "own"
    choose(session, "look")
    assert session.number_input(key="train-z-digits").value == 2
    assert session.session_state["train-preset"] == "look"
    assert not session.exception


def choose(session: AppTest, preset: str) -> None:
    """Click a preset."""
    (presets,) = [one for one in session.button_group if one.key == "train-preset"]
    presets.set_value(preset).run()


def test_a_gpu_is_offered_where_there_is_one(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one there is no choice; a setting that a GPU lacks gives an error."""
    assert "train-device" not in keys(open_page("train"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    session = open_page("train")
    assert offered(session, "device") == ["CPU", "GPU"]
    session.selectbox(key="train-device").set_value("cuda").run()
    assert not session.error
    session.selectbox(key="train-learner").set_value("mcem").run()
    (error,) = session.error
    assert "learner 'mcem' does not go with device 'cuda'; allowed: 'aevb'" in error.value


def test_a_copy_of_a_gpus_run_is_trained_here(no_data: Path) -> None:
    """Where there is no GPU, the processor takes its place; other settings stay."""
    outline = datasets.without_pixels(datasets.Reading("digits"))
    model, training = form.make_configs(outline, {"latent_dim": 2, "hidden": (16,)})
    device = {"device": "cuda", "adam_epsilon": 1e-4}
    base = runs.RunConfig(name="x", model=model, training=training.model_copy(update=device))
    _, copied = form.make_configs(outline, {"latent_dim": 2, "hidden": (16,)}, base=base)
    assert (copied.device, copied.adam_epsilon) == ("cpu", 1e-4)
    assert form.values(base)["train-device"] == "cuda"


def test_a_wrong_setting_is_refused_before_the_start(open_page: Open) -> None:
    """Beside the controls, in one sentence; the button waits until it is right."""
    session = open_page("train")
    session.number_input(key="train-batch-digits").set_value(5000).run()
    (error,) = session.error
    assert "batch_size 5000 is above the 1437 training images" in error.value
    assert session.button(key="train-start").disabled
    session.number_input(key="train-batch-digits").set_value(50).run()
    assert not session.error
    assert not session.button(key="train-start").disabled


def test_a_conditional_convolutional_training_starts(open_page: Open) -> None:
    """What was chosen under "More settings" is what the run trains."""
    session = open_page("train")
    session.selectbox(key="train-network").set_value("conv")
    session.toggle(key="train-conditional").set_value(True).run()
    session.text_input(key="train-hidden-digits-conv").set_value("4, 8")
    session.number_input(key="train-epochs-digits").set_value(1000)
    session.button(key="train-start").click().run()
    assert not session.exception
    (folder,) = runs.list_runs()
    try:
        model = runs.read_config(folder).model
        assert (model.network, model.hidden) == ("conv", (4, 8))
        assert (model.conditional, model.classes) == (True, 10)
    finally:
        runs.request(folder, "stop")
        deadline = time.monotonic() + 600  # a busy machine
        while is_alive(folder) or runs.status(folder).state == "running":
            assert time.monotonic() < deadline, runs.status(folder)
            time.sleep(0.1)

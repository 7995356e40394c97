"""The Train page as a session meets it: settings, the run that starts, how it is steered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import figures
from vae_core import runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.processes import is_alive
from vae_core.runs import RunConfig

Open = Callable[..., AppTest]


@pytest.fixture
def trained(no_data: Path) -> Path:
    """Return the folder of a short training that has finished."""
    config = RunConfig(
        name="short",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(16,)),
        training=TrainConfig(dataset="digits", epochs=3, threads=1),
    )
    folder = runs.create(runs.runs_dir() / "short", config)
    assert runs.execute(folder) == "finished"
    return folder


def end(folder: Path) -> None:
    """Stop a training's process, so that no test leaves one behind."""
    runs.request(folder, "stop")
    deadline = time.monotonic() + 60
    while runs.status(folder).state not in ("stopped", "finished") or is_alive(folder):
        assert time.monotonic() < deadline, runs.status(folder)
        time.sleep(0.1)


def sentences(session: AppTest) -> str:
    """Join what the page says."""
    parts = (session.markdown, session.caption, session.error, session.subheader)
    return "\n".join(str(element.value) for part in parts for element in part)


def test_the_page_without_trainings_says_what_to_do(open_page: Open) -> None:
    """An empty page invites, offers the data that is here, and shows no error."""
    session = open_page("train")
    assert "Nothing has been trained here yet" in sentences(session)
    assert session.selectbox(key="train-data").value == "digits"
    assert not session.exception


def test_a_click_starts_a_training_in_a_process_of_its_own(open_page: Open) -> None:
    """The run has the chosen settings, is in the address, and its process can be stopped."""
    session = open_page("train")
    session.number_input(key="train-epochs-digits").set_value(1000)
    session.text_input(key="train-hidden-digits").set_value("24, 12")
    session.button(key="train-start").click().run()
    assert not session.exception
    (folder,) = runs.list_runs()
    try:
        config = runs.read_config(folder)
        assert config.model.hidden == (24, 12)
        assert config.training.epochs == 1000
        assert session.query_params["run"] in (folder.name, [folder.name])
        assert runs.status(folder).state == "running"
    finally:
        end(folder)


@pytest.mark.parametrize(
    ("hidden", "said"),
    [("24, many", "many"), ("0", "hidden.0"), ("", "hidden"), ("1", "latent_dim 2 is above 1")],
)
def test_wrong_layers_are_named_and_nothing_starts(open_page: Open, hidden: str, said: str) -> None:
    """The sentence names the value; no run is laid."""
    session = open_page("train")
    session.text_input(key="train-hidden-digits").set_value(hidden)
    session.button(key="train-start").click().run()
    assert said in "\n".join(error.value for error in session.error)
    assert not runs.list_runs()
    assert not session.exception


def test_a_missing_dataset_is_an_invitation(open_page: Open) -> None:
    """Choosing MNIST without its files offers the download and no Train button."""
    session = open_page("train")
    session.selectbox(key="train-data").set_value("mnist").run()
    assert "MNIST is not on this machine" in sentences(session)
    assert not [button for button in session.button if button.key == "train-start"]
    assert not session.exception


def test_a_finished_training_is_a_model_of_every_page(trained: Path, open_page: Open) -> None:
    """Its curves are shown, and one click opens it on the map."""
    session = open_page("train")
    assert "short" in sentences(session)
    assert "Test ELBO" in sentences(session)
    next(b for b in session.button if b.label == "Explore it").click().run()
    assert session.query_params["model"] in ("short", ["short"])
    assert not session.exception


def test_deleting_a_training_removes_its_folder(trained: Path, open_page: Open) -> None:
    """The page goes back to its invitation."""
    session = open_page("train")
    session.button(key="train-delete").click().run()
    assert not trained.exists()
    assert "Nothing has been trained here yet" in sentences(session)


def test_an_unknown_training_in_the_address_is_named(trained: Path, open_page: Open) -> None:
    """The page says that it is not here and shows the newest."""
    session = open_page("train", run="gone")
    warned = "\n".join(warning.value for warning in session.warning)
    assert "'gone'" in warned
    assert "short" in sentences(session)


def test_curves_begin_with_minibatches_and_go_on_with_epochs() -> None:
    """Before there are three epochs the minibatches are drawn too; later they are not."""
    figure = {"elbo": -100.0, "rate": 5.0, "distortion": 95.0}
    steps = [{"step": s, "epoch": 1, "train": figure} for s in range(1, 9)]
    epochs = [{"epoch": e, "step": 8 * e, "test": figure, "train": figure} for e in (1, 2, 3)]
    early = figures.training_curve(epochs[:1], steps, "elbo")
    late = figures.training_curve(epochs, steps, "elbo")
    assert [line["name"] for line in early["series"]] == ["test", "training", "minibatch"]
    assert [line["name"] for line in late["series"]] == ["test", "training"]
    assert late["series"][0]["data"] == [[1, -100.0], [2, -100.0], [3, -100.0]]

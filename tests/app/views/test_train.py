"""The Train page as a session meets it: settings, the run that starts, how it is steered."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import state
from app.resources import library, trainings
from app.views.train import progress
from vae_core import runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.jobs import processes
from vae_core.jobs.processes import is_alive
from vae_core.runs import RunConfig

Open = Callable[..., AppTest]


OWNER = "somebody"


@pytest.fixture
def trained(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a short training, finished and owned by all sessions of a test."""
    monkeypatch.setattr(state.secrets, "token_hex", lambda n: OWNER)
    config = RunConfig(
        name="short",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(16,)),
        training=TrainConfig(dataset="digits", epochs=3, threads=1),
        owner=OWNER,
    )
    folder = runs.create(runs.runs_dir() / "short", config)
    assert runs.execute(folder) == "finished"
    return folder


def end(folder: Path) -> None:
    """Stop a training's process, so that no test leaves one behind."""
    runs.request(folder, "stop")
    deadline = time.monotonic() + 180
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
    assert "No trainings yet" in sentences(session)
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
    """The error names the value; no run is created."""
    session = open_page("train")
    session.text_input(key="train-hidden-digits").set_value(hidden)
    session.button(key="train-start").click().run()
    assert said in "\n".join(error.value for error in session.error)
    assert not runs.list_runs()
    assert not session.exception


def test_a_training_that_starts_says_what_happens(trained: Path) -> None:
    """Each step before the first checkpoint in its turn, in bold."""
    status = runs.status(trained)
    for message, current in (("starting", "Starting a process"), ("loading the data", "Loading")):
        now = dataclasses.replace(status, state="running", message=message)
        said = progress.first_steps(now)
        assert f"**{current}" in said
        assert said.count("**") == 2
    assert "**Training the first" in progress.first_steps(
        dataclasses.replace(status, state="running", message="")
    )
    assert "**" not in progress.first_steps(dataclasses.replace(status, state="queued"))


@pytest.mark.parametrize(("rate", "said"), [(0.004, True), (3.0, False)])
def test_a_collapse_is_said_while_it_trains(
    trained: Path, open_page: Open, rate: float, said: bool
) -> None:
    """One sentence as soon as an epoch's rate is near zero; none otherwise."""
    figure = {"elbo": -40.0, "rate": rate, "distortion": 40.0 - rate}
    runs.append(trained, "epoch", epoch=4, step=112, seconds=0.1, train=figure, test=figure)
    runs.append(trained, "state", state="paused", step=112)
    session = open_page("train")
    warnings = [one.value for one in session.warning if "Posterior collapse" in one.value]
    assert len(warnings) == said
    assert all("the rate is 0.00 nats" in one for one in warnings)


def test_a_first_training_keeps_its_name_beside_the_bundled_model(
    trained: Path, open_page: Open
) -> None:
    """A run digits-2d opens as itself, and the link of the bundled model opens the bundled one."""
    folder = runs.new_folder(trained.parent, "digits 2d")
    assert folder.name == "digits-2d"
    trained.rename(folder)
    session = open_page("train", run="digits-2d")
    next(b for b in session.button if b.label == "Open in Explore").click().run()
    assert not session.exception
    assert session.query_params["model"] in ("digits-2d-trained", ["digits-2d-trained"])
    assert library.title("digits-2d-trained") == "digits-2d (trained here)"
    assert library.card("digits-2d-trained").training.epochs == 3
    assert library.card("digits-2d").training.epochs != 3


def test_a_missing_dataset_is_an_invitation(open_page: Open) -> None:
    """Choosing MNIST without its files offers the download and no Train button."""
    session = open_page("train")
    session.selectbox(key="train-data").set_value("mnist").run()
    assert "MNIST has not been downloaded" in sentences(session)
    assert not [button for button in session.button if button.key == "train-start"]
    assert not session.exception


def test_a_finished_training_is_a_model_of_every_page(trained: Path, open_page: Open) -> None:
    """Its curves are shown, and one click opens it on the map."""
    session = open_page("train")
    assert "short" in sentences(session)
    assert "Test −ELBO" in sentences(session)
    next(b for b in session.button if b.label == "Open in Explore").click().run()
    assert session.query_params["model"] in ("short", ["short"])
    assert not session.exception


def test_deleting_a_training_removes_its_folder(trained: Path, open_page: Open) -> None:
    """The page goes back to its invitation."""
    session = open_page("train")
    session.button(key="train-delete-short").click().run()
    assert not trained.exists()
    assert "No trainings yet" in sentences(session)


def test_a_deleted_training_comes_back_until_the_page_is_left(
    trained: Path, open_page: Open
) -> None:
    """Undo restores it; after another page there is nothing to undo, and it is in the trash."""
    session = open_page("train")
    session.button(key="train-delete-short").click().run()
    assert "**short** was deleted" in sentences(session)
    session.button(key="train-undo").click().run()
    assert trained.is_dir()
    assert "short" in sentences(session)
    session.button(key="train-delete-short").click().run()
    session.switch_page("views/decode/page.py").run()
    session.switch_page("views/train/page.py").run()
    assert not [button for button in session.button if button.key == "train-undo"]
    assert runs.deleted(trained.parent) == ["short"]


def labels(session: AppTest) -> set[str]:
    """Return the words of all buttons below the headline."""
    return {b.label for b in session.button if (b.key or "").startswith("train-")}


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("paused", {"Resume", "One step", "One epoch", "Stop", "Continue training"}),
        ("interrupted", {"Resume", "One step", "One epoch", "Stop", "Continue training"}),
        ("failed", {"Resume", "Stop"}),
        ("stopped", {"Open in Explore", "Resume", "Continue training"}),
        ("finished", {"Open in Explore", "Continue training"}),
    ],
)
def test_each_state_has_the_controls_that_make_sense(
    trained: Path, open_page: Open, state: str, offered: set[str]
) -> None:
    """Whatever has been trained can also be rewound, copied and deleted."""
    recorded = "running" if state == "interrupted" else state
    runs.append(
        trained, "state", state=recorded, message="the loss became inf" * (state == "failed")
    )
    session = open_page("train")
    always = {"Train", "Rewind and discard", "Duplicate and edit", "Delete"}
    steered = {"Apply"} if state in ("paused", "interrupted", "failed") else set()
    assert labels(session) | {b.label for b in session.button if b.label == "Apply"} == (
        always | offered | steered
    )
    assert not session.exception
    if state == "interrupted":
        assert "same weights as an uninterrupted training" in "\n".join(
            one.value for one in session.info
        )
    if state == "failed":
        assert "The loss became inf. Change its settings and resume" in sentences(session)


def test_rewind_and_more_epochs(trained: Path, open_page: Open) -> None:
    """More epochs train on from where it ended; a rewind leaves a paused run at its beginning."""
    session = open_page("train")
    session.number_input(key="train-more-short").set_value(90_000)
    session.button(key="train-extend-short").click().run()
    try:
        assert runs.status(trained).state == "running"
        assert not session.exception
    finally:
        end(trained)
    assert runs.status(trained).config.training.epochs == 90_003
    session.run()
    session.button(key="train-rewind-short").click().run()
    now = runs.status(trained)
    assert (now.state, now.step, now.config.training.epochs) == ("paused", 0, 3)


def test_the_wheel_changes_what_a_training_goes_on_with(trained: Path, open_page: Open) -> None:
    """Only moved settings change; page and curves show the change with its step."""
    runs.append(trained, "state", state="paused", step=45)
    session = open_page("train")
    wheel = {one.label: one for one in session.select_slider}
    wheel["Learning rate"].set_value(0.0005)
    next(b for b in session.button if b.label == "Apply").click().run()
    (change,) = runs.status(trained).changes
    assert (change.step, dict(change.settings)) == (45, {"learning_rate": 0.0005})
    assert "Changed after step 45: learning rate 0.0005." in sentences(session)
    assert not session.exception


def test_a_copy_opens_the_form_with_all_its_settings(no_data: Path, open_page: Open) -> None:
    """What the form asks for is filled in, what it does not ask for stays, and can be given up."""
    config = RunConfig(
        name="odd",
        model=ModelConfig(
            image_shape=(1, 8, 8), latent_dim=3, hidden=(20, 12), activation="relu", classes=10,
            conditional=True, decoder_activation="tanh",
        ),
        training=TrainConfig(
            dataset="digits", epochs=7, threads=1, beta=2.5, decay="linear", optimizer="adagrad",
            batch_size=64, seed=5,
        ),
        importance_samples=3,
    )  # fmt: skip
    runs.create(runs.runs_dir() / "odd", config)
    runs.append(runs.runs_dir() / "odd", "state", state="paused", step=0)
    session = open_page("train")
    session.button(key="train-copy-odd").click().run()
    assert session.session_state["train-new"] is True
    assert session.text_input(key="train-hidden-digits").value == "20, 12"
    session.number_input(key="train-epochs-digits").set_value(1000).run()
    session.button(key="train-start").click().run()
    assert not session.exception
    folder = runs.list_runs()[-1]
    try:
        copied = runs.read_config(folder)
        assert copied.model == config.model
        assert copied.training == config.training.model_copy(update={"epochs": 1000})
        assert copied.importance_samples == 3
    finally:
        end(folder)
    session.button(key=f"train-copy-{folder.name}").click().run()
    session.button(key="train-usual").click().run()
    assert session.text_input(key="train-hidden-digits").value == "256, 128"
    assert "A copy of" not in sentences(session)


@pytest.fixture
def steered(no_data: Path) -> Path:
    """Return the folder of a paused run with settings that nobody suggests."""
    config = RunConfig(
        name="odd",
        model=ModelConfig(
            image_shape=(1, 8, 8), latent_dim=3, hidden=(4, 8), network="conv", prior="mixture",
            components=7, first_latent_dim=5, upper_hidden=(9,),
        ),
        training=TrainConfig(
            dataset="digits", epochs=700, threads=1, beta=20.0, objective="iwae", samples=9, seed=5
        ),
    )  # fmt: skip
    folder = runs.create(runs.runs_dir() / "odd", config)
    runs.append(folder, "state", state="paused", step=0)
    return folder


@pytest.mark.parametrize("way", ["train", "close", "page", "button"])
def test_settings_of_a_copy_do_not_leak_into_the_next_run(
    steered: Path, open_page: Open, no_process: None, way: str
) -> None:
    """Trained, closed, left or given up: every setting is the suggested one again."""
    session = open_page("train")
    suggested = shown_settings(session)
    session.button(key="train-copy-odd").click().run()
    assert session.number_input(key="train-beta").value == 20
    if way == "train":
        session.button(key="train-start").click().run()
    elif way == "close":
        session.session_state["train-new"] = False
    elif way == "page":
        session.switch_page("views/decode/page.py").run()
        session.switch_page("views/train/page.py")
    else:
        session.button(key="train-usual").click()
    session.run()
    assert not session.exception
    assert shown_settings(session) == suggested
    assert "A copy of" not in sentences(session)
    # What another choice shows is at its default too.
    session.toggle(key="train-layers").set_value(True)
    session.selectbox(key="train-prior-True").set_value("mixture")
    session.selectbox(key="train-network").set_value("conv").run()
    session.selectbox(key="train-objective-True").set_value("iwae").run()
    now = shown_settings(session)
    assert (now["train-first"], now["train-components"], now["train-upper"]) == (20, 50, "100, 100")
    assert (now["train-hidden-digits-conv"], now["train-samples-iwae"]) == ("16, 32", 5)


def shown_settings(session: AppTest) -> dict[str, object]:
    """Return the values of all settings that the form shows, by their keys."""
    widgets = (session.selectbox, session.number_input, session.toggle, session.text_input)
    return {
        widget.key: widget.value
        for kind in widgets
        for widget in kind
        if widget.key and not widget.key.startswith("train-more-")
    }


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no trainer begin, so that what has its turn is on its way."""
    monkeypatch.setattr(processes, "start", lambda folder, worker: None)


def test_a_training_is_queued_and_a_limit_refuses(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, no_process: None
) -> None:
    """The second shows its queue position; the third, above the limit, why it did not start."""
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "1")
    monkeypatch.setenv("VAE_MAX_RUNS_PER_SESSION", "2")
    session = open_page("train")
    for _ in range(2):
        session.button(key="train-start").click().run()
    first, second = map(runs.status, runs.list_runs())
    assert first.config.owner == second.config.owner != ""
    assert runs.queue_positions(runs.statuses(runs.runs_dir()))[second.folder.name].number == 1
    trainings.clear_statuses()  # as a second later
    session.run()
    assert progress.status_line(second, runs.QueuePosition(1, 200.0)).startswith(
        "Epoch 0 of 100 · Next in the queue · starts in about 3 min"
    )
    session.number_input(key="train-epochs-digits").set_value(77).run()
    session.button(key="train-start").click().run()
    assert "2 of your trainings wait or run" in sentences(session)
    assert session.number_input(key="train-epochs-digits").value == 77
    assert len(runs.list_runs()) == 2


def test_all_trainings_are_listed_with_how_they_stand(trained: Path, open_page: Open) -> None:
    """Name, state, epochs and test ELBO; those of this session are marked, and one is chosen."""
    config = runs.read_config(trained).model_copy(update={"name": "own", "owner": "me"})
    runs.create(trained.with_name("own"), config)
    runs.append(trained.with_name("own"), "state", state="paused", step=0)
    session = open_page("train", run="short")
    session.session_state["le-owner"] = "me"
    session.session_state["train-list"] = True
    session.run()
    (listed,) = session.radio
    assert listed.options == ["own · yours", "short"]
    assert progress.summary(runs.status(trained)).startswith("Finished · epoch 3 of 3 · test −ELBO")
    listed.set_value("own · yours").run()
    assert session.query_params["run"] in ("own", ["own"])
    assert "own" in [one.value for one in session.subheader]
    assert not session.exception


def test_with_training_off_the_page_only_shows(
    trained: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form says so and gives the command; a trained model can still be explored."""
    monkeypatch.setenv("VAE_TRAINING", "off")
    session = open_page("train")
    assert labels(session) == {"Open in Explore"}
    assert "Training is turned off on this server" in "\n".join(i.value for i in session.info)
    assert "train --name 'digits 2d'" in session.code[0].value
    assert not session.select_slider
    assert not session.exception


def test_errors_and_warnings_are_shown(trained: Path, open_page: Open) -> None:
    """A damaged checkpoint for which the one before was taken; a disk that is full."""
    damaged = "checkpoint.safetensors is damaged; the previous one, of step 58, is used"
    runs.append(trained, "warning", message=damaged)
    runs.append(trained, "state", state="paused", message="the disk is full; make room")
    session = open_page("train")
    warnings = [warning.value for warning in session.warning]
    assert warnings == ["The disk is full; make room.", f"C{damaged[1:]}."]


def test_a_refusal_is_shown_beside_the_controls(trained: Path, open_page: Open) -> None:
    """Somebody else has resumed it meanwhile: a sentence, which the next try forgets."""
    runs.append(trained, "state", state="paused", step=58)
    session = open_page("train")
    with processes.worker_lock(trained):
        runs.append(trained, "state", state="running")
        session.button(key="train-resume-short").click().run()
        assert "Not done: short is running already." in sentences(session)
        assert not session.exception
    session.button(key="train-delete-short").click().run()
    assert "Not done" not in sentences(session)


def test_a_line_says_how_fast_and_how_long(trained: Path) -> None:
    """Images a second with two figures, and what is left."""
    now = dataclasses.replace(
        runs.status(trained), state="running", pace=1234.5, batches=29, step=1200
    )
    assert "step 1,200 · 120,000 images per second" in progress.status_line(now)
    assert progress.fraction_done(dataclasses.replace(now, step=29)) == pytest.approx(1 / 3)


def test_an_unknown_training_in_the_address_is_named(trained: Path, open_page: Open) -> None:
    """The page says that it is not here and shows the newest."""
    session = open_page("train", run="gone")
    warned = "\n".join(warning.value for warning in session.warning)
    assert "'gone'" in warned
    assert "short" in sentences(session)


def create_paused(folder: Path, *, owner: str, like: str = "short") -> Path:
    """Create a paused training with another one's settings and an owner."""
    config = runs.read_config(folder.with_name(like))
    runs.create(folder, config.model_copy(update={"name": folder.name, "owner": owner}))
    runs.append(folder, "state", state="paused", step=0)
    return folder


def test_what_is_shown_stays(trained: Path, open_page: Open) -> None:
    """A newer training of another session does not replace the shown one or its buttons."""
    create_paused(trained.with_name("first"), owner="a teacher")
    shutil.rmtree(trained)
    session = open_page("train")
    assert [one.value for one in session.subheader] == ["first"]
    create_paused(trained.with_name("second"), owner="a student", like="first")
    trainings.clear_statuses()  # as a second later
    session.run()
    assert [one.value for one in session.subheader] == ["first"]
    keys = {button.key for button in session.button if (button.key or "").startswith("train-")}
    assert {"train-delete-first", "train-stop-first", "train-resume-first"} <= keys
    assert not [key for key in keys if "second" in key]


@pytest.mark.parametrize(("owner", "words"), [(OWNER, ""), ("a student", " it")])
def test_ending_another_sessions_training_needs_confirmation(
    trained: Path, open_page: Open, owner: str, words: str
) -> None:
    """Own trainings stop and are deleted by one click; Pause and Resume never ask."""
    create_paused(trained.with_name("other"), owner=owner)
    session = open_page("train", run="other")
    assert labels(session) >= {f"Delete{words}", f"Stop{words}", "Resume", "Duplicate and edit"}
    confirmations = [one.value for one in session.markdown if "somebody else" in one.value]
    assert len(confirmations) == (2 if words else 0)
    session.button(key="train-delete-other").click().run()
    assert runs.deleted(trained.parent) == ["other"]


def test_no_cluster_hides_no_training(
    trained: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for one is shown with its controls, and the sentence beside them."""

    def refuse(root: Path) -> None:
        raise LatentExplorerError("no cluster answers at tcp://10.0.0.1:8786")

    runs.append(trained, "state", state="paused", step=5)
    processes.enqueue(trained, "run")
    monkeypatch.setattr(runs.queue, "advance", refuse)
    session = open_page("train")
    assert [one.value for one in session.warning] == ["No cluster answers at tcp://10.0.0.1:8786."]
    assert "Pause" in labels(session)
    assert not session.exception


def test_the_page_follows_what_lasts(trained: Path) -> None:
    """Steps come and go by themselves; a state, a change, a warning need the page as a whole."""
    now = dataclasses.replace(runs.status(trained), state="running", message="")
    same = dataclasses.replace(now, step=now.step + 9, pace=3.0, message="measuring")
    assert progress.fixed_facts(same) == progress.fixed_facts(now)
    paused = dataclasses.replace(now, state="paused")
    steered = now.config.training.model_copy(update={"beta": 2.0})
    others = [
        paused,
        dataclasses.replace(paused, step=now.step + 1),
        dataclasses.replace(now, warnings=("the disk is nearly full",)),
        dataclasses.replace(now, config=now.config.model_copy(update={"training": steered})),
    ]
    assert len({repr(progress.fixed_facts(one)) for one in [now, *others]}) == 5

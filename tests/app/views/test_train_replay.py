"""The replay as a session of the Train page is given it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.resources import assets, exports, library, trainings
from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.formats import html
from vae_core.runs import RunConfig

Open = Callable[..., AppTest]


@pytest.fixture
def trained(no_data: Path) -> Path:
    """Return the folder of a short training that has finished."""
    config = RunConfig(
        name="short",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(16,)),
        training=TrainConfig(dataset="digits", epochs=2, threads=1),
    )
    folder = runs.create(runs.runs_dir() / "short", config)
    assert runs.execute(folder) == "finished"
    return folder


def shown(session: AppTest) -> list[dict[str, Any]]:
    """Return what the replay panels of the page are given."""
    sent = [json.loads(one.proto.json)[0] for one in session.get("bidi_component")]
    return [one for one in sent if one["kind"] == "replay"]


def kinds(session: AppTest) -> set[str]:
    """Return the kinds of the page's panels."""
    return {json.loads(one.proto.json)[0]["kind"] for one in session.get("bidi_component")}


def cut(folder: Path, frames: int) -> None:
    """Leave the first frames of a replay."""
    content = (folder / runs.REPLAY).read_bytes()
    ends = [at for at in range(len(content)) if content.startswith(b"LXR1", at)]
    (folder / runs.REPLAY).write_bytes(content[: ends[frames]])


def test_a_finished_training_has_its_replay(trained: Path, open_page: Open) -> None:
    """Every frame by an address of its own, where it is found as it was kept."""
    session = open_page("train")
    assert not session.exception
    (replay,) = shown(session)
    kept = runs.read_replay(trained)
    assert kept is not None
    assert [one["step"] for one in replay["frames"]] == [one.step for one in kept.frames]
    assert replay["classes"] == [str(digit) for digit in range(10)]
    assert (replay["epochs"], replay["live"]) == (2, False)
    for sent, frame in zip(replay["frames"], kept.frames, strict=True):
        digest = sent["source"].removeprefix(assets.SCHEME).split("/")[1]
        asset = assets._PERMANENT.get(digest)
        assert asset is not None
        assert asset.content == runs.replay_bundles.frame_bundle(frame)


def test_frames_that_are_known_keep_their_address(trained: Path) -> None:
    """A new frame is one more address: browsers fetch it alone."""
    whole = (trained / runs.REPLAY).read_bytes()
    cut(trained, 5)
    before = trainings.replay(trained)
    assert before is not None
    assert len(before.addresses) == 5
    (trained / runs.REPLAY).write_bytes(whole)
    after = trainings.replay(trained)
    assert after is not None
    assert after.addresses[:5] == before.addresses
    assert len(after.addresses) > 5


def test_map_and_manifold_are_shown_once(trained: Path, open_page: Open) -> None:
    """By the replay of a training that has ended, else each by itself."""
    assert not kinds(open_page("train")) & {"latent_map", "manifold"}
    cut(trained, 1)
    assert kinds(open_page("train")) >= {"latent_map", "manifold"}


def test_the_replay_of_a_training_that_goes_on_is_closed(trained: Path, open_page: Open) -> None:
    """Its map and manifold are on the page; opened, it follows the training."""
    events = trained / runs.EVENTS
    kept = [line for line in events.read_text().splitlines() if '"finished"' not in line]
    events.write_text("\n".join(kept) + "\n")
    session = open_page("train")
    assert kinds(session) >= {"latent_map", "manifold"}
    assert "replay" not in kinds(session)
    assert "Training replay so far" in [one.label for one in session.expander]


@pytest.mark.parametrize("frames", [0, 1])
def test_a_training_without_two_frames_shows_nothing(
    trained: Path, open_page: Open, frames: int
) -> None:
    """Neither a panel nor a heading."""
    cut(trained, frames)
    session = open_page("train")
    assert not session.exception
    assert shown(session) == []
    assert "Training replay" not in [one.value for one in session.subheader]


def test_a_torn_last_frame_is_left_out(trained: Path, open_page: Open) -> None:
    """The others are shown."""
    kept = runs.read_replay(trained)
    assert kept is not None
    path = trained / runs.REPLAY
    path.write_bytes(path.read_bytes()[:-9])
    (replay,) = shown(open_page("train"))
    assert len(replay["frames"]) == len(kept.frames) - 1


def test_the_exported_page_of_a_trained_model_has_its_replay(trained: Path) -> None:
    """As the command writes it; a pretrained model has none."""
    opened = library.open_model("short")
    kept = runs.read_replay(trained)
    assert kept is not None
    small = runs.replay_bundles.small_bundle(kept, opened.card.model)
    saved = model_folder.open_folder(trained)
    assert exports.standalone_page(opened) == html.page(saved, replay=small)
    assert b'id="replay"' not in exports.standalone_page(library.open_model("digits-2d"))

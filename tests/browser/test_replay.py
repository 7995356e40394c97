"""The replay of a training: scrubbed, played, followed while it trains, and offline."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import ROOT, Server
from visitor import Visitor

from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.formats import html
from vae_core.runs import RunConfig

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
MAP, GRID, SAMPLES = (f".lx-replay-{part} canvas" for part in ("map", "grid", "samples"))
TIME = ".lx-replay-bar input"
MOMENT = ".lx-replay-moment"

Enter = Callable[..., Visitor]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model on the bundled digits."""
    config = RunConfig(
        name="short",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(64,)),
        training=TrainConfig(dataset="digits", epochs=8, learning_rate=3e-3, threads=1),
    )
    folder = runs.create(tmp_path_factory.mktemp("trained") / "short", config)
    assert runs.execute(folder) == "finished"
    return folder


@pytest.fixture
def trained(run: Path, server: Server) -> Iterator[Path]:
    """Return a copy of the training, among those of the server."""
    yield Path(shutil.copytree(run, server.runs / "short"))
    shutil.rmtree(server.runs / "short")


def watching(somebody: Visitor) -> Visitor:
    """Wait until the replay is there."""
    somebody.page.wait_for_selector(f"{MAP}[aria-label]")
    somebody.frames()
    return somebody


def moment(somebody: Visitor) -> str:
    """Return which moment the replay says it shows."""
    return str(somebody.find(MOMENT).inner_text()).partition("\n")[0]


def time(somebody: Visitor) -> float:
    """Return where the slider stands, in frames."""
    return float(somebody.find(TIME).input_value())


def last(somebody: Visitor) -> int:
    """Return the slider's end."""
    return int(somebody.find(TIME).get_attribute("max"))


def seen(somebody: Visitor) -> tuple[int, int, int]:
    """Return numbers that change with map, manifold and samples."""
    return somebody.picture(MAP), somebody.picture(GRID), somebody.picture(SAMPLES)


def test_keys_step_through_the_training(visitor: Enter, trained: Path) -> None:
    """It begins at its end; Home, arrows and End lead from frame to frame, nothing is asked."""
    somebody = watching(visitor().open("train", "model=digits-2d&run=short"))
    frames = runs.read_replay(trained)
    assert frames is not None
    steps = [frame.step for frame in frames.frames]
    assert last(somebody) == len(steps) - 1
    assert moment(somebody) == f"Step {steps[-1]}, epoch 8.00 of 8"
    end = seen(somebody)
    somebody.find(TIME).focus()
    sent = somebody.sent
    somebody.key("Home")
    assert somebody.eventually(lambda: moment(somebody) == "Before the first step")
    assert somebody.eventually(lambda: time(somebody) == 0)
    somebody.page.wait_for_timeout(800)  # tails are gone
    start = seen(somebody)
    assert all(one != other for one, other in zip(start, end, strict=True))
    somebody.key("ArrowRight")
    assert somebody.eventually(lambda: time(somebody) == 1)
    assert moment(somebody).startswith("Step 1, epoch 0.0")
    spoken = somebody.find(TIME).get_attribute("aria-valuetext")
    assert f"ELBO −{-frames.frames[1].elbo:.1f} nats" in spoken  # type: ignore[operator]
    somebody.key("ArrowLeft")
    assert somebody.eventually(lambda: time(somebody) == 0)
    somebody.key("End")
    assert somebody.eventually(lambda: time(somebody) == last(somebody))
    assert somebody.eventually(lambda: seen(somebody) == end)
    assert somebody.sent == sent


def test_dragging_scrubs_and_what_rests_is_a_frame(visitor: Enter, trained: Path) -> None:
    """Between two frames codes travel; on release the nearest frame is taken."""
    somebody = watching(visitor().open("train", "model=digits-2d&run=short"))
    somebody.find(TIME).scroll_into_view_if_needed()
    across, down = somebody.at(TIME, 0.5, 0.5)
    somebody.page.mouse.move(*somebody.at(TIME, 0.995, 0.5))
    somebody.page.mouse.down()
    pictures = set()
    for step in range(8):
        somebody.page.mouse.move(across + 3.3 * step, down)
        somebody.frames()
        pictures.add(somebody.picture(MAP))
    assert len(pictures) == 8
    assert time(somebody) % 1 != 0
    somebody.page.mouse.up()
    assert somebody.eventually(lambda: time(somebody) % 1 == 0)
    assert 0 < time(somebody) < last(somebody)


def test_it_plays_and_pauses(visitor: Enter, trained: Path) -> None:
    """From its beginning to its end; space and the button stop it in between."""
    somebody = watching(visitor().open("train", "model=digits-2d&run=short"))
    somebody.button("Play").click()
    somebody.button("Pause").wait_for()
    assert somebody.eventually(lambda: 1 < time(somebody) < last(somebody))
    somebody.find(TIME).focus()
    somebody.key(" ")
    somebody.button("Play").wait_for()
    assert somebody.eventually(lambda: time(somebody) % 1 == 0)
    stood = time(somebody)
    somebody.page.wait_for_timeout(700)
    assert time(somebody) == stood < last(somebody)
    somebody.key(" ")
    assert somebody.eventually(lambda: time(somebody) == last(somebody))
    somebody.button("Play").wait_for()


def test_where_motion_is_unwelcome_it_steps(visitor: Enter, trained: Path) -> None:
    """Playing goes from frame to frame, and nothing lies between."""
    somebody = visitor(alone=True, reduced_motion="reduce")
    watching(somebody.open("train", "model=digits-2d&run=short"))
    somebody.find(TIME).focus()
    somebody.key("Home")
    assert somebody.eventually(lambda: time(somebody) == 0)
    somebody.button("Play").click()
    found = set()
    for _ in range(25):
        somebody.page.wait_for_timeout(100)
        found.add(time(somebody))
    assert len(found) >= 3
    assert all(one % 1 == 0 for one in found)


def test_new_frames_appear_while_it_trains(visitor: Enter, server: Server, trained: Path) -> None:
    """At its end the replay follows; scrubbed back it stays where it is."""
    whole = (trained / runs.REPLAY).read_bytes()
    ends = [at for at in range(len(whole)) if whole.startswith(b"LXR1", at)]
    (trained / runs.REPLAY).write_bytes(whole[: ends[6]])
    runs.append(trained, "state", state="paused")
    somebody = visitor().open("train", "model=digits-2d&run=short")
    somebody.page.get_by_text("Training replay so far").click()
    watching(somebody)
    assert last(somebody) == 5
    live = somebody.find(".lx-live")
    assert live.is_visible()
    (trained / runs.REPLAY).write_bytes(whole[: ends[9] + 7])  # the last one torn
    assert somebody.eventually(lambda: last(somebody) == 8)
    assert somebody.eventually(lambda: time(somebody) == 8)
    somebody.find(TIME).focus()
    somebody.key("Home")
    assert somebody.eventually(lambda: time(somebody) == 0)
    assert not live.is_visible()
    (trained / runs.REPLAY).write_bytes(whole)
    assert somebody.eventually(lambda: last(somebody) == len(ends) - 1)
    somebody.page.wait_for_timeout(500)
    assert time(somebody) == 0


def test_it_fits_a_phone(visitor: Enter, trained: Path) -> None:
    """At 400 px nothing sticks out, and a finger can press all that is there to be pressed."""
    somebody = watching(visitor("phone").open("train", "model=digits-2d&run=short"))
    assert somebody.page.evaluate("document.documentElement.scrollWidth") <= 400
    for selector in (f"{MAP}", GRID, SAMPLES, TIME, ".lx-replay-bar button"):
        box = somebody.find(selector).bounding_box()
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= 400, selector
        assert box["height"] >= 44, selector


class File(Visitor):
    """A person with an exported page."""

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)


def test_an_exported_page_plays_offline(browser: Any, run: Path, tmp_path: Path) -> None:
    """The same slider over the same frames, from a file and with no network."""
    replay = runs.read_replay(run)
    assert replay is not None
    saved = model_folder.open_folder(run)
    small = runs.replay_bundles.small_bundle(replay, saved.card.model)
    path = tmp_path / "short.html"
    path.write_bytes(html.page(saved, replay=small))
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_offline(True)
    somebody = File(context.new_page())
    somebody.page.goto(path.as_uri())
    watching(somebody)
    end = seen(somebody)
    somebody.button("Play").click()
    assert somebody.eventually(lambda: 0 < time(somebody) < last(somebody))
    assert somebody.eventually(lambda: time(somebody) == last(somebody))
    assert moment(somebody).endswith("epoch 8.00 of 8")
    somebody.find(TIME).focus()
    somebody.key("Home")
    assert somebody.eventually(lambda: moment(somebody) == "Before the first step")
    assert all(one != other for one, other in zip(seen(somebody), end, strict=True))
    somebody.check()
    context.close()

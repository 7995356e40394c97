"""t-SNE in a process of its own: watched, paused, stopped, resumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from vae_core.errors import CheckpointError, ConfigError
from vae_core.jobs import processes, tsne
from vae_core.jobs.tsne import MapConfig, MapStatus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a map of three blobs that nobody has computed yet."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0] * 5, [8.0] * 5, [-8.0] * 5]).repeat_interleave(60, dim=0)
    mu = centres + torch.randn(180, 5, generator=generator)
    config = MapConfig(model_hash="abc", perplexity=10, seed=1)
    return tsne.create(tmp_path, config, ids=torch.arange(1000, 1180), mu=mu)


def wait_for(folder: Path, wanted: Callable[[MapStatus], bool], seconds: float = 90) -> MapStatus:
    """Look until a map stands as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        now = tsne.status(folder)
        if wanted(now):
            return now
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def test_a_finished_map_separates_the_blobs(folder: Path) -> None:
    """The worker ends with a point for each id, and points lie nearest to their own blob."""
    assert tsne.status(folder).state == "queued"
    assert tsne.execute(folder) == "finished"
    now = tsne.status(folder)
    assert (now.state, now.iteration) == ("finished", now.total)
    assert now.ids is not None
    assert now.points is not None
    assert now.ids.tolist() == list(range(1000, 1180))
    blobs = now.points.reshape(3, 60, 2)
    own = (blobs - blobs.mean(1, keepdim=True)).norm(dim=-1).mean()
    between = torch.cdist(blobs.mean(1), blobs.mean(1)).sum() / 6
    assert between > 3 * own


def test_a_worker_pauses_goes_on_and_stops(folder: Path) -> None:
    """A pause holds the points still; a stop keeps them and ends the process."""
    tsne.request(folder, "run")
    wait_for(folder, lambda now: now.iteration >= tsne.EVERY)
    tsne.request(folder, "pause")
    paused = wait_for(folder, lambda now: now.state in ("paused", "finished"))
    if paused.state == "paused":  # a fast machine may have finished before it looked
        time.sleep(0.3)
        assert tsne.status(folder).iteration == paused.iteration
        tsne.request(folder, "stop")
        stopped = wait_for(folder, lambda now: now.state == "stopped")
        assert stopped.points is not None
        assert stopped.iteration == paused.iteration


def test_maps_are_computed_one_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is on its way or at work another is refused, and may begin once that pauses."""
    started: list[Path] = []
    monkeypatch.setattr(processes, "start", lambda folder, worker: started.append(folder))
    config = MapConfig(model_hash="abc", perplexity=20, seed=1)
    other = tsne.create(folder.parent, config, ids=torch.arange(180), mu=torch.zeros(180, 5))
    tsne.request(folder, "run")
    with pytest.raises(ConfigError, match="another map is being computed here"):
        tsne.request(other, "run")
    with processes.worker_lock(folder):
        processes.take(folder)
        execution = tsne._Execution(folder, config, torch.zeros(1), torch.zeros(1))
        execution._write_status("running")
        with pytest.raises(ConfigError, match="another map is being computed here"):
            tsne.request(other, "run")
        execution._write_status("paused")
        tsne.request(other, "run")
    assert started == [folder, other]


def test_the_same_map_is_requested_once(folder: Path) -> None:
    """Model, perplexity and seed name the folder; asking again finds it."""
    config = MapConfig(model_hash="abc", perplexity=10, seed=1)
    again = tsne.create(folder.parent, config, ids=torch.arange(180), mu=torch.zeros(180, 5))
    assert again == folder


def test_a_perplexity_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """The sentence names the value and what is allowed, and nothing is written."""
    config = MapConfig(model_hash="abc", perplexity=60, seed=0)
    with pytest.raises(ConfigError, match="perplexity 60: allowed are 2 to 33 for 100 points"):
        tsne.create(tmp_path, config, ids=torch.arange(100), mu=torch.zeros(100, 5))
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_reported(folder: Path) -> None:
    """A points file that is none gives an error that names it."""
    (folder / tsne.POINTS).write_bytes(b"not a safetensors file")
    with pytest.raises(CheckpointError, match=tsne.POINTS):
        tsne.status(folder)


def test_codes_that_are_missing_are_reported(folder: Path) -> None:
    """A file of codes without them names the folder."""
    (folder / tsne.CODES).write_bytes(safetensors.torch.save({"ids": torch.arange(9)}))
    with pytest.raises(ConfigError, match=f"{folder.name} holds no map to compute"):
        tsne.execute(folder)


def test_a_killed_worker_is_interrupted(folder: Path) -> None:
    """A worker that is gone without a word leaves its map interrupted."""
    (folder / "control").unlink(missing_ok=True)
    execution = tsne._Execution(folder, MapConfig(model_hash="a", perplexity=10, seed=0), *(2 * [torch.zeros(1)]))  # fmt: skip  # noqa: E501
    execution._write_status("running")
    assert tsne.status(folder).state == "interrupted"

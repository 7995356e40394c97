"""The same runs and studies on a Dask cluster: a scheduler and two workers, real processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import Cluster, cluster
from running import config, run, wait_for, wait_for_state, weights

from vae_core import runs
from vae_core.cli import main as command_line
from vae_core.errors import ConfigError
from vae_core.jobs import cluster as address_of
from vae_core.jobs import processes
from vae_core.runs import launcher

pytest.importorskip("distributed", reason="the optional extra [cluster] is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # Dask's own

LONG = {"epochs": 400}  # 6,000 steps: long enough to be killed in the middle


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster of two workers."""
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def on_cluster(there: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Let trainings run on the cluster."""
    there.wait_for_workers(2)
    monkeypatch.setenv(address_of.ENVIRONMENT_VARIABLE, there.address)
    return there


def test_a_lost_worker_s_run_goes_on_elsewhere(on_cluster: Cluster, tmp_path: Path) -> None:
    """A worker is killed in mid-run; another takes the run on, to the weights of one in peace."""
    folder = runs.submit(tmp_path / "runs", config(**LONG))
    wait_for(lambda: runs.checkpoint_step(folder) > 0, lambda: runs.status(folder))
    (killed,) = on_cluster.busy()
    os.kill(killed, signal.SIGKILL)
    stood_at = runs.checkpoint_step(folder)
    wait_for_state(folder, "finished", "failed")
    assert on_cluster.worker().pid != killed  # so that the other tests have two again
    resumed = [
        e["step"] for e in runs.events(folder) if e.get("state") == "running" and "step" in e
    ]
    assert resumed[0] == 0
    assert 0 < resumed[1] < 6_000
    assert resumed[1] >= stood_at
    assert weights(folder) == weights(run(tmp_path / "peace", **LONG))


def test_pause_resume_and_stop(on_cluster: Cluster, tmp_path: Path) -> None:
    """The control file reaches a trainer wherever it is; a stopped run's model can be opened."""
    folder = runs.submit(tmp_path, config(epochs=1000))
    wait_for(lambda: runs.status(folder).step > 0, lambda: runs.status(folder))
    runs.pause(folder)
    stands = wait_for_state(folder, "paused").step
    runs.change(folder, learning_rate=1e-4)
    runs.step(folder)
    wait_for(lambda: runs.status(folder).step == stands + 1, lambda: runs.status(folder))
    runs.stop(folder)
    now = wait_for_state(folder, "stopped")
    assert now.changes[0].settings == {"learning_rate": 1e-4}
    wait_for(lambda: not on_cluster.busy())
    assert not processes.is_alive(folder)


def test_what_is_not_wanted_any_more_is_not_trained(tmp_path: Path) -> None:
    """A task that comes late finds its run paused, finished or deleted, and leaves it."""
    folder = runs.create(tmp_path / "late", config())
    runs.append(folder, "state", state="paused", step=0)
    assert launcher.train(str(folder)) == "paused"
    assert launcher.train(str(tmp_path / "gone")) == "deleted"
    assert runs.checkpoint_step(folder) == 0


def test_as_many_at_once_as_the_cluster_has_threads(on_cluster: Cluster, tmp_path: Path) -> None:
    """Without a limit of the server's own, the cluster's size holds."""
    assert runs.limits().at_once == 2


def test_a_training_is_followed_from_the_command_line(
    on_cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train --dask` prints the same records, and leaves the same model folder."""
    settings = ["--dataset", "digits", "--latent-dim", "2", "--hidden", "24", "--epochs", "3"]
    out = tmp_path / "model"
    command = ["train", *settings, "--dask", on_cluster.address, "--out", str(out), "--json"]
    command_line.main(command)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["epoch"] for record in told] == [1, 2, 3]
    assert {"elbo", "rate", "distortion"} <= told[0]["test"].keys()
    assert runs.status(out).state == "finished"


def test_a_study_s_cells_are_shared_among_workers(on_cluster: Cluster, tmp_path: Path) -> None:
    """Two cells of a quick study come back in one result, with the figures of one process."""
    out, alone = tmp_path / "study.json", tmp_path / "alone.json"
    study = ["study", "separation", "--quick", "--json"]
    command_line.main([*study, *cells("separation"), "--out", str(out)])
    os.environ.pop(address_of.ENVIRONMENT_VARIABLE)
    command_line.main([*study, *cells("separation"), "--out", str(alone)])
    figures = [
        {cell["name"]: cell["metrics"] for cell in json.loads(path.read_text())["cells"]}
        for path in (out, alone)
    ]
    assert len(figures[0]) == 2
    assert figures[0] == figures[1]


def test_a_run_waits_until_a_scheduler_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong address is told in a sentence; the run keeps its place in the queue."""
    monkeypatch.setenv(address_of.ENVIRONMENT_VARIABLE, "tcp://127.0.0.1:9")
    monkeypatch.setattr(address_of, "TIMEOUT", 0.5)
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        runs.submit(tmp_path, config())
    (waiting,) = runs.statuses(tmp_path)
    assert waiting.state == "queued"
    assert processes.peek(waiting.folder).waits


def cells(name: str) -> list[str]:
    """Choose the first two cells of a study."""
    from vae_core import studies

    chosen = [cell.name for cell in studies.find(name).cells][:2]
    return [word for cell in chosen for word in ("--cell", cell)]

"""Frames for the replay: when, what, how much, and through every interruption."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from running import config, run, weights

from vae_core import runs
from vae_core.learning import Trainer
from vae_core.runs import replay


def test_steps_are_geometrically_spaced() -> None:
    """Three to an octave, from the initial weights on; some 45 in 30,000 steps."""
    due = [step for step in range(30_001) if replay.is_milestone(step)]
    assert due[:12] == [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20]
    ratios = [b / a for a, b in itertools.pairwise(due[12:])]
    assert all(1.2 < ratio < 1.32 for ratio in ratios)
    assert 40 <= len(due) <= 50


def test_a_run_leaves_its_frames(tmp_path: Path) -> None:
    """Codes of the same test pictures, a grid and samples, from the first weights to the last."""
    folder = run(tmp_path / "run")
    found = runs.read_replay(folder)
    assert found is not None
    steps = [frame.step for frame in found.frames]
    assert steps == [s for s in range(46) if replay.is_milestone(s)] + [45] * (45 not in steps[:-1])
    assert found.labels is not None
    assert len(found.ids) == len(found.labels) == len(found.frames[0].codes)
    last = found.frames[-1]
    assert last.epoch == 3.0
    assert last.codes.shape == (len(found.ids), 2)
    assert last.grid is not None
    assert last.grid.shape == (8, 8, 1, 8, 8)
    assert last.samples.shape == (16, 1, 8, 8)
    from vae_core import model_folder

    model = model_folder.load_model(folder)
    codes = model_folder.load_codes(folder)
    rows = {int(one): row for row, one in enumerate(codes.ids)}
    kept = torch.stack([codes.mu[rows[int(one)]] for one in found.ids])
    assert torch.allclose(last.codes, kept, atol=2e-3, rtol=1e-2)  # float16
    centre = model.decode(torch.full((1, 2), float(torch.special.ndtri(torch.tensor(9 / 16)))))
    drawn = last.grid[3, 4].float() / 255  # right of and above the middle
    assert torch.allclose(drawn, centre.mean[0], atol=1 / 255)
    assert (folder / replay.FILE).stat().st_size < 1_000_000
    assert codes.rate is not None
    kept_elbo = -float((codes.rate + codes.distortion).mean())
    assert last.elbo == pytest.approx(kept_elbo, abs=0.5)  # of other draws of z
    assert found.frames[0].elbo is not None
    assert found.frames[0].elbo < last.elbo


def test_frames_do_not_disturb_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without them the weights are the same."""
    with_frames = weights(run(tmp_path / "with", pixels="dynamic"))
    monkeypatch.setattr(replay.Recorder, "is_due", lambda self, step, always=False: False)
    assert weights(run(tmp_path / "without", pixels="dynamic")) == with_frames


def recorder(folder: Path, **settings: Any) -> tuple[replay.Recorder, Trainer]:
    """Begin a row of frames of a small model."""
    trainer = Trainer(
        small.model_config(**{"latent_dim": 2, "hidden": (7,)} | settings),
        small.train_config(),
        small.dataset(),
    )
    kept = replay.Recorder(folder, small.dataset(), small.train_config())
    kept.resume(0)
    return kept, trainer


def test_a_resume_cuts_off_what_came_after(tmp_path: Path) -> None:
    """Frames of steps that will be made again are made again, in order, once."""
    kept, trainer = recorder(tmp_path)
    for step in (0, 1, 2, 3):
        kept.append(step, step / 5, kept.snapshot(trainer.model))
    kept.resume(1)
    assert kept.is_due(2)
    assert not kept.is_due(1)
    kept.append(2, 0.4, kept.snapshot(trainer.model))
    found = runs.read_replay(tmp_path)
    assert found is not None
    assert [frame.step for frame in found.frames] == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_a_torn_frame_is_left_out_and_overwritten(tmp_path: Path, cut: int) -> None:
    """At any byte; a damaged one ends the row as well."""
    kept, trainer = recorder(tmp_path)
    for step in (0, 1):
        kept.append(step, 0.0, kept.snapshot(trainer.model))
    path = tmp_path / replay.FILE
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    found = runs.read_replay(tmp_path)
    assert found is not None
    assert [frame.step for frame in found.frames] == [0]
    kept.resume(1)
    kept.append(1, 0.0, kept.snapshot(trainer.model))
    assert path.read_bytes() == content
    path.write_bytes(
        content[:-cut] + bytes([content[-cut] ^ 1]) + content[len(content) - cut + 1 :]
    )
    found = runs.read_replay(tmp_path)
    assert found is not None
    assert [frame.step for frame in found.frames] == [0]


@pytest.mark.parametrize(
    "fault",
    [
        lambda frame: {},
        lambda frame: frame | {"codes": frame["codes"][:-1]},
        lambda frame: frame | {"codes": frame["codes"].float()},
        lambda frame: frame | {"codes": frame["codes"] * float("nan")},
        lambda frame: frame | {"samples": frame["samples"][0]},
        lambda frame: {name: one for name, one in frame.items() if name != "grid"},
    ],
)
def test_frames_end_where_one_does_not_fit(tmp_path: Path, fault: Any) -> None:
    """What cannot be shown beside the first frame is left out, and what follows it."""
    kept, trainer = recorder(tmp_path)
    frame = kept.snapshot(trainer.model)
    for step, tensors in enumerate((frame, fault(frame), frame)):
        kept.append(step, 0.0, tensors)
    found = runs.read_replay(tmp_path)
    assert found is not None
    assert [one.step for one in found.frames] == [0]
    first = tmp_path / "first"
    first.mkdir()
    kept = replay.Recorder(first, small.dataset(), small.train_config())
    kept.resume(0)
    kept.append(0, 0.0, {name: one for name, one in frame.items() if name != "codes"})
    assert runs.read_replay(first) is None


def test_frames_of_older_versions_have_no_elbo(tmp_path: Path) -> None:
    """They are shown without it; so is one that is not finite."""
    kept, trainer = recorder(tmp_path)
    frame = kept.snapshot(trainer.model)
    kept.append(0, 0.0, {name: one for name, one in frame.items() if name != "elbo"})
    kept.append(1, 0.0, frame | {"elbo": torch.tensor(float("inf"))})
    found = runs.read_replay(tmp_path)
    assert found is not None
    assert [one.elbo for one in found.frames] == [None, None]


def test_large_pictures_are_fewer() -> None:
    """A frame of a CIFAR-10 model is no larger than twice one of an MNIST model."""
    for shape, grid, samples in (((1, 28, 28), 8, 16), ((3, 32, 32), 5, 8)):
        count = grid**2 + samples
        assert count * torch.Size(shape).numel() <= 2 * replay.PICTURE_VALUES


@pytest.mark.parametrize(
    "settings",
    [{"latent_dim": 3}, {"conditional": True, "classes": 2}, {"prior": "label", "classes": 2}],
)
def test_models_of_every_kind_leave_frames(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Without a grid where there is no plane, or one for each label."""
    kept, trainer = recorder(tmp_path, **settings)
    kept.append(0, 0.0, kept.snapshot(trainer.model))
    found = runs.read_replay(tmp_path)
    assert found is not None
    assert found.frames[0].grid is None
    assert found.frames[0].samples.shape == (16, *small.SHAPE)


def test_a_run_without_frames_has_none(tmp_path: Path) -> None:
    """A folder of an older version, or a file that is something else."""
    runs.create(tmp_path / "run", config())
    assert runs.read_replay(tmp_path / "run") is None
    (tmp_path / "run" / replay.FILE).write_bytes(b"something else entirely")
    assert runs.read_replay(tmp_path / "run") is None

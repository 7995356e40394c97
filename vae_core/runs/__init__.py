"""Train in a separate process that writes a run folder, which all others only read.

============================  ===============================================================
``config.json``               model and training settings; written once
``events.jsonl``              one event per line; an incomplete last line is ignored
``checkpoint.safetensors``    all that a resume needs; replaced atomically
``previous.safetensors``      the checkpoint before it, in case that one is damaged
``replay.bin``                frames of the replay; an incomplete last one is ignored
``control``                   the request to the trainer
the files of a model folder   once the training has ended
============================  ===============================================================

``docs/runs.md`` has the details.
"""

from vae_core.runs import replay_bundles
from vae_core.runs.changes import Change
from vae_core.runs.changes import apply as check_changes
from vae_core.runs.changes import parse as read_change
from vae_core.runs.control import (
    change,
    copy,
    delete,
    epoch,
    extend,
    follow,
    pause,
    resume,
    rewind,
    step,
    stop,
    submit,
)
from vae_core.runs.execution import execute
from vae_core.runs.folders import (
    CHECKPOINT,
    CONFIG,
    ENVIRONMENT_VARIABLE,
    EVENTS,
    NEXT,
    PREVIOUS,
    RunConfig,
    append,
    checkpoint_step,
    command_line,
    create,
    events,
    list_runs,
    new_folder,
    read_checkpoint,
    read_config,
    read_model,
    runs_dir,
    write_checkpoint,
)
from vae_core.runs.limits import Limits, limits
from vae_core.runs.queue import (
    QueuePosition,
    advance,
    queue_order,
    queue_positions,
    request,
    start_next,
    statuses,
    try_advance,
)
from vae_core.runs.replay import FILE as REPLAY
from vae_core.runs.replay import Frame, Replay
from vae_core.runs.replay import read as read_replay
from vae_core.runs.status import RunStatus, State, status, summary
from vae_core.runs.trash import deleted, purge, restore
from vae_core.runs.unfinished import open_unfinished

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "ENVIRONMENT_VARIABLE",
    "EVENTS",
    "NEXT",
    "PREVIOUS",
    "REPLAY",
    "Change",
    "Frame",
    "Limits",
    "QueuePosition",
    "Replay",
    "RunConfig",
    "RunStatus",
    "State",
    "advance",
    "append",
    "change",
    "check_changes",
    "checkpoint_step",
    "command_line",
    "copy",
    "create",
    "delete",
    "deleted",
    "epoch",
    "events",
    "execute",
    "extend",
    "follow",
    "limits",
    "list_runs",
    "new_folder",
    "open_unfinished",
    "pause",
    "purge",
    "queue_order",
    "queue_positions",
    "read_change",
    "read_checkpoint",
    "read_config",
    "read_model",
    "read_replay",
    "replay_bundles",
    "request",
    "restore",
    "resume",
    "rewind",
    "runs_dir",
    "start_next",
    "status",
    "statuses",
    "step",
    "stop",
    "submit",
    "summary",
    "try_advance",
    "write_checkpoint",
]

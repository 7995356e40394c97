"""Open the model of a run whose training has not ended."""

from __future__ import annotations

from pathlib import Path

from vae_core import publishing
from vae_core.data import load_for
from vae_core.errors import CheckpointError
from vae_core.model_folder import ModelCard, Saved
from vae_core.runs import folders
from vae_core.runs.status import status


def open_unfinished(folder: Path, *, data_dir: Path | None = None) -> Saved:
    """Open the model in a run's last checkpoint and encode the test set with it.

    The card has no metrics but says how many epochs are done, and there is no t-SNE map.

    Raises
    ------
    CheckpointError
        If there is no checkpoint yet.
    DatasetError
        If the dataset is not on this host.
    """
    now = status(folder)
    config = now.config
    found = folders.read_model(folder)
    if found is None:
        raise CheckpointError(
            f"run {folder.name!r} has no checkpoint yet, so there is no model to open"
        )
    model, step = found
    dataset = load_for(config.training, image_shape=config.model.image_shape, data_dir=data_dir)
    encoded = publishing.encode_test(model, dataset, config.training)
    came = f"{now.epoch} of {config.training.epochs} epochs are done"
    card = ModelCard(
        name=config.name,
        dataset=dataset.name,
        classes=dataset.classes,
        model=config.model,
        training=config.training,
        warnings=(f"The training has not ended: this is the model after step {step:,}; {came}.",),
        command=folders.command_line(config),
        ink=publishing.ink_of(dataset),
    )
    codes = publishing.map_codes(encoded, dataset.test, classes=dataset.classes, tsne=False)
    return Saved(card=card, model=model, codes=codes)

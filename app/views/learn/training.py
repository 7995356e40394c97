"""Training inside the page."""

from app import state
from app.components.training import TrainingSet, training
from app.resources import datasets


def show() -> None:
    """Show the training that runs in the browser."""
    settings = state.current().training
    chosen = (settings or "").split("_")[0]
    # A link cannot bring dropped pictures along: another dataset stands in.
    chosen = chosen if chosen in datasets.IN_THE_PAGE else datasets.IN_THE_PAGE[0]
    training(
        "training",
        sets=[_training_set(name, chosen) for name in datasets.IN_THE_PAGE],
        settings=settings,
        on_settings=lambda text: state.update_from_panel(training=text),
    )


def _training_set(name: str, chosen: str) -> TrainingSet:
    """Return a dataset; the images are read once somebody has chosen it."""
    title = datasets.title(name)
    if not datasets.is_present(name):
        return TrainingSet(name, title, missing=f"{title} is not on this server.")
    if name == "mnist":
        title = f"{title}, {datasets.TRAINED_IN_THE_PAGE:,} images"
    return TrainingSet(name, title, datasets.training_address(name) if name == chosen else None)

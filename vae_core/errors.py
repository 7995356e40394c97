"""What can go wrong for a user: each error is one clear sentence that can be shown as it is.

The sentence names the value, what was found and what is allowed. The command line prints it with
exit status 2, the app shows it on the page; neither shows a traceback.
"""


class LatentExplorerError(ValueError):
    """The project's own errors: something the user gave cannot be used."""


class ConfigError(LatentExplorerError):
    """A setting is unknown or outside what is allowed."""


class CheckpointError(LatentExplorerError):
    """A model folder or a checkpoint is damaged, foreign or incomplete."""


class ImageError(LatentExplorerError):
    """A picture cannot be read, or holds nothing that a model could see."""


class DatasetError(LatentExplorerError):
    """A dataset's file is damaged, swapped or foreign, or no dataset has the given name."""


class DatasetMissingError(DatasetError):
    """A known dataset is not on this machine; it can be downloaded.

    Parameters
    ----------
    message
        The sentence for the user.
    name
        The dataset's name in the registry, e.g. ``"mnist"``.
    megabytes
        What a download fetches.
    url
        Where a download comes from.
    """

    def __init__(self, message: str, *, name: str, megabytes: int, url: str) -> None:
        super().__init__(message)
        self.name = name
        self.megabytes = megabytes
        self.url = url

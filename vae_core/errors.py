"""Errors with one sentence for the user: the name, the value and what is allowed.

The command line prints the sentence and exits with status 2; the app shows it on the page.
"""


class LatentExplorerError(ValueError):
    """Base of the project's errors: an input cannot be used."""


class ConfigError(LatentExplorerError):
    """A setting is unknown, or its value is not allowed."""


class CheckpointError(LatentExplorerError):
    """A model folder or a checkpoint is damaged, incomplete or of another format."""


class LessonError(LatentExplorerError):
    """A lesson's file breaks a rule; the sentence begins with the file and the line."""


class ImageError(LatentExplorerError):
    """A picture cannot be read, or is empty."""


class OnnxError(LatentExplorerError):
    """An ONNX file is damaged, too large, or has something that cannot be run."""


class OnnxSizeError(OnnxError):
    """A value of an ONNX file's graph has a size below 0, or is too large."""


class OperatorError(OnnxError):
    """An ONNX file is sound, and has operators that our operations cannot express."""


class DatasetError(LatentExplorerError):
    """A dataset's file is damaged or of another format, or the dataset is unknown."""


class DatasetMissingError(DatasetError):
    """A known dataset has not been downloaded: its registry name, size and address."""

    def __init__(self, message: str, *, name: str, megabytes: int, url: str) -> None:
        super().__init__(message)
        self.name = name
        self.megabytes = megabytes
        self.url = url

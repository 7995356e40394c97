"""Import models that were made elsewhere: ONNX files, PyTorch modules, functions."""

from vae_core.imports.importing import (
    Checked,
    Imported,
    check_model,
    import_model,
    prepare,
    told_by,
)
from vae_core.imports.pictures import reread

__all__ = [
    "Checked",
    "Imported",
    "check_model",
    "import_model",
    "prepare",
    "reread",
    "told_by",
]

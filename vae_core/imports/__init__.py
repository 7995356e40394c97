"""Import models that were made elsewhere: ONNX files, PyTorch modules, functions."""

from vae_core.imports.importing import Imported, import_model

__all__ = ["Imported", "import_model"]

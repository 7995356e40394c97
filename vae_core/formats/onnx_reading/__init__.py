"""Read ONNX files as graphs of operations.

ONNX is what PyTorch, Keras, JAX and TensorFlow export. Its nodes are lowered to the operations of
``vae_core.graphs``: constants are computed, layouts in memory are tracked so that a transpose takes
a layer only where an operation needs another order, and the size of the batch stays open.
"""

from vae_core.formats.onnx_reading.foreign import ForeignModel, read_foreign
from vae_core.formats.onnx_reading.model import OnnxModel, Port, read
from vae_core.formats.onnx_reading.operators import KNOWN

__all__ = ["KNOWN", "ForeignModel", "OnnxModel", "Port", "read", "read_foreign"]

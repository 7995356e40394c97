"""The writer of ONNX models by its earlier name."""

from vae_core.formats.onnx_writing import IR_VERSION, OPERATOR_SET, decoder

__all__ = ["IR_VERSION", "OPERATOR_SET", "decoder"]

"""How a model leaves: bundles for the browser, HTML, ONNX, tables."""

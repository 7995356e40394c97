"""Export formats: bundles for the browser, HTML pages, ONNX files, tables."""

"""The Python face of each browser panel."""

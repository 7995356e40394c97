"""One Python function for each browser panel, of the panel's name."""

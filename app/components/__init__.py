"""One Python function for each browser panel, named as the panel."""

"""Run work in separate processes: on this host, on a Dask cluster, and t-SNE."""

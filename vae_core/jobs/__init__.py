"""Work in processes of its own: workers on this host, a Dask cluster, t-SNE."""

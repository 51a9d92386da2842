"""Work of an archive on the workers of a Dask cluster."""

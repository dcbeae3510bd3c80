"""The executor `dask` for flowpar: attempts at tasks on the workers of a dask cluster."""

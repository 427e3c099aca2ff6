"""Parts of the benchmark of the data room."""

"""Tasks on the machines of a Ray cluster; knows nothing of data and models."""

"""Kernels written for speed. Each has a slow twin, a layer or a formula, that the tests hold it to."""

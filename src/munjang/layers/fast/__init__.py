"""Kernels written for speed, each tested against a slow twin: a layer or a formula."""

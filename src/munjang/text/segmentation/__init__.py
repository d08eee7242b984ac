"""Segmentation of columns of texts into words, and their counts, without a Python string each."""

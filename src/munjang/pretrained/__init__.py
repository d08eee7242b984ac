"""Pretrained weights: word vectors, and weights by name."""

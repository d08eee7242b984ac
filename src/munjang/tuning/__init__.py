"""Hyperparameter search: many trials on one split, scored on its validation part."""

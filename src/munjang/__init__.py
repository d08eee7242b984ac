"""Munjang: train, compare, look inside and ship small neural text models from your own text."""

__version__ = "0.1.0"

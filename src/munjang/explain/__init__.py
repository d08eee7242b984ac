"""Explanations of models as data, without drawing."""

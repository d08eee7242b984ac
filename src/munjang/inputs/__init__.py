"""Inputs of networks, by kind of row: one text, an image, a source and a target text."""

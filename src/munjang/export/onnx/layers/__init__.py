"""Layers as parts of a graph: one function per kind of layer."""

"""Smaller model folders: pruned and quantized weights."""

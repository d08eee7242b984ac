"""Decoding: from a model's `begin` and `step` to answers. No file here knows a model."""

"""Decoding: from a model's first `State` and its `step` function to answers."""

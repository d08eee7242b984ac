"""Encoder-decoders: a source text in, a target text out, token by token."""

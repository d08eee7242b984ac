"""Tokenizers of munjang in the JSON of the package `tokenizers`."""

"""Encoder-decoders that CTranslate2 runs."""

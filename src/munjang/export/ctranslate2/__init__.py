"""Encoder-decoders as models of CTranslate2, with a script that answers without PyTorch."""

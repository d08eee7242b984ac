"""Pairs of texts, a source and a target: read, checked, and put into batches together."""

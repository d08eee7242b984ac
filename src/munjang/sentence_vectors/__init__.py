"""Sentence vectors of files of any size: written to files, and searched."""

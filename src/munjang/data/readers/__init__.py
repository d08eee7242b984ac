"""Readers of files, standard input, data frames and lists."""

from munjang.data.readers.read import read_table

__all__ = ["read_table"]

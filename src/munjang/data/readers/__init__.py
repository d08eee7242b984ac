"""Files, standard input, data frames and lists to one table, or to a stream of texts."""

from munjang.data.readers.read import read_table

__all__ = ["read_table"]

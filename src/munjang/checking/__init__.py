"""A look at data and cost before training: what `munjang check` shows."""

from munjang.checking.check import check

__all__ = ["check"]

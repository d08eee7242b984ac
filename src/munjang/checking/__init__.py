"""Checks of data and cost before training: what `munjang check` shows."""

from munjang.checking.check import Report, check, report_blocks

__all__ = ["Report", "check", "report_blocks"]

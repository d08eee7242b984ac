"""Estimates of what a training costs in memory and time."""

from munjang.estimates.training import Estimate, estimate_training

__all__ = ["Estimate", "estimate_training"]

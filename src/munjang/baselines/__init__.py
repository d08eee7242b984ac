"""Baselines without a network, to compare trained models with."""

from munjang.baselines.baseline import CONFIG, Baseline
from munjang.baselines.classes import BASELINES, READ_NO_TEXT, ClassBaseline, fit_baseline
from munjang.baselines.load import load_baseline
from munjang.baselines.pairs import PAIR_BASELINES, PairBaseline, fit_pair_baseline

__all__ = [
    "BASELINES",
    "CONFIG",
    "PAIR_BASELINES",
    "READ_NO_TEXT",
    "Baseline",
    "ClassBaseline",
    "PairBaseline",
    "fit_baseline",
    "fit_pair_baseline",
    "load_baseline",
]

"""Estimators with scikit-learn's manners over `munjang.api`."""

from munjang.estimators.pairs import Seq2Seq
from munjang.estimators.texts import TextClassifier

__all__ = ["Seq2Seq", "TextClassifier"]

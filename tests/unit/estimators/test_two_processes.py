"""Cross-validation in two processes gives the scores of one.

All estimators in one file: joblib keeps its processes from test to test, and to begin them takes
seconds.
"""

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold, cross_val_score

from tests.unit.estimators import (
    test_image_classifier,
    test_seq2seq,
    test_text_classifier,
    test_text_multilabel,
    test_text_regressor,
)


def score(model: Any, rows: Any, targets: Any, *, processes: int = 1, parts: Any = 2) -> Any:
    return cross_val_score(model, rows, targets, cv=parts, n_jobs=processes, error_score="raise")


def test_text_classifier_scores() -> None:
    model, rows = test_text_classifier.make_classifier(), test_text_classifier.TEXTS
    labels = test_text_classifier.LABELS
    scores = score(model, rows, labels, processes=2)
    np.testing.assert_array_equal(scores, score(model, rows, labels))
    assert scores.min() > 0.7


def test_text_multilabel_scores() -> None:
    model, rows = test_text_multilabel.make_classifier(), test_text_multilabel.TEXTS
    sets, matrix = test_text_multilabel.SETS, test_text_multilabel.MATRIX
    scores = score(model, rows, sets, processes=2)
    np.testing.assert_array_equal(scores, score(model, rows, matrix))
    lists = [sorted(labels) for labels in sets]
    np.testing.assert_array_equal(scores, score(model, rows, lists, parts=KFold(2)))


def test_text_regressor_scores() -> None:
    model, rows = test_text_regressor.make_regressor(), test_text_regressor.TEXTS
    numbers = test_text_regressor.NUMBERS
    scores = score(model, rows, numbers, processes=2)
    np.testing.assert_array_equal(scores, score(model, rows, numbers))


def test_image_classifier_scores() -> None:
    model, rows = test_image_classifier.make_classifier(), test_image_classifier.IMAGES
    labels = test_image_classifier.LABELS
    scores = score(model, rows, labels, processes=2)
    np.testing.assert_array_equal(scores, score(model, rows, labels))


@pytest.mark.slow
def test_seq2seq_scores() -> None:
    quick = {**test_seq2seq.QUICK, "training.epochs": 3}
    model, rows = test_seq2seq.make_seq2seq(settings=quick), test_seq2seq.SOURCES
    scores = score(model, rows, test_seq2seq.TARGETS, processes=2)
    np.testing.assert_array_equal(scores, score(model, rows, test_seq2seq.TARGETS))
    assert scores.min() > 0

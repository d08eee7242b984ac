"""Logistic regression for any number of outputs, also of classes that no row has."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax

from munjang.tasks.classify import Classify, ClassifySettings
from munjang.tasks.linear import solve_logistic
from munjang.tasks.multilabel import Multilabel

FEATURES = csr_matrix(np.eye(4)[[0, 0, 1, 1, 2, 2, 3]])
THREE = np.asarray([0, 0, 1, 1, 2, 2, 2])
TWO = np.asarray([0, 0, 1, 1, 1, 1, 1])


def compute_logits(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.asarray(FEATURES @ weights.T + bias)


def test_one_logit_per_class() -> None:
    weights, bias = solve_logistic(FEATURES, THREE, 3)
    assert weights.shape == (3, 4)
    assert (compute_logits(weights, bias).argmax(1) == THREE).all()


def test_single_logit_equals_difference_of_two() -> None:
    one, both = (compute_logits(*solve_logistic(FEATURES, TWO, outputs)) for outputs in (1, 2))
    assert one.shape == (7, 1)
    assert expit(one[:, 0]) == pytest.approx(softmax(both, axis=1)[:, 1])
    assert ((one[:, 0] > 0) == TWO).all()


def test_class_without_rows_is_least_likely() -> None:
    answers = softmax(compute_logits(*solve_logistic(FEATURES, np.asarray(THREE) * 2, 5)), axis=1)
    assert (answers.argmax(1) == THREE * 2).all()
    assert (answers[:, [1, 3]] < 0.2).all()


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_rows_of_one_class_only(outputs: int) -> None:
    weights, bias = solve_logistic(FEATURES, np.ones(7, dtype=np.int64), outputs)
    assert not weights.any()
    assert bias[0] > 0 if outputs == 1 else bias.argmax() == 1


def test_without_features_the_prior_is_predicted() -> None:
    weights, bias = solve_logistic(csr_matrix((7, 0)), THREE, 3)
    assert weights.shape == (3, 0)
    assert softmax(bias) == pytest.approx([2 / 7, 2 / 7, 3 / 7])


def test_class_weights_weight_rows() -> None:
    """A row without features is answered by the bias alone, which leans to the heavy class."""
    shares = []
    for heavy in (1.0, 20.0):
        settings = ClassifySettings(class_weights={"a": heavy, "b": 1.0})
        task = Classify.from_labels(["a", "b", "b"], settings)
        weights, bias = task.solve(FEATURES, TWO)
        assert weights.shape == (1, 4)
        shares.append(float(expit(bias[0])))
    assert all(later < earlier for earlier, later in pairwise(shares))


def test_multilabel_solves_each_label() -> None:
    task = Multilabel(("a", "b", "never"))
    targets = np.stack([TWO, THREE == 2, np.zeros(7)], axis=1).astype(float)
    weights, bias = task.solve(FEATURES, targets)
    assert weights.shape == (3, 4)
    assert bias.shape == (3,)
    assert ((compute_logits(weights, bias) > 0) == targets.astype(bool)).all()

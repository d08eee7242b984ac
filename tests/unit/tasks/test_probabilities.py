"""Probabilities of logits: a row has those of the row alone, whatever the batch."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import softmax as reference

from munjang.tasks.probabilities import sigmoid, softmax


@pytest.mark.parametrize("outputs", [1, 2, 3, 7])
def test_rows_do_not_depend_on_the_batch(outputs: int) -> None:
    logits = np.random.default_rng(outputs).normal(0, 4, (301, outputs))
    for function in (softmax, sigmoid):
        together = function(logits)
        alone = np.concatenate([function(logits[n : n + 1]) for n in range(len(logits))])
        assert np.array_equal(together, alone)


def test_equal_references_and_stay_finite_at_the_ends() -> None:
    logits = np.array([[-1e300, 1e300], [-800.0, 800.0], [0.0, 0.0], [-3.1303866563190748, 2.0]])
    np.testing.assert_allclose(sigmoid(logits), expit(logits), rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(softmax(logits), reference(logits, axis=1), rtol=1e-15, atol=1e-300)
    two = softmax(logits[:, 1:])
    np.testing.assert_allclose(two[:, 1], expit(logits[:, 1]), rtol=1e-15)
    np.testing.assert_allclose(two.sum(1), 1, rtol=1e-15)

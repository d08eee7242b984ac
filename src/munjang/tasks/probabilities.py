"""Probabilities of logits, by NumPy's exponential.

PyTorch rounds the last elements of an array, which do not fill a vector of the processor, otherwise
than those before them: a row's probabilities would depend on the batch that it is in.
"""

import numpy as np

from munjang.tasks.task import Floats

# Of smaller logits the exponential overflows; probabilities are below 1e-304 there.
_LOWEST = -700.0


def softmax(logits: Floats) -> Floats:
    """Return probabilities [rows, classes] of logits [rows, outputs]; one output is two classes."""
    if logits.shape[1] == 1:
        odds = np.exp(-np.maximum(logits, _LOWEST))
        return np.concatenate([odds / (1 + odds), 1 / (1 + odds)], axis=1)
    powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def sigmoid(logits: Floats) -> Floats:
    """Return the probability of each logit by itself."""
    probabilities: Floats = 1 / (1 + np.exp(-np.maximum(logits, _LOWEST)))
    return probabilities

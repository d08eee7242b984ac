"""Greedy decoding: the most likely token at each step."""

from torch import Tensor


def choose_most_likely(log_probabilities: Tensor, streams: Tensor, steps: Tensor) -> Tensor:
    """Return the most likely token of each hypothesis; of equal ones the lowest id.

    Args:
        log_probabilities: [rows, hypotheses, vocabulary].
        streams: not read, as nothing is drawn.
        steps: not read.

    Returns:
        ids, [rows, hypotheses].
    """
    # PyTorch returns the first maximum
    return log_probabilities.argmax(2)

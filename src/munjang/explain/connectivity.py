"""Connectivity: which tokens of one text the state at each token draws on.

The norm of the Jacobian of the state h_t with respect to the vector x_s of each token, as in Madsen
(2019), "Visualizing memorization in RNNs", which takes the gradient of one logit of a language
model; here it is of the whole state, so that every network with states has it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from munjang.errors import DataError
from munjang.explain.jacobian import PROBES, squared_norms
from munjang.explain.text_tokens import TextTokens, has_words, read_tokens, sum_by_words
from munjang.explain.token_network import open_network
from munjang.model import Model

# A longer text is cut: time and size grow with the square of its length.
MOST_TOKENS = 256
# Tokens that are read in all backward passes together, and fewest random vectors per state.
_MOST_READ, _FEWEST_PROBES = 2**18, 4
_DIGITS = 4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Connectivity:
    """Norms of the gradients of every state of a text with respect to every token.

    Attributes:
        tokens: the tokens, and their words.
        squares: squared norms, [states, tokens].
    """

    tokens: TextTokens
    squares: Floats

    @property
    def truncated(self) -> bool:
        """True if the end of the text was not read."""
        return self.tokens.truncated

    @property
    def labels(self) -> tuple[str, ...]:
        """The rows and columns of `shares`: words, or tokens of a text without words."""
        return self.tokens.word_labels if has_words(self.tokens) else self.tokens.labels

    @property
    def norms(self) -> Floats:
        """Norms by `labels`: of all states of a word with respect to all of its tokens."""
        squares = self.squares
        if has_words(self.tokens):
            for axis in (0, 1):
                squares = sum_by_words(self.tokens, squares, axis)
        norms: Floats = np.sqrt(squares)
        return norms

    @property
    def shares(self) -> npt.NDArray[np.float32]:
        """Norms by `labels`, each row divided by its sum; a row of zeros stays."""
        norms = self.norms
        sums = norms.sum(1, keepdims=True)
        shares: npt.NDArray[np.float32] = (norms / np.where(sums > 0, sums, 1.0)).astype(np.float32)
        return shares

    def to_json(self) -> dict[str, Any]:
        """Return plain values: tokens, the norms of tokens, and the shares of words."""
        norms = [[float(f"{n:.{_DIGITS}g}") for n in row] for row in np.sqrt(self.squares).tolist()]
        shares = [[round(share, _DIGITS) for share in row] for row in self.shares.tolist()]
        return {
            **self.tokens.to_json(),
            "norms": norms,
            "labels": list(self.labels),
            "shares": shares,
        }


def compute_connectivity(model: Model, text: Any, *, probes: int = PROBES) -> Connectivity:
    """Return the connectivity of one text.

    Args:
        model: a model with one state per token.
        text: the text; (first, second) of two texts. Of a long one the first tokens are read.
        probes: random vectors per state, see `munjang.explain.jacobian.squared_norms`; fewer of
            them are taken of a long text.

    Raises:
        ConfigError: the model has no states.
        DataError: there is no token in the text.
    """
    tokens, network = read_tokens(model, text)
    reader = open_network(network)
    tokens = tokens.take(min(MOST_TOKENS, reader.longest or MOST_TOKENS))
    time = len(tokens.ids)
    ids = torch.tensor([tokens.ids]).expand(time, -1)
    mask = torch.ones_like(ids, dtype=torch.bool)
    affordable = max(_FEWEST_PROBES, min(probes, _MOST_READ // max(1, time * time)))
    squares = squared_norms(reader, ids, mask, torch.arange(time), probes=affordable).numpy()
    if not np.isfinite(squares).all():
        raise DataError(
            "expected finite gradients, got NaN or infinity; the training diverged, train the "
            "model again"
        )
    return Connectivity(tokens, squares)

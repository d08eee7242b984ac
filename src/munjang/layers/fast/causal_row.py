"""One more token of one text through the layers of a causal Transformer, without gradients.

As `munjang.layers.fast.causal_step`, for a single hypothesis. Its vectors are so short that an
operation takes longer to begin than to compute. All results are therefore written into the same
memory step after step, and what is no product of matrices is done by NumPy, whose operations begin
in half the time. Products stay with PyTorch: the threads of NumPy's library are not its own.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.layers.fast.causal_row_weights import Affine, RowWeights

# Places by which the memory of the attention grows.
_PLACES = 32

Floats = npt.NDArray[np.float32]


class CausalRow:
    """Memory of the steps of one text.

    Args:
        weights: of each layer, the lowest one first.
        columns: keys and values, zeros behind them, see
            `munjang.layers.fast.key_value_buffer.KeyValueBuffer`.
        rotation: complex number of each place and pair of features, [room, dim / heads / 2].

    Attributes:
        states: of the present layer, [1, dim].
    """

    def __init__(self, weights: Sequence[RowWeights], columns: Tensor, rotation: Tensor) -> None:
        dim, (heads, _, _, head_dim) = len(weights[0].join), columns.shape[1:]
        hidden = len(weights[0].down.matrix)
        self._weights = weights
        self._columns = columns
        self._free = columns.numpy()
        self._rotation = rotation.numpy()
        self._mean = np.full(dim, 1 / dim, dtype=np.float32)
        self.states = torch.zeros(1, dim)
        self._normed = torch.ones(1, dim + 1)
        self._product = torch.zeros(1, 3 * dim)
        self._taken = torch.zeros(heads, 1, head_dim)
        self._units = torch.zeros(1, hidden)
        self._active = torch.ones(1, hidden + 1)
        self._joined = self._taken.view(1, dim)
        self._hidden = self._active[:, :hidden]
        self._width = 0
        # the same memory for NumPy
        self._state: Floats = self.states.numpy()[0]
        self._scaled: Floats = self._normed.numpy()[0, :dim]
        parts = self._product.numpy().reshape(heads, 3, head_dim)
        self._query = self._product.view(heads, 3, head_dim)[:, :1]
        self._key_value: Floats = parts[:, 1:]
        self._pairs = parts[:, :2].view(np.complex64)

    def step(self, vector: Tensor, place: int) -> Tensor:
        """Read one more token, and write its keys and values into the columns.

        Args:
            vector: of the token, [1, dim].
            place: of the token, the number of those before it.

        Returns:
            [1, dim], before the last norm; the next step overwrites it.
        """
        self.begin(vector.numpy())
        return self.advance(place)

    def begin(self, vectors: Iterable[Floats]) -> None:
        """Let the states be the sum of vectors [dim], less its mean: see `causal_row_weights`."""
        state = self._state
        first, *others = vectors
        state[...] = first
        for vector in others:
            np.add(state, vector, out=state)
        np.subtract(state, np.dot(state, self._mean), out=state)

    def advance(self, place: int) -> Tensor:
        """Send the states through the layers: see `step`."""
        normed, product, active, taken = self._normed, self._product, self._active, self._taken
        states, units, pairs, query = self.states, self._units, self._pairs, self._query
        joined, hidden, rotation = self._joined, self._hidden, self._rotation[place]
        if place >= self._width:
            self._widen(place)
        bias, scores, shares, score = self._bias, self._scores, self._shares, self._score
        bias[place] = 0.0
        free = self._free[:, :, :, place]
        for number, weights in enumerate(self._weights):
            self._normalize(weights.attention_eps)
            torch.mm(normed, weights.project.stacked, out=product)
            np.multiply(pairs, rotation, out=pairs)  # query and key, not the value
            free[number] = self._key_value
            torch.bmm(query, self._keys[number], out=scores)
            np.add(score, bias, out=score)
            torch.softmax(scores, -1, out=shares)
            torch.bmm(shares, self._values[number], out=taken)
            states.addmm_(joined, weights.join)
            self._normalize(weights.feed_forward_eps)
            torch.mm(normed, weights.up.stacked, out=units)
            weights.activate(units, hidden)
            states.addmm_(active, weights.down.stacked)
        return states

    def _widen(self, place: int) -> None:
        """See the places up to that of the next token, and some behind it that have no share."""
        room, heads = self._columns.shape[3], self._columns.shape[1]
        self._width = width = min(room, (place // _PLACES + 1) * _PLACES)
        seen = self._columns[:, :, :, :width]
        self._keys = seen[:, :, 0].transpose(2, 3).unbind(0)
        self._values = seen[:, :, 1].unbind(0)
        self._bias = np.full(width, -math.inf, dtype=np.float32)
        self._bias[:place] = 0.0
        self._scores = torch.zeros(heads, 1, width)
        self._shares = torch.zeros(heads, 1, width)
        self._score = self._scores.numpy()

    def project(self, head: Affine, eps: float) -> Tensor:
        """Return the logits of the token after the last one, [1, vocabulary].

        Args:
            head: output layer of the states after their last norm, laid out by `after_norm`.
            eps: number added to the variance by that norm.
        """
        self._normalize(eps)
        return torch.mm(self._normed, head.stacked)

    def _normalize(self, eps: float) -> None:
        """Divide the states, whose mean is 0, by their standard deviation."""
        state = self._state
        variance = float(np.dot(state, state)) / len(state)
        np.multiply(state, 1 / math.sqrt(variance + eps), out=self._scaled)

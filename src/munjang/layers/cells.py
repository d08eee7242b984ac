"""One step of each recurrent cell, in the symbols of its paper.

Models run PyTorch's fused layers over whole rows, see `layers/recurrent.py`. These functions are
the same computation for one token, to read and to inspect a trained layer; tests compare both.

    x  the vector of a token [batch, dim]      h  the hidden state [batch, hidden]
    W  weights on x [gates x hidden, dim]      U  weights on h [gates x hidden, hidden]
    b  bias beside W [gates x hidden]          d  bias beside U [gates x hidden]
    σ  the logistic function                   ∘  the element-wise product

As in PyTorch there are two biases where the papers have one. Only in the GRU their effects differ.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Weights(NamedTuple):
    """Weights of one direction of one layer, gate after gate."""

    w: Tensor
    u: Tensor
    b: Tensor
    d: Tensor


def weights_of(layer: nn.RNNBase) -> Weights:
    """Return the weights of the first layer of a fused `nn.RNN`, `nn.GRU` or `nn.LSTM`."""
    return Weights(*layer.all_weights[0])


def rnn_step(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """Compute one step of Elman (1990), with tanh instead of the logistic function.

    h' = tanh(W x + b + U h + d)
    """
    w, u, b, d = weights
    return torch.tanh(x @ w.T + b + h @ u.T + d)


def lstm_gates(x: Tensor, h: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute input gate i, forget gate f, candidate g, output gate o: each [batch, hidden].

    i, f, o = σ(W x + b + U h + d)    g = tanh(W x + b + U h + d)    each with its own rows
    """
    w, u, b, d = weights
    i, f, g, o = (x @ w.T + b + h @ u.T + d).chunk(4, dim=1)
    return i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()


def lstm_step(x: Tensor, h: Tensor, c: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """Compute one step of Hochreiter and Schmidhuber (1997) with Gers et al.'s forget gate (2000).

    c' = f ∘ c + i ∘ g    h' = o ∘ tanh(c')    c is the memory cell [batch, hidden]
    """
    i, f, g, o = lstm_gates(x, h, weights)
    c = f * c + i * g
    return o * c.tanh(), c


def gru_gates(x: Tensor, h: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Compute reset gate r, update gate z and candidate n: each [batch, hidden].

    r, z = σ(W x + b + U h + d)    n = tanh(W x + b + r ∘ (U h + d))

    Cho et al. reset h before the product, U (r ∘ h). PyTorch, cuDNN and Keras reset after it, so
    that one product serves all gates; so does this function.
    """
    w, u, b, d = weights
    of_x, of_h = (x @ w.T + b).chunk(3, dim=1), (h @ u.T + d).chunk(3, dim=1)
    r, z = ((a + c).sigmoid() for a, c in zip(of_x[:2], of_h[:2], strict=True))
    return r, z, torch.tanh(of_x[2] + r * of_h[2])


def gru_step(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """Compute one step of Cho et al. (2014), reset after the product.

    h' = z ∘ h + (1 - z) ∘ n
    """
    _, z, n = gru_gates(x, h, weights)
    return z * h + (1 - z) * n

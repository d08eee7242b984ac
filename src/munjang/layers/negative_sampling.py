"""Losses of word vectors with negative sampling: skip-gram and continuous bag of words (CBOW).

Mikolov, Sutskever, Chen, Corrado and Dean (2013), "Distributed representations of words and phrases
and their compositionality", equation 4. With v the vector of an input word, u the vector of an
output word, and k negative words n drawn from a noise distribution, the loss of a pair is

    -log sigmoid(v . u) - sum over k negatives of log sigmoid(-v . n)

In skip-gram the input is a token and the output each token in its window; in CBOW the input is the
mean of the tokens in the window, and the output the token in its middle.

The paper draws k negatives per pair. Here all pairs of `GROUP` consecutive tokens share K of them,
each with the weight k / K, so that the products with negatives are dense matrix products. In
skip-gram they do not depend on the output word, so they are computed once per token rather than
once per pair. A negative may be the output word itself, as in the equation. To share them among
more tokens would be faster still, but a word that is drawn then gets one gradient so large that an
adaptive learning rate ignores its other ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.fast.token_bands import TokenBands

# Tokens that share their negatives.
GROUP = 64

# The loss, and the gradients of inputs, outputs and negatives; none if they are not needed.
_Result = tuple[Tensor, tuple[Tensor, ...]]
_Compute = Callable[[Tensor, Tensor, Tensor, bool], _Result]


@dataclass(frozen=True)
class Windows:
    """Which tokens are neighbors.

    Attributes:
        bands: how the tokens are cut.
        inside: True for neighbors, [blocks, block, width].
    """

    bands: TokenBands
    inside: Tensor

    @classmethod
    def of(cls, lines: Tensor, windows: Tensor, window: int) -> "Windows":
        """Find the neighbors of tokens.

        Args:
            lines: number of each token's line, [tokens].
            windows: window of each token, [tokens].
            window: the largest window.
        """
        bands = TokenBands(len(lines), window)
        return cls(bands, bands.mask(lines, windows))

    def count(self) -> Tensor:
        """Return the number of neighbors in the window of each token, [tokens]."""
        return self.bands.flatten(self.inside.sum(2))

    @property
    def groups(self) -> int:
        """Number of groups of tokens."""
        return count_groups(self.bands.tokens)

    def cut_groups(self, values: Tensor) -> Tensor:
        """Cut `values` [tokens, ...] into groups [groups, GROUP, ...], padded with zeros."""
        padding = self.groups * GROUP - len(values)
        padded = F.pad(values, [0, 0] * (values.dim() - 1) + [0, padding])
        return padded.view(self.groups, GROUP, *values.shape[1:])

    def join_groups(self, parts: Tensor) -> Tensor:
        """Return what `cut_groups` cut: [groups, GROUP, ...] to [tokens, ...]."""
        return parts.flatten(0, 1)[: self.bands.tokens]

    def count_windows(self) -> Tensor:
        """Return the number of windows that each token is in, [tokens]."""
        return self.bands.sum_neighbors(self.inside.sum(1))


def count_groups(tokens: int) -> int:
    """Return the number of groups of so many tokens, at least one."""
    return max(1, -(-tokens // GROUP))


def skipgram_loss(
    centers: Tensor, contexts: Tensor, noise: Tensor, windows: Windows, negatives: float
) -> Tensor:
    """Return the sum of the skip-gram loss over all pairs of a token and a neighbor, a scalar.

    Args:
        centers: input vector of each token, [tokens, dim].
        contexts: output vector of each token, [tokens, dim].
        noise: output vectors of the negatives of each group of tokens, [groups, shared, dim].
        windows: the neighbors.
        negatives: number k of negatives per pair.
    """
    return _apply(partial(_skipgram, windows, negatives), centers, contexts, noise)


def cbow_loss(
    contexts: Tensor, centers: Tensor, noise: Tensor, windows: Windows, negatives: float
) -> Tensor:
    """Return the sum of the CBOW loss over all tokens that have a neighbor, a scalar.

    Args:
        contexts: input vector of each token, [tokens, dim].
        centers: output vector of each token, [tokens, dim].
        noise: output vectors of the negatives of each group of tokens, [groups, shared, dim].
        windows: the neighbors.
        negatives: number k of negatives per token.
    """
    return _apply(partial(_cbow, windows, negatives), contexts, centers, noise)


@dataclass(frozen=True)
class _Noise:
    """The part of a loss that negatives make.

    Attributes:
        loss: its sum, a scalar.
        of_inputs: gradient of the input of each prediction, [tokens, dim].
        of_noise: gradient of the negatives, [groups, shared, dim].
    """

    loss: Tensor
    of_inputs: Tensor
    of_noise: Tensor


def _skipgram(
    windows: Windows,
    negatives: float,
    centers: Tensor,
    contexts: Tensor,
    noise: Tensor,
    with_gradients: bool,
) -> _Result:
    bands, inside = windows.bands, windows.inside.to(centers.dtype)
    own, others = bands.centers(centers), bands.neighbors(contexts)
    scores = torch.bmm(own, others.transpose(1, 2))
    loss = (F.softplus(-scores) * inside).sum()
    pairs = bands.flatten(inside.sum(2))
    of_negatives = _score_noise(windows, centers, noise, pairs, negatives)
    loss = loss + of_negatives.loss
    if not with_gradients:
        return loss, ()
    residuals = scores.sigmoid_().sub_(1).mul_(inside)
    of_centers = bands.flatten(torch.bmm(residuals, others)) + of_negatives.of_inputs
    of_contexts = bands.sum_neighbors(torch.bmm(residuals.transpose(1, 2), own))
    return loss, (of_centers, of_contexts, of_negatives.of_noise)


def _cbow(
    windows: Windows,
    negatives: float,
    contexts: Tensor,
    centers: Tensor,
    noise: Tensor,
    with_gradients: bool,
) -> _Result:
    bands, inside = windows.bands, windows.inside.to(contexts.dtype)
    counts = inside.sum(2, keepdim=True)
    shares = inside / counts.clamp(min=1)
    means = bands.flatten(torch.bmm(shares, bands.neighbors(contexts)))
    has_neighbors = bands.flatten(counts)[:, 0].clamp(max=1)
    scores = (means * centers).sum(1)
    of_negatives = _score_noise(windows, means, noise, has_neighbors, negatives)
    loss = F.softplus(-scores) @ has_neighbors + of_negatives.loss
    if not with_gradients:
        return loss, ()
    residuals = scores.sigmoid_().sub_(1).mul_(has_neighbors)[:, None]
    of_means = residuals * centers + of_negatives.of_inputs
    parts = torch.bmm(shares.transpose(1, 2), bands.centers(of_means))
    return loss, (bands.sum_neighbors(parts), residuals * means, of_negatives.of_noise)


def _score_noise(
    windows: Windows, inputs: Tensor, noise: Tensor, predictions: Tensor, negatives: float
) -> _Noise:
    """Return the part of negatives of the loss.

    Args:
        windows: the tokens.
        inputs: input of the predictions of each token, [tokens, dim].
        noise: negatives, [groups, shared, dim].
        predictions: number of predictions of each token, [tokens].
        negatives: number of negatives per prediction.
    """
    groups = windows.cut_groups(inputs)
    weights = windows.cut_groups(predictions * (negatives / noise.shape[1]))
    scores = torch.bmm(groups, noise.transpose(1, 2))
    loss = (F.softplus(scores).sum(2) * weights).sum()
    residuals = scores.sigmoid_().mul_(weights[..., None])
    of_inputs = windows.join_groups(torch.bmm(residuals, noise))
    return _Noise(loss, of_inputs, torch.bmm(residuals.transpose(1, 2), groups))


class _WithGradients(torch.autograd.Function):
    """Autograd function of a loss whose gradients are computed together with it."""

    @staticmethod
    def forward(
        ctx: Any, compute: _Compute, inputs: Tensor, outputs: Tensor, noise: Tensor
    ) -> Tensor:
        loss, gradients = compute(inputs, outputs, noise, True)
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        return (None, *(gradient * grad for gradient in ctx.saved_tensors))


def _apply(compute: _Compute, inputs: Tensor, outputs: Tensor, noise: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return compute(inputs, outputs, noise, False)[0]
    return cast(Tensor, _WithGradients.apply(compute, inputs, outputs, noise))  # type: ignore[no-untyped-call]

"""Scheduled sampling: a decoder that learns also to go on from what it says itself.

Bengio et al. (2015), "Scheduled sampling for sequence prediction with recurrent neural networks".
Here in parallel, as Mihaylova and Martins (2019) and Duckworth et al. (2019) do it: a first pass,
without gradient, reads the given tokens and guesses each next one; a second pass reads some of
those guesses in their place. Two passes over all tokens, instead of one token at a time.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.projection import Projected
from munjang.layers.randomness import current_generator

# logits of one piece: 4 MB of float32
_PIECE = 1 << 20


@torch.no_grad()
def mix_guesses(given: Tensor, given_mask: Tensor, guessed: Projected, share: float) -> Tensor:
    """The given tokens, some of them replaced by the model's best guess for their place.

    GO, the first of each row, is never replaced. Only where a guess is drawn is one made.

    Args:
        given: [batch, time] ids.
        given_mask: True = real token; padding stands on the right.
        guessed: what a pass over `given` said of the real tokens, row by row: of each, what comes
            behind it.
        share: of the real tokens but the first, 0 to 1.

    Returns:
        [batch, time] ids.
    """
    chances = torch.rand(given.shape, device=given.device, generator=current_generator())
    drawn = (chances < share) & given_mask
    drawn[:, 0] = False
    # a token's number among the real ones; the token before it has the number before
    numbers = given_mask.flatten().cumsum(0).view_as(given) - 1
    return given.masked_scatter(drawn, best_words(guessed, numbers[drawn] - 1))


@torch.no_grad()
def best_words(projected: Projected, rows: Tensor) -> Tensor:
    """The word of the highest logit of some rows, [rows], a piece of the logits at a time."""
    size = max(1, _PIECE // len(projected.weight))
    states = torch.split(projected.states[rows], size)
    found = [F.linear(piece, projected.weight, projected.bias).argmax(1) for piece in states]
    return torch.cat(found)

"""Scheduled sampling: decoder inputs that are partly the model's own predictions.

Bengio et al. (2015), "Scheduled sampling for sequence prediction with recurrent neural networks",
in the parallel form of Mihaylova and Martins (2019) and Duckworth et al. (2019): a first pass,
without gradient, reads the true decoder inputs and predicts each next token; a second pass reads
some of those predictions in their place. Two passes over all tokens replace a loop over tokens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.projection import Projected
from munjang.layers.randomness import current_generator

# logits of one chunk: 4 MB of float32
_CHUNK = 1 << 20


@torch.no_grad()
def mix_predictions(
    decoder_inputs: Tensor, decoder_mask: Tensor, predictions: Projected, share: float
) -> Tensor:
    """Replace some decoder inputs by the model's most likely token for their place.

    GO, the first of each row, is never replaced. A prediction is computed only where it is used.

    Args:
        decoder_inputs: [batch, time] ids.
        decoder_mask: [batch, time], True = real token; padding on the right.
        predictions: of a pass over `decoder_inputs`: the token after each real input, row by row.
        share: of the real inputs but the first, 0 to 1.

    Returns:
        [batch, time] ids.
    """
    shape, device = decoder_inputs.shape, decoder_inputs.device
    chances = torch.rand(shape, device=device, generator=current_generator())
    is_replaced = (chances < share) & decoder_mask
    is_replaced[:, 0] = False
    # an input's number among the real ones; the input before it has the number before
    numbers = decoder_mask.flatten().cumsum(0).view(shape) - 1
    tokens = argmax_tokens(predictions, numbers[is_replaced] - 1)
    return decoder_inputs.masked_scatter(is_replaced, tokens)


@torch.no_grad()
def argmax_tokens(projected: Projected, rows: Tensor) -> Tensor:
    """Return the most likely token of some rows, [rows], with the logits of a chunk at a time."""
    size = max(1, _CHUNK // len(projected.weight))
    chunks = torch.split(projected.states[rows], size)
    tokens = [F.linear(chunk, projected.weight, projected.bias).argmax(1) for chunk in chunks]
    return torch.cat(tokens)

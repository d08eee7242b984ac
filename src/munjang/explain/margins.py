"""Margins of answers: the number that says how surely a model answers as it does."""

from typing import Any

import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.models.encoder import TokenVectors
from munjang.tasks.heads import Head, find_heads
from munjang.tasks.inference import limit_threads_if_forked


def require_head(network: nn.Module) -> Head:
    """Return the head of a network on one encoder; of several members the first.

    Raises:
        ConfigError: the answers are not logits of a pooled vector.
    """
    head = next((head for head in find_heads(network) if isinstance(head, Head)), None)
    if head is None or not hasattr(head.encoder, "embed"):
        raise ConfigError(
            "this model has no answer that is computed from one vector per text; expected one of "
            "the tasks classify, regress and multilabel"
        )
    return head


def margins_of(logits: Tensor) -> Tensor:
    """Return the margin of each row of `logits` [batch, outputs], [batch].

    The highest logit minus the second; of a single output the output itself.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    highest = logits.topk(2, dim=1).values
    return highest[:, 0] - highest[:, 1]


def margin_squared_norms(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the squared norm of the gradient of each row's margin, by token.

    Args:
        network: in evaluation mode.
        ids: [batch, time].
        mask: [batch, time], True = real token.

    Returns:
        [batch, time] float64; that of a token's bag of n-grams is added.

    Raises:
        ConfigError: the answers are not logits of a pooled vector.
    """
    head = require_head(network)
    encoder: Any = head.encoder
    limit_threads_if_forked()
    with torch.inference_mode(False), torch.no_grad():
        vectors = encoder.embed(ids.clone(), mask.clone())
    parts = [part for part in (vectors.tokens, vectors.bag) if part is not None]
    with torch.inference_mode(False), torch.enable_grad():
        inputs = [part.clone().requires_grad_() for part in parts]
        encoded = encoder.encode(TokenVectors(*inputs), mask.clone())
        total = margins_of(head.head(encoded.pooled)).sum()
        gradients = torch.autograd.grad(total, inputs)
    squares = [gradient.double().square().sum(-1) for gradient in gradients]
    return torch.stack(squares).sum(0).cpu()

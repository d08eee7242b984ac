"""Attention rollout: attention from the last layer down to the tokens of the text."""

import numpy as np

from munjang.explain.attention import Attention, Weights


def compute_rollout(attention: Attention) -> Weights | None:
    """Multiply the self-attention of all layers, residuals included, [tokens, tokens].

    A row says which tokens of the text a state of the last layer is mixed from, if attention were
    all that happens in a layer: A = A_L ... A_2 A_1 with A_l = (mean of heads of layer l + I) / 2,
    I for the residual (Abnar and Zuidema 2020, "Quantifying attention flow in transformers").

    Args:
        attention: of one text.

    Returns:
        The product, whose rows sum to 1; None if the text has no self-attention.
    """
    layers = sorted({head.layer for head in attention.heads("source")})
    if not layers:
        return None
    product = np.eye(len(attention.source), dtype=np.float64)
    for layer in layers:
        mixed = attention.mean("source", layer) + np.eye(len(product))
        product = (mixed / mixed.sum(1, keepdims=True)) @ product
    return product.astype(np.float32)

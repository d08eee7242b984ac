"""Matrix products by their sizes, from the shapes of what PyTorch's operations multiply."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch

# Sizes whose product is the number of multiply-adds: rows, inner and columns, heads before them.
Product = tuple[int, ...]
_MOST_TERMS = 6


def _attention(queries: Product, keys: Product, values: Product, *_: Any) -> list[Product]:
    """Return Q Kᵀ and weights V of fused attention, [batch, heads, time, dim] each."""
    batch, heads, time, dim = queries
    return [(batch * heads, time, dim, keys[2]), (batch * heads, time, keys[2], values[3])]


def _lstm(inputs: Product, weight_ih: Product, weight_hh: Product, *_: Any) -> list[Product]:
    """Return those of oneDNN's LSTM, [time, batch, dim]: both matrices of all gates per token."""
    rows = prod(inputs[:2])
    return [(rows, *reversed(weight)) for weight in (weight_ih, weight_hh)]


_aten = torch.ops.aten
# PyTorch's counter knows the first four, too, but keeps no sizes.
PRODUCTS: dict[Any, Callable[..., list[Product]]] = {
    _aten.mm: lambda left, right, *_: [(*left, right[-1])],
    _aten.bmm: lambda left, right, *_: [(*left, right[-1])],
    _aten.addmm: lambda _, left, right, *__: [(*left, right[-1])],
    _aten.baddbmm: lambda _, left, right, *__: [(*left, right[-1])],
    _aten.addmm_: lambda _, left, right, *__: [(*left, right[-1])],
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten.mkldnn_rnn_layer: _lstm,
}


def write_products(products: Sequence[Product]) -> str:
    """Return products as a sum such as "32 x 64 x 192 + 32 x 64 x 64"; "" for too many terms."""
    terms = Counter(tuple(size for size in product if size != 1) for product in products)
    if len(terms) > _MOST_TERMS:
        return ""
    counted = ((count, *sizes) if count > 1 else sizes for sizes, count in terms.items())
    return " + ".join(" x ".join(map(str, sizes or (1,))) for sizes in counted)

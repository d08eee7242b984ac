"""Pairs of texts whose relation a model learns beside the masked tokens.

A row GO a EOS b EOS holds two texts that follow one another. Half of the rows are changed:

    next_sentence     b is that of another row of the batch (Devlin et al. 2018)
    sentence_order    a and b change places (Lan et al. 2019, "ALBERT")

The label is 1 if b follows a as in the data, else 0.
"""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.text.vocabulary import EOS, PAD

Pairs = Literal["none", "next_sentence", "sentence_order"]

# Label of a row that holds one text: no loss, no score.
NO_PAIR = -100


def rearrange_pairs(batch: Batch, generator: torch.Generator, pairs: Pairs) -> tuple[Batch, Tensor]:
    """Change half of the pairs of a batch.

    Args:
        batch: rows GO a EOS b EOS; a row without b stays as it is.
        generator: draws the rows; on the device of the batch.
        pairs: `next_sentence` or `sentence_order`.

    Returns:
        The batch and a label per row [batch] int64: 1, 0, or `NO_PAIR`.
    """
    ends = batch.ids == EOS
    is_pair = ends.sum(1) == 2
    first = torch.where(is_pair, ends.long().argmax(1), 0)
    draws = torch.rand(len(is_pair), generator=generator, device=batch.ids.device)
    changed = is_pair & (draws < 0.5)
    if pairs == "sentence_order":
        batch = _swap(batch, first, changed)
    else:
        batch, changed = _exchange(batch, first, changed, generator)
    labels = torch.where(is_pair, (~changed).long(), NO_PAIR)
    return batch, labels


def _swap(batch: Batch, first: Tensor, changed: Tensor) -> Batch:
    """Return the batch with a and b of some rows in each other's place.

    Args:
        batch: the rows.
        first: place of the first EOS, [batch].
        changed: the rows, [batch].
    """
    places = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    first, last = first[:, None], batch.lengths[:, None] - 1
    # GO b EOS a EOS: b begins behind its EOS, and the new EOS stands behind as many tokens
    middle = last - first
    source = torch.where(places < middle, places + first, places - middle)
    source = torch.where(places == middle, first, source)
    inside = changed[:, None] & (places > 0) & (places < last)
    source = torch.where(inside, source, places)
    return replace(batch, ids=batch.ids.gather(1, source))


def _exchange(
    batch: Batch, first: Tensor, changed: Tensor, generator: torch.Generator
) -> tuple[Batch, Tensor]:
    """Return the batch in which b of some rows is that of another of them, and those rows.

    Rows whose b are about as long exchange them, so that neither a length nor a cut tells that they
    did. What is longer than the batch is cut.
    """
    rows = changed.nonzero()[:, 0]
    if len(rows) < 2:
        return batch, torch.zeros_like(changed)
    lengths = batch.lengths - first - 2  # of b
    noise = torch.rand(len(rows), generator=generator, device=rows.device)
    order = rows[(lengths[rows] + noise).argsort()]
    # pairs of neighbors, and three in a ring if their number is odd
    partners = order.clone()
    even = len(order) // 2 * 2
    partners[0:even:2], partners[1:even:2] = order[1:even:2], order[0:even:2]
    if even < len(order):
        partners[-3:] = torch.stack([order[-2], order[-1], order[-3]])
    partner = torch.arange(len(changed), device=rows.device)
    partner[order] = partners
    time = batch.ids.shape[1]
    own, other = first[:, None], first[partner][:, None]
    kept = torch.minimum(lengths[partner], time - first - 2)[:, None]
    places = torch.arange(time, device=rows.device)
    source = (places - own + other).clamp(min=0, max=time - 1) + partner[:, None] * time
    ids = torch.where(places <= own, batch.ids, batch.ids.flatten()[source])
    end = own + 1 + kept
    ids = ids.masked_fill(places == end, EOS).masked_fill(places > end, PAD)
    is_changed = changed[:, None]
    ids = torch.where(is_changed, ids, batch.ids)
    ends = torch.where(changed, end[:, 0] + 1, batch.lengths)
    return replace(batch, ids=ids, lengths=ends, mask=places < ends[:, None]), changed

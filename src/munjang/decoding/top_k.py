"""The k highest numbers of long rows, where of equal numbers the one at the lowest place wins.

Sorting 10,000 numbers to find the best ten is slow on a CPU. A row is cut into blocks, and the
k highest are in the k blocks with the highest maxima: above those of any other block there are k.
"""

import torch
from torch import Tensor

# numbers per block: k blocks are about as long as the row of maxima
_BLOCK = 64
_PLACES = (1 << 32) - 1


def top_k(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the `k` highest of each row, highest first; of equal numbers the lowest place first.

    Args:
        values: [..., places] float32; -inf is allowed, NaN is not.
        k: 1 to places.

    Returns:
        The numbers and their places, both [..., k].
    """
    rows = values.flatten(0, -2)
    places = rows.shape[1]
    blocks = places // _BLOCK
    best = _among_blocks(rows, blocks, k) if blocks > 2 * k else _top_keys(_keys(rows), k)
    best = best.view(*values.shape[:-1], k)
    return values.gather(-1, best), best


def _among_blocks(rows: Tensor, blocks: int, k: int) -> Tensor:
    """Return places [rows, k]; numbers behind the last whole block are always candidates."""
    whole = blocks * _BLOCK
    cut = rows[:, :whole].view(len(rows), blocks, _BLOCK)
    chosen = _top_keys(_keys(cut.amax(-1)), k)
    inside = torch.take_along_dim(cut, chosen[..., None], 1).flatten(1)
    within = torch.arange(_BLOCK, device=rows.device)
    places = (chosen[..., None] * _BLOCK + within).flatten(1)
    rest = torch.arange(whole, rows.shape[1], device=rows.device).expand(len(rows), -1)
    candidates = torch.cat([inside, rows[:, whole:]], dim=1)
    return _top_keys(_keys(candidates, torch.cat([places, rest], dim=1)), k)


def _keys(values: Tensor, places: Tensor | None = None) -> Tensor:
    """Return integers, distinct within a row, that rise with the value and fall with the place."""
    if places is None:
        places = torch.arange(values.shape[-1], device=values.device)
    # adding 0 turns -0 into 0; the bits of negative floats fall where the floats rise
    bits = (values + 0.0).view(torch.int32)
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (rising.long() << 32) | (_PLACES - places)


def _top_keys(keys: Tensor, k: int) -> Tensor:
    """Return the places of the `k` highest keys of each row, highest first."""
    return _PLACES - (keys.topk(k, dim=-1).values & _PLACES)

"""Bit sets: eight flags per byte, an eighth of the size of PyTorch's booleans."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def pack_bits(flags: Tensor) -> Tensor:
    """Pack `flags` [n] bool into [n / 8] uint8, the first of eight in the highest bit."""
    return torch.from_numpy(np.packbits(flags.cpu().numpy())).to(flags.device)


def are_set_by_numpy(bits: Tensor, places: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Compute `are_set` for an array of places; `bits` is on the CPU."""
    shifts = (places & 7).astype(np.uint8)
    flags: npt.NDArray[np.bool_] = (bits.numpy()[places >> 3] << shifts) & 0x80 != 0
    return flags


def are_set(bits: Tensor, places: Tensor) -> Tensor:
    """Return whether the bit at each of `places` is set, as bool of the same shape.

    Places are int32 or int64. A negative place counts from the end, as an index does.
    """
    return (bits[places >> 3].int() << (places & 7)) & 0x80 != 0

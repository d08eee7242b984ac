"""Many flags, eight a byte: on disk and in memory an eighth of what PyTorch's booleans take."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def packed(flags: Tensor) -> Tensor:
    """`flags` [n] bool to bits [n / 8] uint8, the first of eight in the highest bit."""
    return torch.from_numpy(np.packbits(flags.cpu().numpy())).to(flags.device)


def are_set_by_numpy(bits: Tensor, places: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """As `are_set`, of an array of places; `bits` on the CPU."""
    shifts = (places & 7).astype(np.uint8)
    flags: npt.NDArray[np.bool_] = (bits.numpy()[places >> 3] << shifts) & 0x80 != 0
    return flags


def are_set(bits: Tensor, places: Tensor) -> Tensor:
    """Whether the bit at each of `places` is set: int32 or int64 to bool, of any shape.

    A negative place counts from the end of all bits, as an index does.
    """
    return (bits[places >> 3].int() << (places & 7)) & 0x80 != 0

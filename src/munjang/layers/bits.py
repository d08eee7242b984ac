"""Many flags, eight a byte: on disk and in memory an eighth of what PyTorch's booleans take."""

import numpy as np
import torch
from torch import Tensor


def packed(flags: Tensor) -> Tensor:
    """`flags` [n] bool to bits [n / 8] uint8, the first of eight in the highest bit."""
    return torch.from_numpy(np.packbits(flags.cpu().numpy())).to(flags.device)


def are_set(bits: Tensor, places: Tensor) -> Tensor:
    """Whether the bit at each of `places` is set: int32 or int64 to bool, of any shape.

    A negative place counts from the end of all bits, as an index does.
    """
    return (bits[places >> 3].int() << (places & 7)) & 0x80 != 0

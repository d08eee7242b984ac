"""Products of every token with its neighbors, as small dense matrix products.

To gather every pair of neighboring tokens takes longer than to multiply them. So the tokens are cut
into blocks, and each block is multiplied with all tokens that may be neighbors of one of its own: a
band of the matrix of all products, in blocks. Products outside of a token's window are masked.

    block b         tokens  b S     ...  b S + S - 1           S = size of a block
    its neighbors   tokens  b S - w ...  b S + S - 1 + w       w = the largest window
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_SMALLEST_BLOCK = 16


@dataclass(frozen=True)
class TokenBands:
    """How some tokens are cut into blocks with their neighbors.

    Attributes:
        tokens: number of tokens.
        window: the largest distance of a neighbor.
    """

    tokens: int
    window: int

    @property
    def block(self) -> int:
        """Number of tokens per block; neighbors of a block are in the blocks beside it."""
        return max(_SMALLEST_BLOCK, 2 * self.window)

    @property
    def blocks(self) -> int:
        """Number of blocks; the last one may have padding."""
        return max(1, -(-self.tokens // self.block))

    @property
    def width(self) -> int:
        """Number of neighbors per block, its own tokens included."""
        return self.block + 2 * self.window

    def centers(self, values: Tensor, fill: float = 0) -> Tensor:
        """Cut `values` [tokens, ...] into blocks [blocks, block, ...], padded with `fill`."""
        padded = _pad(values, 0, self.blocks * self.block - self.tokens, fill)
        return padded.view(self.blocks, self.block, *values.shape[1:])

    def neighbors(self, values: Tensor, fill: float = 0) -> Tensor:
        """Return the neighbors of each block [blocks, width, ...] of `values` [tokens, ...].

        They share memory: nothing is copied but `values` itself, once.
        """
        behind = (self.blocks + 1) * self.block - self.window - self.tokens
        padded = _pad(values, self.window, behind, fill)
        strides = padded.stride()
        return padded.as_strided(
            (self.blocks, self.width, *values.shape[1:]),
            (self.block * strides[0], *strides),
        )

    def flatten(self, blocks: Tensor) -> Tensor:
        """Return what `centers` cut: [blocks, block, ...] to [tokens, ...]."""
        return blocks.flatten(0, 1)[: self.tokens]

    def sum_neighbors(self, parts: Tensor) -> Tensor:
        """Return the sum over the places of each token in `neighbors`.

        Args:
            parts: [blocks, width, ...].

        Returns:
            [tokens, ...].
        """
        size, rest = self.block, parts.shape[2:]
        sums = parts.new_zeros(self.blocks + 1, size, *rest)
        sums[:-1] = parts[:, :size]
        # what reaches into the next block, as two windows are no wider than a block
        sums[1:, : 2 * self.window] += parts[:, size:]
        return sums.flatten(0, 1)[self.window : self.window + self.tokens]

    def mask(self, lines: Tensor, windows: Tensor) -> Tensor:
        """Return True for the neighbors in the window of each token, [blocks, block, width].

        Args:
            lines: number of each token's line, 0 or more, [tokens]; neighbors are in one line.
            windows: window of each token, 0 to `window`, [tokens].
        """
        device = lines.device
        own = torch.arange(self.block, device=device, dtype=torch.int32)[:, None] + self.window
        other = torch.arange(self.width, device=device, dtype=torch.int32)
        distance = (own - other).abs()
        # a token is no neighbor of itself
        distance[distance == 0] = self.window + 1
        inside = distance <= self.centers(windows.int())[:, :, None]
        lines = lines.int()
        inside &= self.centers(lines, -1)[:, :, None] == self.neighbors(lines, -2)[:, None, :]
        return inside


def _pad(values: Tensor, before: int, behind: int, fill: float) -> Tensor:
    """Return `values` [tokens, ...] with rows of `fill` before and behind, contiguous."""
    sides = [0, 0] * (values.dim() - 1) + [before, behind]
    return F.pad(values, sides, value=fill).contiguous()

"""Convolution and pooling over height and width, and the arithmetic of their sizes.

Images and maps are [batch, channels, height, width].
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.randomness import current_generator

Padding = Literal["valid", "same"]
PoolName = Literal["max", "mean"]


def places(size: int, window: int, stride: int, padding: Padding) -> int:
    """Return the number of places of a window along one side.

    valid: floor((size - window) / stride) + 1, the window inside the image; 0 if it is larger.
    same:  ceil(size / stride), with as many zeros around as needed.

    Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning".
    """
    if padding == "same":
        return -(-size // stride)
    return max(0, (size - window) // stride + 1)


def zeros_around(size: int, window: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Return the zeros before and after one side; of an odd number one more after."""
    if padding == "valid":
        return 0, 0
    missing = max(0, (places(size, window, stride, padding) - 1) * stride + window - size)
    return missing // 2, missing - missing // 2


class ImageConvolution(nn.Module):
    """Layer of square filters, each with a bias.

    Args:
        channels: number of input maps.
        filters: number of output maps.
        kernel: side of a filter, in pixels.
        stride: step from one window to the next.
        padding: valid, or same (zeros around).
    """

    def __init__(
        self, channels: int, filters: int, *, kernel: int, stride: int = 1, padding: Padding
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        bound = (channels * kernel * kernel) ** -0.5
        shape = (filters, channels, kernel, kernel)
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(filters).uniform_(-bound, bound))

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve `maps` [batch, channels, height, width] to [batch, filters, places, places]."""
        height, width = (
            zeros_around(size, self.kernel, self.stride, self.padding) for size in maps.shape[2:]
        )
        around = (height[0], width[0])
        if around != (height[1], width[1]):  # one more after: PyTorch pads both ends alike
            maps, around = F.pad(maps, (*width, *height)), (0, 0)
        return F.conv2d(maps, self.weight, self.bias, stride=self.stride, padding=around)


class ImagePooling(nn.Module):
    """Maximum or mean of adjacent squares; a rest that fills no square is left out.

    Args:
        name: max or mean.
        size: side of a square; 1 changes nothing.
    """

    def __init__(self, name: PoolName, size: int) -> None:
        super().__init__()
        self.name, self.size = name, size

    def forward(self, maps: Tensor) -> Tensor:
        """Pool `maps` [batch, channels, height, width]; both sides become side // `size`."""
        if self.size == 1:
            return maps
        return (
            F.max_pool2d(maps, self.size) if self.name == "max" else F.avg_pool2d(maps, self.size)
        )


class RandomShift(nn.Module):
    """Random shift of every image in training, by whole pixels, with zeros at the edges.

    Data augmentation as in LeCun et al. (1998).

    Args:
        height: maximum shift up or down, in pixels.
        width: maximum shift left or right, in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, images: Tensor) -> Tensor:
        """Shift `images` [batch, channels, height, width], in training only."""
        if not self.training or not (self.height or self.width):
            return images
        count, _, height, width = images.shape
        padded = F.pad(images, (self.width, self.width, self.height, self.height))
        own: dict[str, Any] = {"device": images.device, "generator": current_generator()}
        down = torch.randint(2 * self.height + 1, (count, 1, 1), **own)
        right = torch.randint(2 * self.width + 1, (count, 1, 1), **own)
        images_index = torch.arange(count, device=images.device)[:, None, None]
        rows = torch.arange(height, device=images.device)[None, :, None] + down
        columns = torch.arange(width, device=images.device)[None, None, :] + right
        return padded[images_index, :, rows, columns].permute(0, 3, 1, 2)

"""Batches of images: uint8 pixels, as they lie in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Bucketing, Group
from munjang.data.images.decode import Pixels
from munjang.text.columns import Int64s


@dataclass(frozen=True)
class ImageBatch:
    """What a network sees of some images.

    Attributes:
        images: [batch, channels, height, width] uint8.
        rows: [batch] int64, where each stands in its dataset.
        targets: [batch], or None.
    """

    images: Tensor
    rows: Tensor
    targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The images."""
        return (self.images,)

    @property
    def size(self) -> int:
        """How many images."""
        return len(self.images)

    def to(self, device: torch.device) -> "ImageBatch":
        """The same batch on another device."""
        if device.type == "cpu":
            return self
        return ImageBatch(
            images=self.images.to(device),
            rows=self.rows.to(device),
            targets=None if self.targets is None else self.targets.to(device),
        )


@dataclass(frozen=True)
class ImageExamples:
    """Images with one target each.

    Attributes:
        pixels: uint8 [images, channels, height, width].
        targets: [images], or None for prediction.
    """

    pixels: Pixels
    targets: npt.NDArray[Any] | None = None
    unit: ClassVar[str] = "images"

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def lengths(self) -> Int64s:
        """1 for each: no image is longer than another."""
        return np.ones(len(self.pixels), dtype=np.int64)

    def batches(self, groups: Iterable[Group]) -> Iterator[ImageBatch]:
        """The batch of each group, made when it is asked for."""
        for group in groups:
            targets = None if self.targets is None else torch.from_numpy(self.targets[group.rows])
            images = torch.from_numpy(self.pixels[group.rows])
            yield ImageBatch(images, torch.from_numpy(group.rows), targets)

    def take(self, rows: Int64s) -> "ImageExamples":
        """Return the images of some rows, in that order."""
        targets = None if self.targets is None else self.targets[rows]
        return ImageExamples(self.pixels[rows], targets)

    def in_order_of_length(self, batch_rows: int = 256) -> Iterator[ImageBatch]:
        """All images once, in their order."""
        yield from self.batches(Bucketing(batch_rows).in_order_of_length(self.lengths))

"""Convolutional network for images.

Paper: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
recognition". Use for images of one object each, such as digits, signs or symbols, trained on a CPU.
Use a large pretrained network instead for photographs of many kinds of objects.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self, cast

from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.images.settings import LONGEST_SIDE
from munjang.errors import ConfigError
from munjang.layers.activations import Activation, get_activation
from munjang.layers.fast.dropout import Dropout
from munjang.layers.image_convolution import (
    ImageConvolution,
    ImagePooling,
    Padding,
    PoolName,
    RandomShift,
    places,
)
from munjang.layers.parameters import parameters_of
from munjang.models.dropout_rate import DropoutRate

ImageShape = tuple[int, int, int]  # channels, height, width
PerLayer = int | tuple[int, ...]


_DEEPEST = 64  # layers


class Layer(NamedTuple):
    """Settings of one convolution and the pooling after it."""

    filters: int
    kernel: int
    stride: int
    padding: Padding
    pool: int


class ImageCnnConfig(Settings):
    """Settings of `image_cnn`.

    `kernel_size`, `stride` and `pool_size` are one number, or one per layer.
    """

    not_in_weights: ClassVar[frozenset[str]] = frozenset(
        {"dropout", "random_shift", "final_pooling"}
    )

    name: Literal["image_cnn"] = "image_cnn"
    filters: tuple[int, ...] = Field((32, 64), description="filters per layer, as in [32, 64]")
    kernel_size: PerLayer = Field(3, description="side of a filter, in pixels")
    stride: PerLayer = Field(1, description="step from one window to the next, in pixels")
    padding: Padding = Field("same", description="valid: inside the image; same: zeros around it")
    pooling: PoolName = Field("max", description="pooling of squares after each layer: max or mean")
    pool_size: PerLayer = Field(2, description="side of a pooled square, in pixels; 1 = no pooling")
    activation: Activation = Field("relu", description="after each convolution")
    final_pooling: Literal["flat", "max", "mean"] = Field(
        "flat",
        description="image vector: flat = all of the last maps; max, mean = one per map",
    )
    random_shift: float = Field(
        0.1, ge=0, le=1, description="maximum random shift in training, as a fraction of each side"
    )
    dropout: DropoutRate = Field(0.5, description="dropout rate of the pooled vector")

    @field_validator("filters", mode="before")
    @classmethod
    def _one_layer(cls, filters: Any) -> Any:
        return (filters,) if isinstance(filters, int) else filters

    @field_validator("filters", "kernel_size", "stride", "pool_size")
    @classmethod
    def _positive(cls, values: PerLayer) -> PerLayer:
        if not values or min(_tuple(values)) < 1:
            raise ValueError("expected whole numbers from 1 up")
        if len(_tuple(values)) > _DEEPEST or max(_tuple(values)) > LONGEST_SIDE:
            raise ValueError(f"expected at most {_DEEPEST} numbers up to {LONGEST_SIDE}")
        return values

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        for key in ("kernel_size", "stride", "pool_size"):
            values = _tuple(getattr(self, key))
            if len(values) not in (1, len(self.filters)):
                raise ValueError(
                    f"{key}: expected one number, or one for each of the {len(self.filters)} "
                    f"layers of filters, got {len(values)}"
                )
        return self

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Settings per layer."""
        count = len(self.filters)
        kernels, strides, pools = (
            _tuple(value) * (count if len(_tuple(value)) == 1 else 1)
            for value in (self.kernel_size, self.stride, self.pool_size)
        )
        return tuple(
            Layer(filters, kernel, stride, self.padding, pool)
            for filters, kernel, stride, pool in zip(
                self.filters, kernels, strides, pools, strict=True
            )
        )

    def sizes(self, height: int, width: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Return height and width after each convolution, and after its pooling.

        Raises:
            ConfigError: an image of this size is too small; the layer is named.
        """
        size, sizes = (height, width), []
        for number, layer in enumerate(self.layers, start=1):
            convolved = _over(size, layer)
            if 0 in convolved:
                raise ConfigError(
                    f"model.kernel_size: convolution {number} has filters of {layer.kernel}x"
                    f"{layer.kernel}, and the {size[0]}x{size[1]} before it leaves no place for "
                    "one; take smaller filters, less pooling or larger images, or padding: same"
                )
            pooled = (convolved[0] // layer.pool, convolved[1] // layer.pool)
            if 0 in pooled:
                raise ConfigError(
                    f"model.pool_size: pooling {number} takes squares of {layer.pool}x{layer.pool}"
                    f", and the {convolved[0]}x{convolved[1]} before it fills none; take smaller "
                    "squares "
                    "or larger images"
                )
            sizes.append((convolved, pooled))
            size = pooled
        return sizes

    def activations(self, shape: ImageShape) -> int:
        """Return how many 4-byte numbers per image a training step needs at least.

        These are the tensors kept for the backward pass: each layer's input, its activations
        behind the convolution, and the indices of max pooling (8 bytes each). The largest gradient
        of an activation comes on top.

        Args:
            shape: channels, height and width of the images.
        """
        channels, height, width = shape
        indices = 2 if self.pooling == "max" else 0
        convolved, pooled = [], [0]
        for layer, sizes in zip(self.layers, self.sizes(height, width), strict=True):
            convolved.append(layer.filters * math.prod(sizes[0]))
            if layer.pool > 1:
                pooled.append(layer.filters * math.prod(sizes[1]))
        kept = channels * height * width + sum(convolved) + (1 + indices) * sum(pooled)
        return kept + max(convolved)


def _tuple(value: PerLayer) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else value


def _over(size: tuple[int, int], layer: Layer) -> tuple[int, int]:
    height, width = (places(side, layer.kernel, layer.stride, layer.padding) for side in size)
    return height, width


@dataclass(frozen=True)
class ImageEncoderOutput:
    """Output of an image encoder for a batch.

    Attributes:
        pooled: one vector per image, [batch, pooled dim].
        maps: output of the last layer, [batch, filters, height, width].
    """

    pooled: Tensor
    maps: Tensor


class ConvolutionBlock(nn.Module):
    """A convolution, its activation and its pooling."""

    def __init__(
        self, channels: int, layer: Layer, *, pooling: PoolName, activation: Activation
    ) -> None:
        super().__init__()
        self.convolution = ImageConvolution(
            channels,
            layer.filters,
            kernel=layer.kernel,
            stride=layer.stride,
            padding=layer.padding,
        )
        self.activation = get_activation(activation)
        self.pooling = ImagePooling(pooling, layer.pool)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute [batch, filters, height, width] from `maps` [batch, channels, height, width]."""
        # filters last, since softmax runs over the last dimension
        active = self.activation(self.convolution(maps).movedim(1, -1)).movedim(-1, 1)
        return cast(Tensor, self.pooling(active))


class ImageCnn(nn.Module):
    """Stacked convolutions over images of one size, and one vector per image.

    Args:
        config: settings of the layers.
        shape: channels, height and width of every image.

    Raises:
        ConfigError: an image of this size is too small for the layers.
    """

    def __init__(self, config: ImageCnnConfig, shape: ImageShape) -> None:
        super().__init__()
        channels, height, width = shape
        last = config.sizes(height, width)[-1][1]
        self.shift = RandomShift(
            round(config.random_shift * height), round(config.random_shift * width)
        )
        before = (channels, *config.filters)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(below, layer, pooling=config.pooling, activation=config.activation)
            for below, layer in zip(before, config.layers, strict=False)
        )
        self.pooled = config.final_pooling
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = config.filters[-1] * (last[0] * last[1] if self.pooled == "flat" else 1)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return no embedding, and the parameters of each convolution."""
        return [[], *(parameters_of(block) for block in self.blocks)]

    def forward(self, images: Tensor) -> ImageEncoderOutput:
        """Encode `images` [batch, channels, height, width] uint8."""
        maps = self.shift(images).float() / 255
        for block in self.blocks:
            maps = block(maps)
        if self.pooled == "flat":
            pooled = maps.flatten(1)
        else:
            pooled = maps.amax((2, 3)) if self.pooled == "max" else maps.mean((2, 3))
        return ImageEncoderOutput(self.dropout(pooled), maps)

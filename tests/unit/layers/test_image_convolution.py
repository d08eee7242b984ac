"""Convolution, pooling and shifts of images, beside slow loops and PyTorch's own layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from munjang.layers.image_convolution import (
    ImageConvolution,
    ImagePooling,
    RandomShift,
    places,
    zeros_around,
)

pytestmark = pytest.mark.usefixtures("one_thread")

small = st.integers(1, 12)


def count_windows(size: int, window: int, stride: int) -> int:
    """Places of a window, tried one by one."""
    return sum(1 for start in range(0, size, stride) if start + window <= size)


@given(size=small, window=small, stride=small)
def test_output_size_equals_count_of_windows(size: int, window: int, stride: int) -> None:
    assert places(size, window, stride, "valid") == count_windows(size, window, stride)
    before, behind = zeros_around(size, window, stride, "same")
    result = places(size, window, stride, "same")
    assert result == len(range(0, size, stride))
    assert result == count_windows(size + before + behind, window, stride) or window < stride
    assert 0 <= behind - before <= 1


def reference_convolution(layer: ImageConvolution, image: Tensor) -> Tensor:
    """One image [channels, height, width], one number at a time."""
    sides = [zeros_around(s, layer.kernel, layer.stride, layer.padding) for s in image.shape[1:]]
    height, width = (places(s, layer.kernel, layer.stride, layer.padding) for s in image.shape[1:])
    out = torch.zeros(len(layer.weight), height, width)
    for down in range(height):
        for right in range(width):
            total = layer.bias.clone()
            for row in range(layer.kernel):
                for column in range(layer.kernel):
                    y = down * layer.stride + row - sides[0][0]
                    x = right * layer.stride + column - sides[1][0]
                    if 0 <= y < image.shape[1] and 0 <= x < image.shape[2]:
                        total = total + layer.weight[:, :, row, column] @ image[:, y, x]
            out[:, down, right] = total
    return out


@settings(max_examples=30)
@given(
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    sides=st.tuples(st.integers(4, 7), st.integers(4, 7)),
)
def test_convolution_equals_formula(
    kernel: int, stride: int, padding: str, sides: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    layer = ImageConvolution(2, 3, kernel=kernel, stride=stride, padding=padding)  # type: ignore[arg-type]
    maps = torch.randn(2, 2, *sides)
    slow = torch.stack([reference_convolution(layer, image) for image in maps])
    torch.testing.assert_close(layer(maps), slow, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("stride", "padding"), [(1, "valid"), (1, "same"), (2, "valid")])
def test_convolution_equals_pytorch(stride: int, padding: str) -> None:
    layer = ImageConvolution(3, 4, kernel=3, stride=stride, padding=padding)  # type: ignore[arg-type]
    theirs = nn.Conv2d(3, 4, 3, stride=stride, padding=padding)
    theirs.load_state_dict(layer.state_dict())
    maps = torch.randn(2, 3, 9, 8)
    torch.testing.assert_close(layer(maps), theirs(maps))


def test_pooling_drops_incomplete_windows() -> None:
    maps = torch.arange(15.0).view(1, 1, 3, 5)
    assert ImagePooling("max", 2)(maps).tolist() == [[[[6.0, 8.0]]]]
    assert ImagePooling("mean", 2)(maps).tolist() == [[[[3.0, 5.0]]]]
    assert ImagePooling("max", 1)(maps) is maps


def test_random_shift_moves_whole_images_in_training_only() -> None:
    shift = RandomShift(2, 1)
    images = torch.randint(1, 256, (40, 3, 5, 4), dtype=torch.uint8)
    shifted = shift(images)
    assert shifted.dtype == torch.uint8
    seen = set()
    for before, after in zip(images, shifted, strict=True):
        result = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-1, 2)
            if torch.equal(after, reference_shift(before, down, right))
        ]
        assert len(result) == 1
        seen.update(result)
    assert len(seen) > 5
    assert shift.eval()(images) is images


def reference_shift(image: Tensor, down: int, right: int) -> Tensor:
    out = torch.zeros_like(image)
    _, height, width = image.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y + down < height and 0 <= x + right < width:
                out[:, y, x] = image[:, y + down, x + right]
    return out

"""Decoder of one image: a file, an array, or an image of Pillow."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from munjang.data.images.settings import CHANNELS, Mode
from munjang.errors import ConfigError, DataError
from munjang.names import find_existing_path

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_FORMAT_NAMES = "PNG, JPEG, GIF, BMP or WebP"


def read_image_size(source: Any) -> tuple[int, int] | None:
    """Return height and width; of a file from its header; None if they cannot be read."""
    found = read_size_and_mode(source)
    return None if found is None else found[0]


def read_size_and_mode(source: Any) -> tuple[tuple[int, int], str] | None:
    """Return (height, width) and Pillow's mode, such as RGB; None where they cannot be read."""
    try:
        with _open(source, "") as image:
            return (image.height, image.width), image.mode
    except DataError:
        return None


def decode_image(source: Any, name: str, mode: Mode, size: tuple[int, int]) -> Pixels:
    """Return an image in `mode`, resized to `size`: uint8 [channels, height, width].

    The first frame of an animation is used, photographs are rotated by their EXIF orientation, and
    transparent pixels are put on white.

    Args:
        source: path, array uint8 [height, width] or [height, width, 3 or 4], or image of Pillow.
        name: name for messages.
        mode: gray or color.
        size: height and width.

    Raises:
        DataError: the image cannot be read, or is larger than Pillow's limit.
    """
    from PIL import ImageOps
    from PIL.Image import Resampling

    height, width = size
    with _open(source, name) as image, _convert_errors(name):
        flat = _on_white(ImageOps.exif_transpose(image))
        flat = flat.convert("L" if mode == "gray" else "RGB")
        if flat.size != (width, height):
            flat = flat.resize((width, height), Resampling.BILINEAR)
        return (
            np.asarray(flat, dtype=np.uint8)
            .reshape(height, width, CHANNELS[mode])
            .transpose(2, 0, 1)
        )


@contextmanager
def _open(source: Any, name: str) -> Iterator["Image"]:
    """Open the image of a source for the duration of the block."""
    pillow = _pillow()
    if isinstance(source, pillow.Image):
        yield source
        return
    if isinstance(source, np.ndarray):
        yield pillow.fromarray(_check_pixels(source, name))
        return
    if not isinstance(source, str | Path):
        raise DataError(
            f"expected a path or an array of pixels, got {type(source).__name__}", file=name
        )
    with _convert_errors(name):
        image = pillow.open(find_existing_path(source), formats=FORMATS)
    with image:
        yield image


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ConfigError("images need the package Pillow: pip install 'munjang[images]'") from None
    return Image


@contextmanager
def _convert_errors(name: str) -> Iterator[None]:
    """Turn errors of Pillow, and its warning of a decompression bomb, into `DataError`."""
    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", DecompressionBombWarning)
            yield
    except (DecompressionBombError, DecompressionBombWarning):
        raise DataError(
            "this image has more pixels than Pillow's limit against decompression bombs; make it "
            "smaller",
            file=name,
        ) from None
    except FileNotFoundError:
        raise DataError("there is no such image", file=name) from None
    except (MemoryError, DataError):
        raise
    except Exception as error:  # Pillow's parsers raise errors of many kinds
        _refuse(error, name)


def _refuse(error: Exception, name: str) -> NoReturn:
    from PIL import UnidentifiedImageError

    reason = " ".join(str(error).split())
    if isinstance(error, IsADirectoryError):
        reason = "it is a folder"
    elif isinstance(error, UnidentifiedImageError):
        reason = "its first bytes are of none of these formats"
    raise DataError(
        f"expected an image ({_FORMAT_NAMES}), but this one cannot be read: "
        f"{reason or type(error).__name__}",
        file=name,
    ) from None


def _check_pixels(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    colors = array.ndim == 3 and array.shape[2] in (3, 4)
    if array.dtype != np.uint8 or not (array.ndim == 2 or colors) or not array.size:
        raise DataError(
            "expected pixels as uint8 from 0 to 255, [height, width] or [height, width, 3], got "
            f"{array.dtype} {list(array.shape)}",
            file=name,
        )
    return np.ascontiguousarray(array)


def _on_white(image: "Image") -> "Image":
    """Return the image on white without transparency, 8 bits per channel."""
    if image.mode.startswith(("I", "F")):  # 16 bits per pixel: the upper eight
        values = np.clip(np.asarray(image, dtype=np.float64), 0, 65535)
        return _to_image((values / 257).round().astype(np.uint8))
    if not image.has_transparency_data:
        return image
    from PIL import Image as Pillow

    rgba = image.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", rgba.size, "white"), rgba)


def _to_image(pixels: Pixels) -> "Image":
    from PIL import Image as Pillow

    return Pillow.fromarray(pixels)

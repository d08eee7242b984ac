"""One image to pixels: a file, an array, or an image of Pillow."""

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
_SHOWN = "PNG, JPEG, GIF, BMP or WebP"


def read_image_size(source: Any) -> tuple[int, int] | None:
    """Return height and width; of a file from its header; None if they cannot be read."""
    known = read_size_and_mode(source)
    return None if known is None else known[0]


def read_size_and_mode(source: Any) -> tuple[tuple[int, int], str] | None:
    """Return (height, width) and Pillow's mode, such as RGB; None where they cannot be read."""
    try:
        with _opened(source, "") as image:
            return (image.height, image.width), image.mode
    except DataError:
        return None


def decode_image(source: Any, name: str, mode: Mode, size: tuple[int, int]) -> Pixels:
    """Return an image in `mode`, resized to `size`: uint8 [channels, height, width].

    Of an animation the first picture counts, of a photograph the way it was held; what is
    transparent is seen on white.

    Args:
        source: path, array uint8 [height, width] or [height, width, 3 or 4], or image of Pillow.
        name: what to call it in a message.
        mode: gray or color.
        size: height and width.

    Raises:
        DataError: it is no image that can be read, or too large for Pillow's own limit.
    """
    from PIL import ImageOps
    from PIL.Image import Resampling

    height, width = size
    with _opened(source, name) as image, _refusals(name):
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
def _opened(source: Any, name: str) -> Iterator["Image"]:
    """Open the image of a source for the duration of the block."""
    pillow = _pillow()
    if isinstance(source, pillow.Image):
        yield source
        return
    if isinstance(source, np.ndarray):
        yield pillow.fromarray(_checked(source, name))
        return
    if not isinstance(source, str | Path):
        raise DataError(
            f"expected a path or an array of pixels, got {type(source).__name__}", file=name
        )
    with _refusals(name):
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
def _refusals(name: str) -> Iterator[None]:
    """Turn errors of Pillow, and its warning of a decompression bomb, into `DataError`."""
    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", DecompressionBombWarning)
            yield
    except (DecompressionBombError, DecompressionBombWarning):
        raise DataError(
            "this image has more pixels than Pillow takes for safe (it may be a decompression "
            "bomb); make it smaller",
            file=name,
        ) from None
    except FileNotFoundError:
        raise DataError("there is no such image", file=name) from None
    except (MemoryError, DataError):
        raise
    except Exception as error:  # Pillow's readers raise whatever their parsers stumble on
        _refuse(error, name)


def _refuse(error: Exception, name: str) -> NoReturn:
    from PIL import UnidentifiedImageError

    told = " ".join(str(error).split())
    if isinstance(error, IsADirectoryError):
        told = "it is a folder"
    elif isinstance(error, UnidentifiedImageError):
        told = "its first bytes are of none of them"
    raise DataError(
        f"expected an image ({_SHOWN}), but this one cannot be read: "
        f"{told or type(error).__name__}",
        file=name,
    ) from None


def _checked(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
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
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel: the upper eight
        wide = np.clip(np.asarray(image, dtype=np.float64), 0, 65535)
        return _image_of((wide / 257).round().astype(np.uint8))
    if not image.has_transparency_data:
        return image
    from PIL import Image as Pillow

    seen = image.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", seen.size, "white"), seen)


def _image_of(pixels: Pixels) -> "Image":
    from PIL import Image as Pillow

    return Pillow.fromarray(pixels)

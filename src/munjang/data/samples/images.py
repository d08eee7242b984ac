"""Sample images by name, from installed packages."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.data.samples.cache import cache_folder, open_atomic
from munjang.errors import ConfigError

LoadedImages = tuple[npt.NDArray[np.uint8], list[str]]
PARTS = ("train", "test")


@dataclass(frozen=True)
class ImageSample:
    """Sample images.

    Attributes:
        name: name of the sample.
        about: description in one line.
        terms: authors and terms of use.
        load: function that returns pixels uint8 [images, height, width] and the class of each.
    """

    name: str
    about: str
    terms: str
    load: Callable[[], LoadedImages]


def load_digits() -> LoadedImages:
    """Load the handwritten digits of scikit-learn, without a network."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    pixels = (bunch.images * (255 / 16)).round().astype(np.uint8)
    return pixels, [str(number) for number in bunch.target]


IMAGE_SAMPLES = {
    "digits": ImageSample(
        "digits",
        "1,797 handwritten digits of 8x8 gray pixels, 10 classes, from scikit-learn",
        "Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI; CC BY 4.0",
        load_digits,
    )
}


def write_image_folder(name: str, part: str | None = None) -> Path:
    """Write a sample as PNG files, with one subfolder per class, and return the folder.

    Files that exist are kept. Every fifth image of each class is in the test part.

    Args:
        name: name of the sample.
        part: train or test; None is the folder with both.

    Raises:
        ConfigError: there is no such part, or Pillow is missing.
        DataError: the cache cannot be written.
    """
    if part is not None and part not in PARTS:
        raise ConfigError(f"{name} has no part {part!r}; it has {', '.join(PARTS)}")
    try:
        from PIL import Image
    except ImportError:
        raise ConfigError("images need the package Pillow: pip install 'munjang[images]'") from None
    top = cache_folder() / "samples" / name
    seen: dict[str, int] = {}
    for place, (pixels, label) in enumerate(zip(*IMAGE_SAMPLES[name].load(), strict=True)):
        number = seen[label] = seen.get(label, -1) + 1
        path = top / PARTS[number % 5 == 4] / label / f"{place:04}.png"
        if not path.is_file():
            with open_atomic(path) as file:
                Image.fromarray(pixels).save(file, format="PNG")
    return top if part is None else top / part

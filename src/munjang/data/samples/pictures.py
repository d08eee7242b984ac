"""Small images by name, out of packages that are here anyway."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.data.samples.cache import cache_folder, whole_file
from munjang.errors import ConfigError

Loaded = tuple[npt.NDArray[np.uint8], list[str]]
PARTS = ("train", "test")


@dataclass(frozen=True)
class PictureSample:
    """Images by name.

    Attributes:
        name: to ask for it.
        about: what it holds, in a line.
        terms: who made it, and on which terms it may be used.
        load: gives pixels uint8 [images, height, width], and the class of each.
    """

    name: str
    about: str
    terms: str
    load: Callable[[], Loaded]


def load_digits() -> Loaded:
    """The handwritten digits that come with scikit-learn; no network is needed."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    pixels = (bunch.images * (255 / 16)).round().astype(np.uint8)
    return pixels, [str(number) for number in bunch.target]


PICTURES = {
    "digits": PictureSample(
        "digits",
        "1,797 handwritten digits of 8x8 grey pixels, 10 classes, out of scikit-learn",
        "Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI; CC BY 4.0",
        load_digits,
    )
}


def picture_folder(name: str, part: str | None = None) -> Path:
    """A folder of PNG files of a sample, one subfolder a class, written if it is not there yet.

    Every fifth image of each class is in the part test.

    Args:
        name: of the sample.
        part: train or test; None is the folder that holds both.

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
    for place, (pixels, label) in enumerate(zip(*PICTURES[name].load(), strict=True)):
        number = seen[label] = seen.get(label, -1) + 1
        path = top / PARTS[number % 5 == 4] / label / f"{place:04}.png"
        if not path.is_file():
            with whole_file(path) as file:
                Image.fromarray(pixels).save(file, format="PNG")
    return top if part is None else top / part

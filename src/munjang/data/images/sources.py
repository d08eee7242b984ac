"""Sources of images: a folder with one subfolder per class, a named sample, or values of Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from munjang.config import suggest_nearest
from munjang.data.readers.header import join_names
from munjang.data.readers.source import list_names
from munjang.data.readers.values import format_label
from munjang.data.samples.images import IMAGE_SAMPLES
from munjang.errors import DataError
from munjang.names import find_existing_path
from munjang.reporting import pluralize


@dataclass(frozen=True)
class Source:
    """One image that has not been read yet.

    Attributes:
        name: name of its file, or its index among values of Python.
        image: path, array or image of Pillow.
        label: its class.
    """

    name: str
    image: Any
    label: str


@dataclass(frozen=True)
class FoundImages:
    """The images of some data.

    Attributes:
        images: one or more images.
        names: names of folders or samples, for messages.
        notes: notes on what was assumed or left out.
    """

    images: tuple[Source, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def is_image_data(data: Any) -> bool:
    """Return whether data is a folder of folders, or the name of a sample that no file has."""
    paths = data if isinstance(data, list) and data else [data]
    return all(
        isinstance(path, str | Path)
        and (
            (Path(path).is_dir() and any(child.is_dir() for child in Path(path).iterdir()))
            or (str(path) in IMAGE_SAMPLES and not find_existing_path(path).exists())
        )
        for path in paths
    )


def find_images(data: Any) -> FoundImages:
    """Find all images of some data, sorted by class name.

    Args:
        data: a folder, several folders, the name of a sample, or a pair (images, labels).

    Raises:
        DataError: a folder does not exist, has no subfolder per class, or a subfolder is empty.
    """
    if isinstance(data, str | Path):
        return _find_in_path(data)
    if isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], str | Path):
        return _from_values(*data)
    if isinstance(data, Sequence) and data and all(isinstance(path, str | Path) for path in data):
        parts = [_find_in_path(path) for path in data]
        return FoundImages(
            tuple(image for part in parts for image in part.images),
            tuple(name for part in parts for name in part.names),
            tuple(note for part in parts for note in part.notes),
        )
    raise DataError(
        "expected a folder with one subfolder per class, or a pair (images, labels), got "
        f"{type(data).__name__}"
    )


def _find_in_path(data: str | Path) -> FoundImages:
    folder = find_existing_path(data)
    if not folder.exists() and str(data) in IMAGE_SAMPLES:
        sample = IMAGE_SAMPLES[str(data)]
        images = zip(*sample.load(), strict=True)
        return FoundImages(
            tuple(Source(f"{data}[{i}]", image, label) for i, (image, label) in enumerate(images)),
            (str(data),),
            (f"{data}: {sample.about}",),
        )
    if not folder.exists():
        siblings = list_names(folder.parent)
        raise DataError(
            f"there is no such folder{suggest_nearest(folder.name, [*siblings, *IMAGE_SAMPLES])}; "
            f"samples by name: {', '.join(IMAGE_SAMPLES)}",
            file=str(data),
        )
    if not folder.is_dir():
        raise DataError(
            "expected a folder with one subfolder per class, this is a file", file=str(data)
        )
    return _find_in_folder(folder)


def _find_in_folder(folder: Path) -> FoundImages:
    paths = _visible(folder)
    classes = [path for path in paths if path.is_dir()]
    if not classes:
        raise DataError(
            f"expected one subfolder per class with the images of that class in it, found "
            f"{pluralize(len(paths), 'file')} and no subfolder",
            file=str(folder),
        )
    images: list[Source] = []
    left_out = len(paths) - len(classes)
    for subfolder in classes:
        # reading a pipe might never end; a broken link is reported when it is read
        files = [path for path in _visible(subfolder) if path.is_file() or not path.exists()]
        if not files:
            raise DataError(_explain_empty(subfolder), file=str(subfolder))
        images.extend(Source(str(path), path, subfolder.name) for path in files)
        left_out += len(_visible(subfolder)) - len(files)
    notes = (f"{folder}: {left_out:,} left out that are neither classes nor images",)
    return FoundImages(tuple(images), (str(folder),), notes if left_out else ())


def _visible(folder: Path) -> list[Path]:
    """Return the paths in a folder, sorted, without hidden ones such as .DS_Store."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot read this folder: {error.strerror}", file=str(folder)) from None
    return [path for path in paths if not path.name.startswith(".")]


def _explain_empty(folder: Path) -> str:
    inner = [path.name for path in _visible(folder)]
    if inner:
        return (
            f"expected the images of the class {folder.name!r}, found only folders "
            f"({join_names(inner)}); if those are the classes, give {folder} itself"
        )
    return f"the class {folder.name!r} is empty; put images into it, or delete the folder"


def _from_values(images: Any, labels: Any) -> FoundImages:
    images, labels = list(images), [format_label(label) or str(label) for label in labels]
    if len(images) != len(labels):
        raise DataError(
            f"expected a label for each image, got {len(images):,} images and "
            f"{len(labels):,} labels"
        )
    if not images:
        raise DataError("expected at least one image, got none")
    sources = tuple(
        Source(str(image) if isinstance(image, str | Path) else f"images[{place}]", image, label)
        for place, (image, label) in enumerate(zip(images, labels, strict=True))
    )
    return FoundImages(sources, ("images",))


def list_images(images: Any) -> list[tuple[str, Any]]:
    """Return images to predict with their names; a single image counts as a list of one."""
    if isinstance(images, np.ndarray):
        is_single = images.ndim == 2 or (images.ndim == 3 and images.shape[2] in (3, 4))
        images = [images] if is_single else list(images)
    elif isinstance(images, str | Path) or not hasattr(images, "__iter__"):
        images = [images]
    return [
        (str(image) if isinstance(image, str | Path) else f"images[{place}]", image)
        for place, image in enumerate(images)
    ]

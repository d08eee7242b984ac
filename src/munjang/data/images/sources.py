"""Where images come from: a folder with one subfolder a class, a sample by name, or Python."""

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
        name: of its file, or of its place in what Python gave.
        image: path, array or image of Pillow.
        label: its class.
    """

    name: str
    image: Any
    label: str


@dataclass(frozen=True)
class FoundImages:
    """Images and what was noticed on the way to them.

    Attributes:
        images: one or more.
        names: what was read, for people.
        notes: what was assumed or left out.
    """

    images: tuple[Source, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def is_image_data(data: Any) -> bool:
    """Return whether data is a folder, or the name of a sample that no file has."""
    paths = data if isinstance(data, list) and data else [data]
    return all(
        isinstance(path, str | Path)
        and (
            Path(path).is_dir() or (str(path) in IMAGE_SAMPLES and not find_existing_path(path).exists())
        )
        for path in paths
    )


def find_images(data: Any) -> FoundImages:
    """Find all images of some data, sorted by class name.

    Args:
        data: a folder, several folders, the name of a sample, or a pair (images, labels).

    Raises:
        DataError: there is no such folder, or it has no subfolder a class, or one is empty.
    """
    if isinstance(data, str | Path):
        return _named(data)
    if isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], str | Path):
        return _pair(*data)
    if isinstance(data, Sequence) and data and all(isinstance(one, str | Path) for one in data):
        found = [_named(one) for one in data]
        return FoundImages(
            tuple(image for one in found for image in one.images),
            tuple(name for one in found for name in one.names),
            tuple(note for one in found for note in one.notes),
        )
    raise DataError(
        "expected a folder with one subfolder a class, or a pair (images, labels), got "
        f"{type(data).__name__}"
    )


def _named(data: str | Path) -> FoundImages:
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
        beside = list_names(folder.parent)
        raise DataError(
            f"there is no such folder{suggest_nearest(folder.name, [*beside, *IMAGE_SAMPLES])}; samples by "
            f"name: {', '.join(IMAGE_SAMPLES)}",
            file=str(data),
        )
    if not folder.is_dir():
        raise DataError(
            "expected a folder with one subfolder a class, this is a file", file=str(data)
        )
    return _folder(folder)


def _folder(folder: Path) -> FoundImages:
    inside = _visible(folder)
    classes = [path for path in inside if path.is_dir()]
    if not classes:
        raise DataError(
            f"expected one subfolder a class with the images of that class in it, found "
            f"{pluralize(len(inside), 'file')} and no subfolder",
            file=str(folder),
        )
    images: list[Source] = []
    left_out = len(inside) - len(classes)
    for one in classes:
        # a pipe might never end; a link that leads nowhere is told when it is read
        files = [path for path in _visible(one) if path.is_file() or not path.exists()]
        if not files:
            raise DataError(_empty(one), file=str(one))
        images.extend(Source(str(path), path, one.name) for path in files)
        left_out += len(_visible(one)) - len(files)
    notes = (f"{folder}: {left_out:,} left out that stand beside classes or images",)
    return FoundImages(tuple(images), (str(folder),), notes if left_out else ())


def _visible(folder: Path) -> list[Path]:
    """Return the paths in a folder, sorted, without hidden ones such as .DS_Store."""
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot read this folder: {error.strerror}", file=str(folder)) from None
    return [path for path in found if not path.name.startswith(".")]


def _empty(folder: Path) -> str:
    inner = [path.name for path in _visible(folder)]
    if inner:
        return (
            f"expected the images of the class {folder.name!r}, found only folders "
            f"({join_names(inner)}); if those are the classes, give {folder} itself"
        )
    return f"the class {folder.name!r} is empty; put images into it, or delete the folder"


def _pair(images: Any, labels: Any) -> FoundImages:
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
        alone = images.ndim == 2 or (images.ndim == 3 and images.shape[2] in (3, 4))
        images = [images] if alone else list(images)
    elif isinstance(images, str | Path) or not hasattr(images, "__iter__"):
        images = [images]
    return [
        (str(image) if isinstance(image, str | Path) else f"images[{place}]", image)
        for place, image in enumerate(images)
    ]

"""Checks of images before training: classes, sizes, modes, unreadable files and repeats."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from munjang.data.data_report import to_plain
from munjang.data.distributions import label_counts, label_names
from munjang.data.images.decode import decode_image, read_size_and_mode
from munjang.data.images.read import get_image_settings, read_images
from munjang.data.images.settings import ImageSettings
from munjang.data.images.sources import FoundImages, Source, find_images
from munjang.data.readers.class_names import match_known_labels
from munjang.data.repeats import Repeats, find_conflicts, find_duplicates, find_overlap
from munjang.data.table import Table
from munjang.errors import DataError

_EXAMPLES = 5


@dataclass(frozen=True)
class UnreadableImage:
    """A file that cannot be read as an image, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class UnreadableImages:
    """Files that cannot be read as images.

    Attributes:
        rows: number of such files.
        examples: the first of them.
    """

    rows: int
    examples: tuple[UnreadableImage, ...]


@dataclass(frozen=True)
class ImageTestReport:
    """The test images compared with the training images.

    Attributes:
        rows: number of readable test images.
        labels: images per class.
        unknown_labels: images per class that the training data lacks.
        unreadable: files of the test that cannot be read as images.
        in_train: images that occur in both.
    """

    rows: int
    labels: dict[str, int]
    unknown_labels: dict[str, int]
    unreadable: UnreadableImages
    in_train: Repeats


@dataclass(frozen=True)
class ImageReport:
    """The result of `check_images`.

    Two images are equal if their pixels are, in the mode and size that a training reads. The `text`
    of a repeated image is the SHA-256 of those pixels; its places name the files.

    Attributes:
        files: names of the folders.
        rows: number of readable images.
        notes: lines about what was inferred while reading.
        labels: images per class, the most frequent class first.
        majority: share of the most frequent class.
        sizes: images per height x width, as stored; the most frequent first.
        modes: images per mode of Pillow (L is gray, RGB color), as stored.
        read_mode, read_size: mode, height and width in training.
        unreadable: files that cannot be read as images.
        duplicates: images that occur more than once.
        conflicts: images that occur in two classes or more.
        test: the test images compared with these, if there are any.
        estimate: memory and time of a training; filled in by `munjang.checking`.
    """

    files: tuple[str, ...]
    rows: int
    notes: tuple[str, ...]
    labels: dict[str, int]
    majority: float
    sizes: dict[str, int]
    modes: dict[str, int]
    read_mode: str
    read_size: tuple[int, int]
    unreadable: UnreadableImages
    duplicates: Repeats
    conflicts: Repeats
    test: ImageTestReport | None = None
    estimate: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return to_plain(asdict(self))


def check_images(data: Any, test: Any, settings: ImageSettings) -> ImageReport:
    """Measure classes, sizes and repeats of images before training.

    Args:
        data: as `munjang.data.images.sources.find_images` takes it.
        test: held-out images, which should share none with `data`; or None.
        settings: mode and size to convert to; inferred if None.

    Raises:
        DataError: a folder does not exist, or a class has no readable image.
    """
    sources = find_images(data)
    table = read_images(data, settings, skip_bad=True)
    settings = get_image_settings(table)
    assert settings.mode is not None
    assert settings.size is not None
    labels = label_counts(table.targets) or {}
    stored = [found for image in sources.images if (found := read_size_and_mode(image.image))]
    return ImageReport(
        files=sources.names,
        rows=len(table),
        notes=table.notes,
        labels=labels,
        majority=max(labels.values()) / len(table),
        sizes=_counts([f"{height}x{width}" for (height, width), _ in stored]),
        modes=_counts([stored_mode for _, stored_mode in stored]),
        read_mode=settings.mode,
        read_size=settings.size,
        unreadable=_unreadable(sources, table),
        duplicates=find_duplicates(table),
        conflicts=find_conflicts(table),
        test=None if test is None else _check_test(table, test, settings),
    )


def _check_test(train: Table, data: Any, settings: ImageSettings) -> ImageTestReport:
    sources, images = find_images(data), read_images(data, settings, skip_bad=True)
    known = label_names(train.targets)
    table = match_known_labels(images, sorted(known))
    labels = label_counts(table.targets) or {}
    return ImageTestReport(
        rows=len(table),
        labels=labels,
        unknown_labels={name: count for name, count in labels.items() if name not in known},
        unreadable=_unreadable(sources, table),
        in_train=find_overlap(train, table),
    )


def _unreadable(sources: FoundImages, table: Table) -> UnreadableImages:
    """Return the sources that left no row in the table, with reasons for the first ones."""
    readable = Counter(table.files)
    readable.subtract(source.name for source in sources.images)
    missing = {name for name, count in readable.items() if count < 0}
    bad = [source for source in sources.images if source.name in missing]
    return UnreadableImages(len(bad), tuple(map(_reason, bad[:_EXAMPLES])))


def _reason(source: Source) -> UnreadableImage:
    try:
        decode_image(source.image, "", "gray", (1, 1))
    except DataError as error:
        return UnreadableImage(source.name, str(error).removeprefix(": "))
    return UnreadableImage(source.name, "could not be read in the first attempt")


def _counts(values: Sequence[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())

"""Reader of labeled images into a table with an array of pixels."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from munjang.data.images.decode import Pixels, decode_image, read_image_size
from munjang.data.images.settings import CHANNELS, ImageSettings, Mode
from munjang.data.images.sources import FoundImages, Source, find_images
from munjang.data.readers.class_names import unify_class_names
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.memory import total_memory
from munjang.names import label_key

# Longest side of an inferred size: larger images take more time than they gain.
LARGEST_GUESS = 64
UNREADABLE = "no readable image"
SKIP_HINT = "leave such images out with --skip-bad-rows (skip_bad_rows=True)"


def read_images(data: Any, settings: ImageSettings, *, skip_bad: bool = False) -> Table:
    """Read images and their classes.

    The table has the roles `image` (uint8 pixels [rows, channels, height, width]), `label`, and
    `digest`, which is equal for equal images, so that a split puts them into one part.

    Args:
        data: as `munjang.data.images.sources.find_images` takes it.
        settings: mode and size; None is inferred and reported in the notes of the table.
        skip_bad: count files that cannot be read instead of raising at the first.

    Raises:
        DataError: a folder or file cannot be used; it is named.
        ConfigError: the memory of the machine cannot hold the pixels.
    """
    found = find_images(data)
    size, notes = _choose_size(settings, [source.image for source in found.images])
    _refuse_impossible(len(found.images), settings.mode or "color", size)
    skipped: Counter[str] = Counter()
    kept, pixels = _decode(found, settings.mode or "color", size, skipped if skip_bad else None)
    mode: Mode = settings.mode or "color"
    if settings.mode is None:
        mode = "color" if _has_color(pixels) else "gray"
        pixels = pixels if mode == "color" else np.ascontiguousarray(pixels[:, :1])
        reason = "no pixel has a color" if mode == "gray" else "some pixels have a color"
        notes = (*notes, f"mode: {mode} (inferred: {reason})")
    table = _table(kept, pixels, (*found.notes, *notes), skipped)
    table = unify_class_names(replace(table, origins=found.names))
    _refuse_emptied(found, table)
    return table


def get_image_settings(table: Table) -> ImageSettings:
    """Return the mode and size of the images of a table."""
    _, channels, height, width = table["image"].shape
    mode = next(name for name, count in CHANNELS.items() if count == channels)
    return ImageSettings(mode=mode, size=(height, width))


def decode_all(images: Iterable[tuple[str, Any]], mode: Mode, size: tuple[int, int]) -> Pixels:
    """Decode named images to uint8 [images, channels, height, width].

    Raises:
        DataError: an image cannot be read; it is named.
    """
    pixels = [decode_image(image, name, mode, size) for name, image in images]
    channels = 1 if mode == "gray" else 3
    return np.stack(pixels) if pixels else np.empty((0, channels, *size), dtype=np.uint8)


def _choose_size(
    settings: ImageSettings, images: Sequence[Any]
) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return the size that was set, or an inferred size and a note on how."""
    if settings.size is not None:
        return settings.size, ()
    sizes = [size for size in map(read_image_size, images) if size is not None]
    if not sizes:
        return (LARGEST_GUESS, LARGEST_GUESS), ()  # decoding will raise for the first of them
    height, width = (int(side) for side in np.median(np.asarray(sizes), axis=0))
    over = max(height, width) / LARGEST_GUESS
    size = (height, width) if over <= 1 else (_shrunk(height, over), _shrunk(width, over))
    same = len(set(sizes)) == 1
    why = f"all images have {height}x{width}" if same else f"the median is {height}x{width}"
    if over > 1:
        why += f", shrunk to {LARGEST_GUESS} on the longer side"
    elif same:
        why = "all images have it"
    note = f"size: {size[0]}x{size[1]}, height x width (inferred: {why})"
    return size, (note,)


def _shrunk(side: int, over: float) -> int:
    return max(1, round(side / over))


def _refuse_impossible(count: int, mode: Mode, size: tuple[int, int]) -> None:
    """Refuse pixels that the memory of this machine cannot hold, before any is decoded."""
    height, width = size
    needed, available = count * height * width * (1 if mode == "gray" else 3), total_memory()
    if available and needed > available:
        raise ConfigError(
            f"image.size: out of memory: {count:,} images of {height}x{width} in {mode} take "
            f"{needed / 1e9:,.1f} GB or more, and this machine has {available / 1e9:,.1f} GB; "
            "lower image.size"
        )


def _decode(
    found: FoundImages, mode: Mode, size: tuple[int, int], skipped: Counter[str] | None
) -> tuple[list[Source], Pixels]:
    kept, pixels = [], []
    for source in found.images:
        try:
            pixels.append(decode_image(source.image, source.name, mode, size))
        except DataError as error:
            if skipped is None:
                raise DataError(f"{error}; {SKIP_HINT}") from None
            skipped[UNREADABLE] += 1
            continue
        kept.append(source)
    if not kept:
        raise DataError("none of the files can be read as an image", file=found.names[0])
    return kept, np.stack(pixels)


def _has_color(pixels: Pixels) -> bool:
    return bool((pixels != pixels[:, :1]).any())


def _table(
    sources: Sequence[Source], pixels: Pixels, notes: tuple[str, ...], skipped: Counter[str]
) -> Table:
    count = len(sources)
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in pixels]
    return Table(
        columns={
            "digest": pl.Series("digest", digests, dtype=pl.String),
            "image": pixels,
            "label": pl.Series("label", [source.label for source in sources], dtype=pl.String),
        },
        rows=np.zeros(count, dtype=np.int64),
        files=tuple(source.name for source in sources),
        file_index=np.arange(count, dtype=np.int32),
        names={"digest": "image", "image": "image", "label": "class"},
        key_role="digest",
        notes=notes,
        skipped=dict(skipped),
    )


def _refuse_emptied(found: FoundImages, table: Table) -> None:
    """Refuse a class all of whose files were skipped."""
    assert table.targets is not None
    kept = {label_key(label) for label in table.targets.unique()}
    lost = [source.label for source in found.images if label_key(source.label) not in kept]
    if lost:
        label = min(lost)
        first = next(source.name for source in found.images if source.label == label)
        raise DataError(
            f"no file of the class {label!r} can be read as an image; put images into it, or "
            "delete the folder",
            file=str(Path(first).parent),
        )

"""Input of one image per row: pixels of one size and mode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import polars as pl
import torch

from munjang.config import Settings
from munjang.data.images.decode import Pixels
from munjang.data.images.read import UNREADABLE, decode_all, get_image_settings, read_images
from munjang.data.images.settings import (
    CHANNELS,
    ImageDataSettings,
    ImageSettings,
    Mode,
    parse_size,
)
from munjang.data.images.sources import is_image_data, list_images
from munjang.data.labels import count_labels, require_labels
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.defaults.image import image_defaults
from munjang.errors import ConfigError, DataError, FolderError
from munjang.folder.layout import CONFIG
from munjang.folder.sealed import SealedFolder
from munjang.inputs.arrays import ArrayInput, EncodedArrays
from munjang.inputs.input import Encoded, Input, Sample
from munjang.models.image_cnn import ImageShape
from munjang.recipe import Recipe, section_of
from munjang.reporting import Report, pluralize, stage
from munjang.training.settings import refuse_embedding_settings, refuse_leave_out

_MOST_NAMES = 12  # classes that are listed by name


@dataclass(frozen=True)
class ImageInput(ArrayInput):
    """One image per row; the recipe has the mode and size of the images."""

    row: ClassVar[str] = "image"
    noun: ClassVar[str] = "image"
    unit: ClassVar[str] = "images"
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": ImageDataSettings,
        "image": ImageSettings,
    }

    @classmethod
    def accepts(cls, data: Any, reading: Mapping[str, Any]) -> bool:
        """Return whether data is a folder, or a sample of images."""
        return is_image_data(data)

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse settings of other inputs."""
        refuse_embedding_settings(recipe.training, "images have none")
        refuse_leave_out(recipe.training)
        for key in ("length_buckets", "batch_tokens"):
            if getattr(recipe.training, key) is not None:
                raise ValueError(
                    f"training.{key}: is for texts of different lengths; set training.batch_size"
                )

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Table | None) -> Mapping[str, Any]:
        """Return defaults for the number of images and their size."""
        if rows is None:
            size = section_of(given, "image").get("size")
            return image_defaults(given, 0, None if size is None else parse_size(size))
        return image_defaults(given, len(rows), rows["image"].shape[2:])

    @classmethod
    def read(
        cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report
    ) -> Table:
        """Read images and report what was read, inferred and skipped."""
        skip = recipe.section("data").skip_bad_rows
        with stage("reading images"):
            table = read_images(data, recipe.section("image"), skip_bad=skip)
        report(f"read {len(table):,} images of {', '.join(table.origins)}")
        for note in table.notes:
            report(note)
        for reason, count in table.skipped.items():
            report(f"skipped {pluralize(count, 'file')}: {reason}")
        return table

    @classmethod
    def complete(cls, recipe: Recipe, rows: Table) -> Recipe:
        """Return the recipe with the mode and size of the images."""
        return recipe.model_copy(update={"image": get_image_settings(rows)})

    @classmethod
    def sample(cls, size: Any, vocabulary: int) -> Sample:
        """Return an image of a size such as "96x96" or "32x32x3"; 28x28 if None."""
        shape = _parse_shape("28x28" if size is None else size)
        channels, height, width = shape
        mode = next(name for name, count in CHANNELS.items() if count == channels)

        def tensors() -> tuple[torch.Tensor, ...]:
            return (torch.zeros((1, *shape), dtype=torch.uint8),)

        settings = {"image": {"mode": mode, "size": [height, width]}}
        return Sample(shape, tensors, (height, width, channels), settings, on_meta=True)

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse one class alone, an image in two classes, and classes of too few images."""
        labels = require_labels(rows)
        counts = count_labels(labels)
        if len(counts) < 2:
            raise rows.error(
                0,
                f"expected at least two classes, but all {len(rows):,} images are of the class "
                f"{next(iter(counts))!r}; each class is a subfolder of its own",
            )
        _refuse_contradictions(rows, labels)
        images = pl.DataFrame({"image": rows.keys, "class": labels}).unique()
        label, count = min(count_labels(images["class"]).items(), key=lambda pair: pair[::-1])
        if count < least:
            raise rows.error(
                labels.to_list().index(label),
                f"the class {label!r} has {pluralize(count, 'different image')}, but "
                f"each class needs at least {least}, one for each part of the split: add images, "
                "drop the class, or give the images to validate on with --valid",
            )

    @classmethod
    def fit(cls, train: Table, recipe: Recipe) -> Self:
        """Return the input; nothing is learned."""
        return cls(recipe)

    @classmethod
    def settings_from(cls, other: Input) -> dict[str, Any]:
        """Return mode and size of the images of another input."""
        if not isinstance(other, ImageInput):
            raise ConfigError(f"the input {other.recipe.input} has no images")
        return {"image": other.recipe.section("image").model_dump(mode="json")}

    @classmethod
    def fit_from(cls, train: Table, recipe: Recipe, other: Input) -> Self:
        """Return the input; the recipe has mode and size."""
        return cls(recipe)

    @classmethod
    def load(cls, folder: SealedFolder, recipe: Recipe) -> Self:
        """Return the input of a folder, whose config.yaml names mode and size."""
        image = recipe.section("image")
        if image.mode is None or image.size is None:
            raise FolderError(f"{folder.path / CONFIG}: image: expected mode and size")
        return cls(recipe)

    @property
    def size(self) -> ImageShape:
        """Channels, height and width of every image."""
        image = self.recipe.section("image")
        return CHANNELS[cast(Mode, image.mode)], *image.size

    def encode(self, rows: Table) -> EncodedArrays:
        """Return the pixels of a table, uint8 [rows, channels, height, width]."""
        return EncodedArrays(rows["image"], self.unit)

    def encode_values(self, values: Any) -> EncodedArrays:
        """Decode images: paths, arrays of uint8, images of Pillow, or one of them."""
        return EncodedArrays(self._pixels(list_images(values)), self.unit)

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the indices of the images that can be read."""
        indices = []
        for index, image in enumerate(values):
            try:
                self._pixels([(str(image), image)])
            except DataError:
                continue
            indices.append(index)
        bad = len(values) - len(indices)
        return indices, {UNREADABLE: bad} if bad else {}

    def _pixels(self, images: list[tuple[str, Any]]) -> Pixels:
        image = self.recipe.section("image")
        return decode_all(images, image.mode, image.size)

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return the number of images, their classes, size and mode."""
        image = self.recipe.section("image")
        return {
            **super().facts(parts, encoded),
            "classes": sorted(require_labels(parts["train"]).unique()),
            "size": list(image.size),
            "mode": image.mode,
        }

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return classes and the number of images for people."""
        classes = facts["classes"]
        named = ", ".join(classes[:_MOST_NAMES]) + (", ..." if len(classes) > _MOST_NAMES else "")
        return [f"{len(classes)} classes: {named}", *super().fact_lines(facts)]

    @property
    def made_of(self) -> str:
        """Mode and size of the images."""
        _, height, width = self.size
        return f" on {self.recipe.section('image').mode} images of {height}x{width}"

    @property
    def limits(self) -> str:
        """Size and mode that every image is converted to."""
        _, height, width = self.size
        mode = self.recipe.section("image").mode
        return f"Every image is resized to {height}x{width}\nand read in {mode}."


def _parse_shape(size: Any) -> ImageShape:
    """Return channels, height and width of "96x96" or "96x96x3"."""
    sides = list(size) if isinstance(size, list | tuple) else str(size).lower().split("x")
    channels = str(sides.pop()) if len(sides) == 3 else "1"
    if channels not in ("1", "3"):
        raise ConfigError(f"input: expected 1 channel (gray) or 3 (color), got {size!r}")
    height, width = parse_size(sides)
    return int(channels), height, width


def _refuse_contradictions(rows: Table, labels: pl.Series) -> None:
    """Refuse an image in two classes, which a split could not put into one part."""
    frame = pl.DataFrame({"image": rows.keys, "class": labels}).with_row_index("row")
    images = frame.group_by("image").agg(pl.col("row"), pl.col("class"))
    contradictory = images.filter(pl.col("class").list.n_unique() > 1)
    if contradictory.is_empty():
        return
    first = min(contradictory.iter_rows(named=True), key=lambda image: min(image["row"]))
    row = first["row"][0]
    other = next(r for r, c in zip(first["row"], first["class"], strict=True) if c != labels[row])
    more = f" ({len(contradictory) - 1:,} more such images)" if len(contradictory) > 1 else ""
    raise DataError(
        f"the same image is in another class as {rows.place(other)[0]}{more}; leave it in one",
        file=rows.place(row)[0],
    )

"""All samples by name, of texts, pairs and images: how `munjang data` lists and fetches them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from munjang.data.samples.corpora import Sample
from munjang.data.samples.images import IMAGE_SAMPLES, PARTS, ImageSample, write_image_folder
from munjang.data.samples.load import fetch_part, find_part, find_sample, list_samples
from munjang.reporting import Report

# From the name of a part, or None for all, to the paths of the parts.
Fetch = Callable[[str | None, Report], dict[str, Path]]


@dataclass(frozen=True)
class CatalogEntry:
    """A sample.

    Attributes:
        name: name of the sample.
        about: description in one line.
        terms: authors and terms of use.
        parts: names of the parts, the training part first.
        arguments: arguments of `munjang.train` that read it.
        fetch: function that fetches its parts.
    """

    name: str
    about: str
    terms: str
    parts: tuple[str, ...]
    arguments: Mapping[str, str]
    fetch: Fetch


def list_catalog() -> list[CatalogEntry]:
    """Return all samples."""
    texts = [_text_entry(sample) for sample in list_samples()]
    return [*texts, *(_image_entry(sample) for sample in IMAGE_SAMPLES.values())]


def find_entry(name: str) -> CatalogEntry:
    """Return the sample of a name.

    Raises:
        ConfigError: there is no sample of that name.
    """
    if name in IMAGE_SAMPLES:
        return _image_entry(IMAGE_SAMPLES[name])
    return _text_entry(find_sample(name))


def _text_entry(sample: Sample) -> CatalogEntry:
    columns = {"text_column": sample.text_column, "label_column": sample.label_column}
    if sample.pairs:
        columns = {
            "task": "translate",
            "source_column": sample.text_column,
            "target_column": sample.label_column,
        }
    parts = tuple(part.name for part in sample.parts)
    fetch = partial(_fetch_texts, sample)
    return CatalogEntry(sample.name, sample.about, sample.terms, parts, columns, fetch)


def _image_entry(sample: ImageSample) -> CatalogEntry:
    arguments, fetch = {"task": "images"}, partial(_write_images, sample)
    return CatalogEntry(sample.name, sample.about, sample.terms, PARTS, arguments, fetch)


def _fetch_texts(sample: Sample, part: str | None, report: Report) -> dict[str, Path]:
    parts = sample.parts if part is None else (find_part(sample, part),)
    return {wanted.name: fetch_part(sample, wanted, report=report) for wanted in parts}


def _write_images(sample: ImageSample, part: str | None, report: Report) -> dict[str, Path]:
    parts = PARTS if part is None else (part,)
    return {name: write_image_folder(sample.name, name) for name in parts}

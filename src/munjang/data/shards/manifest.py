"""Manifest of encoded text: what it was made of, and every file of it. It is written last."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from munjang import __version__
from munjang.config import LONGEST, MOST_IDS, Settings
from munjang.data.shards.scan import Count, Counts
from munjang.errors import ConfigError, FolderError
from munjang.folder.manifest import write_atomically
from munjang.json_files import read_object
from munjang.text.columns import Int64s

FILE = "encoded.json"
FORMAT = 2
CURE = "delete that folder, and the same command encodes the text again"


class ShardEntry(Settings):
    """One file of rows."""

    file: str = Field(pattern=r"^[a-z]{1,20}-[0-9]{5,9}\.arrow$")
    rows: Count
    tokens: Count
    bytes: Count
    crc32: Count
    lengths: tuple[Annotated[int, Field(ge=0, le=LONGEST + 3)], ...]
    counts: tuple[Count, ...]

    @property
    def histogram(self) -> tuple[Int64s, Int64s]:
        """The lengths of rows, ascending, and how many rows have each."""
        return np.array(self.lengths, dtype=np.int64), np.array(self.counts, dtype=np.int64)


class PartEntry(Settings):
    """One part of the data, such as the training part."""

    rows: Count
    lines: Count
    tokens: Count
    oov_tokens: Count
    split_lines: Count
    longest: Annotated[int, Field(ge=0, le=LONGEST + 3)]
    shards: tuple[ShardEntry, ...]


class Manifest(Settings):
    """All that is known of encoded text without opening its files."""

    format: Literal[2]
    made_with: str
    source: dict[str, Any]
    encoding: dict[str, Any]
    counts: Counts
    vocabulary_size: int = Field(ge=0, le=MOST_IDS)
    parts: dict[str, PartEntry]
    tokenizer: dict[str, Any]
    vocabulary: dict[str, Any]


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, which makes the files count.

    Raises:
        OSError: the file cannot be written.
    """
    values = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False)
    write_atomically(folder / FILE, values + "\n")


def read(folder: Path) -> Manifest | None:
    """Read the manifest of a folder; None where there is none of this version.

    Raises:
        FolderError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    values = read_object(path, "manifest of encoded text", CURE)
    if (values.get("format"), values.get("made_with")) != (FORMAT, __version__):
        return None  # of another version: it is encoded again
    try:
        manifest = Manifest.parse(values, where=str(path))
        for part in manifest.parts.values():
            _check_sums(part)
    except (ConfigError, ValueError) as error:
        raise FolderError(
            f"{path}: the manifest of encoded text is damaged ({error}); {CURE}"
        ) from None
    return manifest


def _check_sums(part: PartEntry) -> None:
    """Raise if the counts of a part do not agree.

    Raises:
        ValueError: they do not.
    """
    for shard in part.shards:
        lengths, counts = shard.histogram
        if len(lengths) != len(counts) or (np.diff(lengths) <= 0).any():
            raise ValueError(f"lengths of {shard.file}")
        total = sum(int(n) * int(k) for n, k in zip(lengths, counts, strict=True))
        if int(counts.sum()) != shard.rows or total != shard.tokens:
            raise ValueError(f"counts of {shard.file}")
    sums = sum(s.rows for s in part.shards), sum(s.tokens for s in part.shards)
    if sums != (part.rows, part.tokens) or len({s.file for s in part.shards}) < len(part.shards):
        raise ValueError("counts of its files")

"""Writer of encoded rows into files of bounded size."""

from pathlib import Path

import numpy as np

from munjang.data.shards.manifest import PartEntry, ShardEntry
from munjang.data.shards.shard import write_shard
from munjang.text.columns import Int32s, Int64s
from munjang.text.vocabulary import OOV


class PartWriter:
    """Writes the rows of one part, file by file.

    Which rows a file holds depends on the rows alone, not on how they arrive.

    Args:
        folder: folder of the files.
        name: first word of their names.
        most_tokens: tokens per file, unless one row has more.
    """

    def __init__(self, folder: Path, name: str, most_tokens: int) -> None:
        self.folder, self.name, self.most_tokens = folder, name, most_tokens
        self.lines = self.split_lines = self.oov_tokens = self.longest = 0
        self._shards: list[ShardEntry] = []
        self._parts: list[tuple[Int32s, Int64s, Int64s]] = []  # ids, lengths, documents
        self._tokens = 0

    def add(self, values: Int32s, offsets: Int64s, documents: Int64s) -> None:
        """Add rows.

        Raises:
            OSError: a file cannot be written.
        """
        if not len(documents):
            return
        lengths = np.diff(offsets)
        self.oov_tokens += int(np.count_nonzero(values == OOV))
        self.longest = max(self.longest, int(lengths.max()))
        self._parts.append((values, lengths, documents))
        self._tokens += len(values)
        while self._tokens > self.most_tokens:
            self._write()

    def finish(self) -> PartEntry:
        """Write the last file, and return the entry of the part."""
        while self._tokens:
            self._write()
        return PartEntry(
            rows=sum(shard.rows for shard in self._shards),
            lines=self.lines,
            tokens=sum(shard.tokens for shard in self._shards),
            oov_tokens=self.oov_tokens,
            split_lines=self.split_lines,
            longest=self.longest,
            shards=tuple(self._shards),
        )

    def _write(self) -> None:
        """Write as many of the rows as one file takes, at least one."""
        values, lengths, documents = (np.concatenate(c) for c in zip(*self._parts, strict=True))
        ends = np.cumsum(lengths)
        rows = max(1, int(np.searchsorted(ends, self.most_tokens, side="right")))
        tokens = int(ends[rows - 1])
        path = self.folder / f"{self.name}-{len(self._shards):05}.arrow"
        offsets = np.concatenate([[0], ends[:rows]])
        self._shards.append(write_shard(path, values[:tokens], offsets, documents[:rows]))
        rest = values[tokens:].copy(), lengths[rows:].copy(), documents[rows:].copy()
        self._parts = [rest] if len(rest[1]) else []
        self._tokens = len(rest[0])

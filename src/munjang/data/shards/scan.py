"""First reading of running text: counts, held-out lines, and a sample for the tokenizer."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from munjang.config import Settings
from munjang.data.shards.blocks import Block, LineReader
from munjang.data.shards.hashing import UInt64s, hash_documents, hash_texts, mix
from munjang.data.shards.held_out import SmallestHashes
from munjang.data.shards.sample import LineSample
from munjang.errors import DataError
from munjang.reporting import Report, discard
from munjang.text.columns import Int64s
from munjang.text.script import Script, script_of
from munjang.text.segmentation.codepoints import Bools

Count = Annotated[int, Field(ge=0, le=2**53)]

# Whole documents are held out if their lines are at most so many times more or fewer than wanted.
_MOST_APART = 2


class Counts(Settings):
    """Counts of running text.

    Attributes:
        lines: lines with a visible character.
        documents: documents of these lines.
        held_out_lines: lines held out for validation.
        has_documents: True if a blank line ended a document, or a table was read.
        held_out_documents: True if whole documents are held out, False if single lines are.
        bytes: bytes of the lines in UTF-8.
        cut_lines: lines that were too long for a block and were cut.
        script: script of a sample of the lines.
        is_sampled: True if the tokenizer learns from a sample of the lines rather than from all.
        skipped: bad rows that were left out, by reason.
    """

    lines: Count
    documents: Count
    held_out_lines: Count
    has_documents: bool
    held_out_documents: bool
    bytes: Count
    cut_lines: Count
    script: Script
    is_sampled: bool
    skipped: dict[str, Count]


@dataclass(frozen=True)
class Scan:
    """All that the first reading gives.

    Attributes:
        counts: counts.
        held_out: numbers of the held-out documents or lines, ascending.
        sample: lines for the tokenizer, none of them held out.
    """

    counts: Counts
    held_out: Int64s
    sample: pl.Series

    def is_held_out(self, block: Block) -> Bools:
        """Return True for each held-out line of a block."""
        units = block.documents if self.counts.held_out_documents else block.lines
        return np.isin(units, self.held_out)


def scan_lines(reader: LineReader, seed: int, report: Report = discard) -> Scan:
    """Read all lines once.

    Args:
        reader: the files.
        seed: random seed of the sample and of the held-out part.
        report: called with what was inferred.

    Raises:
        DataError: a file cannot be read, a row is bad, or there is no line.
    """
    settings = reader.settings
    notes: list[str] = []
    most = settings.validation_rows
    documents, lines = _DocumentHashes(SmallestHashes(most)), SmallestHashes(most)
    sample = LineSample(int(settings.tokenizer_sample * 1e6), seed)
    count, size, last = 0, 0, -1
    for block in reader.blocks(notes.append):
        hashes = hash_texts(block.texts, seed)
        lines.add(hashes, block.lines, np.ones(len(hashes), dtype=np.int64))
        documents.add(hashes, block.documents)
        sample.add(block.texts, block.lines, block.documents)
        count += len(hashes)
        size += int(block.texts.str.len_bytes().sum())
        last = int(block.documents[-1])
    for note in dict.fromkeys(notes):
        report(note)
    if not count:
        names = ", ".join(file.name for file in reader.files[:3])
        raise DataError("expected lines of text, found none", file=names)
    wanted = min(most, max(1, round(settings.validation_split * count)))
    held_out, held_out_lines = documents.finish().choose(wanted)
    by_document = reader.has_documents and 0 < held_out_lines < count
    if not settings.join_next:  # rows of neighboring lines need whole documents
        by_document &= wanted <= _MOST_APART * held_out_lines <= _MOST_APART**2 * wanted
    if not by_document:
        held_out, held_out_lines = lines.choose(wanted)
    texts, line_numbers, document_numbers = sample.finish()
    unit = document_numbers if by_document else line_numbers
    counts = Counts(
        lines=count,
        documents=last + 1,
        held_out_lines=held_out_lines,
        has_documents=reader.has_documents,
        held_out_documents=by_document,
        bytes=size,
        cut_lines=reader.cut_lines,
        script=script_of(texts),
        is_sampled=not sample.is_whole,
        skipped=dict(reader.skipped),
    )
    return Scan(counts, held_out, texts.filter(pl.Series(~np.isin(unit, held_out))))


class _DocumentHashes:
    """Hashes of documents whose lines arrive in blocks."""

    def __init__(self, chosen: SmallestHashes) -> None:
        self._chosen = chosen
        self._open: tuple[int, int, int] | None = None  # number, sum of hashes, lines

    def add(self, hashes: UInt64s, documents: Int64s) -> None:
        """Add the next lines with the numbers of their documents."""
        starts = np.flatnonzero(np.diff(documents, prepend=documents[0] - 1))
        counts = np.diff(np.append(starts, len(documents)))
        places = np.arange(len(documents)) - np.repeat(starts, counts)
        number, total, before = self._open or (-1, 0, 0)
        goes_on = number == documents[0]
        if goes_on:
            places[: counts[0]] += before
        sums = hash_documents(hashes, places, starts)
        if goes_on:
            sums[:1] += np.uint64(total)
            counts[0] += before
        elif self._open is not None:
            self._close()
        self._open = int(documents[-1]), int(sums[-1]), int(counts[-1])
        self._chosen.add(mix(sums[:-1]), documents[starts[:-1]], counts[:-1])

    def finish(self) -> SmallestHashes:
        """Add the last document, and return the chosen ones."""
        if self._open is not None:
            self._close()
        return self._chosen

    def _close(self) -> None:
        assert self._open is not None
        number, total, lines = self._open
        hashes = mix(np.array([total], dtype=np.uint64))
        self._chosen.add(hashes, np.array([number]), np.array([lines]))
        self._open = None

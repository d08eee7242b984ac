"""Lines of running text, as an input reads them: counted, but not in memory."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from munjang import __version__
from munjang.data.shards import manifest as manifests
from munjang.data.shards.blocks import Block, LineReader
from munjang.data.shards.dataset import ShardedDataset
from munjang.data.shards.encode import RowShape, encode_lines, estimate_bytes
from munjang.data.shards.manifest import Manifest
from munjang.data.shards.scan import Counts, Scan, scan_lines
from munjang.data.shards.settings import LinesSettings
from munjang.data.shards.store import Store
from munjang.data.shards.writer import PartWriter
from munjang.errors import ConfigError, DataError, FolderError
from munjang.folder.lock import hold_lock
from munjang.reporting import Report, discard, pluralize, stage
from munjang.text.columns import values_and_offsets
from munjang.text.registry import recount, tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary

ALL, TRAINING, VALIDATION = "all", "training", "validation"
# Lines from which the size of the encoded text is estimated.
_ESTIMATE_LINES = 2000


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of text files. What is read once is kept: counts, and whether they are encoded.

    Attributes:
        reader: the files.
        store: where they are encoded.
        seed: random seed of the held-out part and of the tokenizer's sample.
        report: called with lines for people.
        part: which lines of the files these are: all, or those of a part.
    """

    reader: LineReader
    store: Store
    seed: int
    report: Report = discard
    part: str = ALL
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def settings(self) -> LinesSettings:
        """Settings of reading."""
        return self.reader.settings

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files."""
        return tuple(file.name for file in self.reader.files)

    def __len__(self) -> int:
        counts = self.counts
        sizes = {
            ALL: counts.lines,
            TRAINING: counts.lines - counts.held_out_lines,
            VALIDATION: counts.held_out_lines,
        }
        return sizes[self.part]

    def take_part(self, part: str) -> "Lines":
        """Return the lines of a part."""
        return Lines(self.reader, self.store, self.seed, self.report, part, self._kept)

    @property
    def source(self) -> dict[str, Any]:
        """Description of the text and of how it is read, by which encoded text is found again."""
        if "source" not in self._kept:
            reading = self.settings.model_dump(
                mode="json", exclude={"shard_tokens", "window_shards"}
            )
            files = [file.fingerprint() for file in self.reader.files]
            self._kept["source"] = {"files": files, "seed": self.seed, **reading}
        source: dict[str, Any] = self._kept["source"]
        return source

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of the encoded text; None if it is not encoded yet."""
        if "manifest" not in self._kept:
            self._kept["manifest"] = self.store.find(self.source)
        found: Manifest | None = self._kept["manifest"]
        return found

    @property
    def scan(self) -> Scan:
        """The first reading, which is done when it is first needed."""
        if "scan" not in self._kept:
            with stage(f"reading {', '.join(self.files[:3])}"):
                self._kept["scan"] = scan_lines(self.reader, self.seed, self.report)
        found: Scan = self._kept["scan"]
        return found

    @property
    def counts(self) -> Counts:
        """Counts of all lines of the files."""
        if self.manifest is not None and "scan" not in self._kept:
            return self.manifest.counts
        return self.scan.counts

    def learned_tokenizer(self, settings: Mapping[str, Any]) -> Tokenizer | None:
        """Return the tokenizer that was learned with these settings when the text was encoded.

        None if the text is not encoded, or with another tokenizer.

        Raises:
            FolderError: the manifest is damaged.
        """
        manifest = self.manifest
        if manifest is None or manifest.encoding.get("learned") != settings:
            return None
        try:
            vocabulary = Vocabulary.from_json(manifest.vocabulary)
            return tokenizer_from_json(manifest.tokenizer, vocabulary)
        except (FolderError, ConfigError) as error:
            raise FolderError(
                f"{self.store.folder / manifests.FILE}: the tokenizer or its vocabulary is damaged "
                f"({error}); {manifests.CURE}"
            ) from None

    def counted_tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the tokenizer of another text with the counts of its tokens in this one's sample.

        They are in the manifest if this text was encoded with that tokenizer before.
        """
        manifest = self.manifest
        if manifest is not None and manifest.tokenizer == tokenizer.to_json():
            counted = Vocabulary.from_json(manifest.vocabulary)
            if counted.tokens == tokenizer.vocabulary.tokens:
                return tokenizer_from_json(manifest.tokenizer, counted)
        with stage(f"counting tokens of {pluralize(len(self.scan.sample), 'line')}"):
            return recount(tokenizer, self.scan.sample)

    def encode(
        self, tokenizer: Tokenizer, shape: RowShape, parts: Sequence[str], learned: Any
    ) -> dict[str, ShardedDataset]:
        """Return the rows of each part, encoded now or before.

        Args:
            tokenizer: fitted.
            shape: how lines become rows.
            parts: names of the parts: all lines, or the training part and the validation part.
            learned: settings with which the tokenizer was learned from this text.

        Raises:
            DataError: a file cannot be read any more, or has changed.
            FolderError: another process encodes into the same folder.
            ConfigError: the disk has too little room.
            OSError: a file cannot be written.
        """
        state = {"tokenizer": tokenizer.to_json(), "vocabulary": tokenizer.vocabulary.to_json()}
        encoding = {
            "tokens": _digest(state),
            "learned": learned,
            "shape": asdict(shape),
            "parts": list(parts),
            "shard_tokens": self.settings.shard_tokens,
        }
        manifest = self.manifest
        if (
            manifest is None
            or _without_learned(manifest) != {**encoding, "learned": None}
            or set(parts) != set(manifest.parts)
            or manifest.vocabulary_size != tokenizer.vocabulary.size
        ):
            manifest = self._encode(tokenizer, shape, parts, encoding, state)
            self._kept["manifest"] = manifest
        else:
            self.report(f"the text was encoded before, in {self.store.folder}")
        self.store.remove_copies()
        return {
            name: ShardedDataset(
                self.store.folder,
                manifest.parts[name],
                tokenizer.vocabulary.size,
                self.settings.window_shards,
                keep=self.store,
            )
            for name in parts
        }

    def _encode(
        self,
        tokenizer: Tokenizer,
        shape: RowShape,
        parts: Sequence[str],
        encoding: dict[str, Any],
        state: dict[str, Any],
    ) -> Manifest:
        folder, scan = self.store.make(), self.scan
        with hold_lock(folder, self.report):
            self.store.clear()
            size = self.store.check_room(self._estimate(tokenizer))
            self.report(f"encoded text: {size} in {folder}")
            writers = {name: PartWriter(folder, name, self.settings.shard_tokens) for name in parts}
            with stage(f"encoding {len(self):,} lines"):
                entries = encode_lines(
                    self.reader, tokenizer, shape, writers, _part_of(scan, parts)
                )
            if sum(entry.lines for entry in entries.values()) != scan.counts.lines or any(
                file != before
                for file, before in zip(
                    [file.fingerprint() for file in self.reader.files],
                    self.source["files"],
                    strict=True,
                )
            ):
                raise DataError(
                    "the text changed while it was read; start again once it is complete",
                    file=", ".join(self.files[:3]),
                )
            manifest = Manifest(
                format=manifests.FORMAT,
                made_with=__version__,
                source=self.source,
                encoding=encoding,
                counts=scan.counts,
                vocabulary_size=tokenizer.vocabulary.size,
                parts=entries,
                **state,
            )
            manifests.write(folder, manifest)
        return manifest

    def _estimate(self, tokenizer: Tokenizer) -> int:
        """Return the bytes that the encoded text will take, about."""
        some = self.scan.sample[:_ESTIMATE_LINES]
        counts = self.counts
        size = int(some.str.len_bytes().sum())
        tokens = len(values_and_offsets(tokenizer.encode(some))[0]) if len(some) else 0
        return estimate_bytes(counts.bytes, counts.lines, size, tokens)


def _part_of(scan: Scan, parts: Sequence[str]) -> Any:
    """Return a function from a block to the indices of the lines of each part."""

    def part_of(block: Block) -> Mapping[str, Any]:
        if list(parts) == [ALL]:
            return {ALL: np.arange(len(block.texts))}
        held_out = scan.is_held_out(block)
        return {TRAINING: np.flatnonzero(~held_out), VALIDATION: np.flatnonzero(held_out)}

    return part_of


def _without_learned(manifest: Manifest) -> dict[str, Any]:
    # a tokenizer is the same, however it came about
    return {**manifest.encoding, "learned": None}


def _digest(state: Mapping[str, Any]) -> str:
    text = json.dumps(state, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

"""Input of running text that is read as one stream of tokens, line breaks included."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from torch import nn

from munjang.config import Settings
from munjang.data.collection import collect_texts
from munjang.data.dataset import Dataset
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.readers.values import ReadLabels
from munjang.data.shards.blocks import LineReader
from munjang.data.shards.files import find_files
from munjang.data.shards.settings import LinesSettings
from munjang.data.streams.dataset import StreamDataset
from munjang.data.streams.encode import encode_prompt, encode_stream, unknown_bytes_per_line
from munjang.data.streams.settings import StreamSettings, StreamTokenizerSettings
from munjang.data.streams.text import RunningText
from munjang.defaults.stream import stream_defaults
from munjang.errors import ConfigError, DataError
from munjang.explain.located import LocatedRow, locate_text, require_text
from munjang.inputs.input import Encoded, Input
from munjang.inputs.text import HasTokenizer, fit_tokenizer
from munjang.inputs.tokenized import TokenizedInput
from munjang.recipe import Recipe
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.task import Bools
from munjang.text.columns import Int32s
from munjang.text.tokenizer import fit_notes
from munjang.text.vocabulary import OOV


@dataclass(frozen=True)
class EncodedStream:
    """Encoded running text.

    Attributes:
        stream: its tokens.
    """

    stream: StreamDataset

    @property
    def truncated(self) -> Bools:
        """False for the text as a whole."""
        return np.zeros(1, dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.stream)

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the tokens; the target of each is the next one."""
        assert targets is None, "running text has no targets"
        return self.stream

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network as it is: OOV words share one id."""
        return network


@dataclass(frozen=True)
class EncodedPrompts:
    """Encoded beginnings of texts.

    Attributes:
        rows: the ids of each, [tokens] int32, a line break before its first token.
    """

    rows: Sequence[Int32s]

    @property
    def truncated(self) -> Bools:
        """False for each row."""
        return np.zeros(len(self.rows), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def dataset(self, targets: Any = None) -> Dataset:
        """Refuse: prompts are continued, not trained on."""
        raise ConfigError("prompts of a language model make no dataset; use predict or generate")

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network as it is."""
        return network


@dataclass(frozen=True)
class StreamInput(TokenizedInput):
    """Running text as one stream of tokens; the reserved id EOS is a line break.

    Attributes:
        tokenizer: fitted tokenizer of lines.
    """

    row: ClassVar[str] = "token"
    has_word_vectors: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": StreamSettings,
        "tokenizer": StreamTokenizerSettings,
    }

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Any) -> Mapping[str, Any]:
        """Return what suits an architecture."""
        return stream_defaults(given)

    @classmethod
    def read(cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report) -> Any:
        """Return the text of files."""
        return read_text(data, recipe, report)

    @classmethod
    def complete(cls, recipe: Recipe, rows: Any) -> Recipe:
        """Return the recipe as it is: each file may have another column."""
        return recipe

    @classmethod
    def hold_out(cls, rows: Any, recipe: Recipe) -> dict[str, Any]:
        """Return the beginning to train on, and the end to validate on."""
        train, valid = rows.split(recipe.section("data").validation_split)
        return {"train": train, "valid": valid}

    @classmethod
    def fit(cls, train: Any, recipe: Recipe) -> Self:
        """Fit the tokenizer on the lines of the training part."""
        return cls(recipe, fit_tokenizer(train.lines, recipe))

    @classmethod
    def settings_from(cls, other: Input) -> dict[str, Any]:
        """Return the settings of another input's tokenizer."""
        if not isinstance(other, HasTokenizer):
            raise ConfigError(f"the input {other.recipe.input} has no tokenizer of texts")
        known = other.recipe.section("tokenizer").model_dump(mode="json")
        fields = StreamTokenizerSettings.model_fields
        return {"tokenizer": {key: value for key, value in known.items() if key in fields}}

    @classmethod
    def fit_from(cls, train: Any, recipe: Recipe, other: Input) -> Self:
        """Return the input with the tokenizer and the vocabulary of another one."""
        assert isinstance(other, HasTokenizer)
        return cls(recipe, other.tokenizer)

    def encode(self, rows: Any) -> EncodedStream:
        """Encode a text.

        Raises:
            DataError: it has a single token, which nothing comes before or after.
        """
        with stage(f"encoding {pluralize(len(rows), 'line')}"):
            ids = encode_stream(self.tokenizer, rows.lines)
        if len(ids) < 2:
            raise DataError(
                "expected a text of two tokens or more, since each is predicted from those before",
                file=rows.files[0],
            )
        before = max(0, getattr(self.recipe.model, "ngrams", 1) - 1)
        window = self.recipe.section("data").window
        unknown = int(unknown_bytes_per_line(self.tokenizer, rows.lines, ids).sum())
        return EncodedStream(
            StreamDataset(ids, window, before, rows.characters, rows.bytes, unknown)
        )

    def encode_values(self, values: str | Iterable[str]) -> EncodedPrompts:
        """Encode the beginnings of texts; an empty one is the beginning of a line."""
        return EncodedPrompts(
            [encode_prompt(self.tokenizer, text) for text in collect_texts(values)]
        )

    def locate(
        self, network: nn.Module, task: Any, text: Any, target: str | None = None
    ) -> LocatedRow:
        """Return the beginning of a text as the network reads it; see `TextInput.locate`."""
        if target is not None:
            raise ConfigError("target: expected a model that generates text (task translate)")
        text = require_text(text)
        encoded = self.encode_values(text)
        ids = encoded.rows[0].astype(np.int64)
        located = locate_text(text, self.tokenizer, len(ids) - 1, first=1, line_breaks=True)
        return LocatedRow(encoded, (ids,), (located,))

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return the vocabulary, and the ids of both parts."""
        names = {"train": "training part", "valid": "validation part"}
        return {
            "vocabulary": [self.tokenizer.to_json(), self.tokenizer.vocabulary.tokens],
            **{f"text of the {names[key]}": [_stream(part).ids] for key, part in encoded.items()},
        }

    def facts(self, parts: Mapping[str, Any], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return sizes of the text, the vocabulary and the OOV rate."""
        train, valid = (_stream(encoded[key]) for key in ("train", "valid"))
        return {
            "rows": len(parts["train"]),
            "valid_rows": len(parts["valid"]),
            "files": ", ".join(Path(name).name for name in parts["train"].files),
            "tokenizer": self.recipe.section("tokenizer").name,
            "vocabulary": self.size,
            "tokens": len(train),
            "characters": train.characters,
            "valid_tokens": len(valid),
            "valid_characters": valid.characters,
            "oov_rate": float(np.mean(valid.ids == OOV)),
            "skipped": dict(parts["train"].skipped),
        }

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return sizes, vocabulary and OOV rate for people."""
        return [
            *fit_notes(self.tokenizer),
            f"{facts['tokens']:,} tokens of {facts['characters']:,} characters to train on, "
            f"{facts['valid_tokens']:,} of {facts['valid_characters']:,} to validate on",
            f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
            f"{facts['oov_rate']:.2%} of validation tokens out of vocabulary",
            *self._context_lines(),
        ]

    def _context_lines(self) -> list[str]:
        """Return what a token of the validation part is predicted from, if the model tells it."""
        context = getattr(self.recipe.model, "evaluated_context", None)
        return [] if context is None else [f"each token is predicted from {context}"]

    @property
    def made_of(self) -> str:
        """Name of the tokenizer."""
        return f" on `{self.recipe.section('tokenizer').name}`"


def _stream(part: Encoded) -> StreamDataset:
    assert isinstance(part, EncodedStream)
    return part.stream


def read_text(data: Any, recipe: Recipe, report: Report) -> RunningText:
    """Return the text of files, folders, standard input, or values from Python, and report it.

    Args:
        data: as for `munjang.data.shards.files.find_files`.
        recipe: its section `data` says how the text is read.
        report: called with lines for people.

    Raises:
        ConfigError: files of sources and targets.
        DataError: there are no lines, or one cannot be read.
    """
    if isinstance(data, AlignedFiles):
        raise ConfigError(
            "files of sources and targets are for the task translate (--task translate), not for "
            f"{recipe.task}"
        )
    settings = recipe.section("data")
    with TemporaryDirectory(prefix="munjang-") as copies:
        files = find_files(data, settings.text_column, lambda: Path(copies))
        reading = settings.model_dump(include={"text_column", "encoding", "skip_bad_rows"})
        reader = LineReader(files, LinesSettings(**reading), keep_blank=True)
        with stage("reading text"):
            blocks = [block.texts for block in reader.blocks(report)]
    if not blocks:
        raise DataError("expected lines of text, found none", file=files[0].name)
    names = [file.name for file in files]
    text = RunningText.of(pl.concat(blocks), names, reader.skipped, reader.cut_lines)
    report(
        f"read {pluralize(len(text), 'line')}, {text.characters:,} characters, of "
        f"{_name_files(names)}"
    )
    if text.cut_lines:
        report(f"cut {pluralize(text.cut_lines, 'very long line')} into lines of a megabyte")
    for reason, count in text.skipped.items():
        report(f"skipped {pluralize(count, 'row')}: {reason}")
    return text


def _name_files(names: Sequence[str]) -> str:
    """Return the names of some files, of many the first ones."""
    more = len(names) - 3
    first = ", ".join(Path(name).name for name in names[:3])
    return first + (f" and {more:,} more files" if more > 0 else "")

"""Input of running text of any size: one line per row, documents between blank lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from torch import nn

from munjang.config import Settings
from munjang.data.dataset import Dataset
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.readers.values import ReadLabels
from munjang.data.shards.blocks import LineReader
from munjang.data.shards.dataset import ShardedDataset
from munjang.data.shards.encode import RowShape
from munjang.data.shards.files import find_files
from munjang.data.shards.lines import ALL, TRAINING, VALIDATION, Lines
from munjang.data.shards.scan import Counts
from munjang.data.shards.settings import LinesSettings, LinesTokenizerSettings
from munjang.data.shards.store import Store
from munjang.defaults.text import script_defaults
from munjang.errors import ConfigError, DataError
from munjang.folder.workspace import ENCODED, Workspace
from munjang.inputs.input import Encoded, Input
from munjang.inputs.text import HasTokenizer, TextInput, fit_tokenizer
from munjang.inputs.text_lengths import check_lengths, count_kept_tokens, limit_tokens
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.subword_table import SubwordTable
from munjang.recipe import Recipe
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.task import Bools
from munjang.text.tokenizer import fit_notes


@dataclass(frozen=True)
class EncodedLines:
    """Encoded lines, in files.

    Attributes:
        rows: their rows.
    """

    rows: ShardedDataset

    @property
    def truncated(self) -> Bools:
        """False for each row: long lines are split."""
        return np.zeros(len(self.rows), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the rows, which have no targets."""
        assert targets is None, "running text has no targets"
        return self.rows

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network as it is: OOV words share one id."""
        return network


@dataclass(frozen=True)
class LinesInput(TextInput):
    """One line of running text per row. The lines are never all in memory.

    What `read` returns are `Lines` rather than a table: no task that reads a target column works on
    them.

    Attributes:
        is_learned: True if the tokenizer was learned from these lines, False if it is another's.
    """

    is_learned: bool = True
    row: ClassVar[str] = "row"
    has_line_breaks: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": LinesSettings,
        "tokenizer": LinesTokenizerSettings,
    }

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse lengths that leave no room for tokens, or exceed the positions of the model."""
        check_lengths(recipe)
        data, tokenizer = recipe.section("data"), recipe.section("tokenizer")
        if data.join_next and not tokenizer.add_go_eos:
            raise ValueError(
                "data.join_next: EOS parts the two lines of a row; set tokenizer.add_go_eos to true"
            )
        if data.join_next and _row_shape(recipe).piece_tokens < 1:
            raise ValueError(
                "data.join_next: a row of two lines has three tokens at least; raise "
                "tokenizer.max_length"
            )

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Any) -> Mapping[str, Any]:
        """Return what suits an architecture, the script of the lines and their number."""
        if rows is None:
            return script_defaults(given, "other", 0)
        return script_defaults(given, rows.counts.script, rows.counts.lines)

    @classmethod
    def read(cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report) -> Any:
        """Return the lines of files, which are read when they are needed."""
        return _open_lines(data, recipe, report, Workspace(), ENCODED)

    @classmethod
    def read_training(
        cls,
        data: Any,
        recipe: Recipe,
        read_labels: ReadLabels | None,
        report: Report,
        workspace: Workspace,
    ) -> Any:
        """Return the lines to train on; they are encoded into the workspace."""
        return _open_lines(data, recipe, report, workspace, ENCODED)

    @classmethod
    def read_validation(
        cls,
        data: Any,
        recipe: Recipe,
        read_labels: ReadLabels | None,
        report: Report,
        workspace: Workspace,
    ) -> Any:
        """Return the lines to validate on."""
        return _open_lines(data, recipe, report, workspace, f"{ENCODED}-{VALIDATION}")

    @classmethod
    def complete(cls, recipe: Recipe, rows: Any) -> Recipe:
        """Return the recipe as it is: each file may have another column."""
        return recipe

    @classmethod
    def check_rows(cls, rows: Any, least: int) -> None:
        """Refuse lines that cannot be split, or pairs of lines where there are no documents."""
        counts: Counts = rows.counts
        if least > 1 and not 0 < counts.held_out_lines < counts.lines:
            raise DataError(
                f"{pluralize(counts.lines, 'line')} cannot be split into a training part and a "
                "validation part; add other lines, or give the validation data with --valid",
                file=rows.files[0],
            )
        if rows.settings.join_next and not counts.has_documents:
            raise DataError(
                "data.join_next: expected documents of several lines with a blank line between "
                "them, found no blank line",
                file=rows.files[0],
            )
        if rows.settings.join_next and least > 1 and not counts.held_out_documents:
            raise DataError(
                "data.join_next: expected some documents of up to "
                f"{pluralize(rows.settings.validation_rows, 'line')} to hold out, found none; give "
                "the validation data with --valid, or raise data.validation_rows",
                file=rows.files[0],
            )

    @classmethod
    def hold_out(cls, rows: Any, recipe: Recipe) -> dict[str, Any]:
        """Return the lines of both parts; whole documents are in one of them."""
        rows.report(_describe_held_out(rows.counts))
        return {"train": rows.take_part(TRAINING), "valid": rows.take_part(VALIDATION)}

    @classmethod
    def fit(cls, train: Any, recipe: Recipe) -> Self:
        """Learn the tokenizer from a sample of the lines, or take the one they are encoded with."""
        if train.counts.is_sampled:
            train.report(
                f"the tokenizer is learned from {train.settings.tokenizer_sample:g} MB of the "
                f"text's {train.counts.bytes / 1e6:,.0f} MB, drawn at random"
            )
        tokenizer = train.learned_tokenizer(_tokenizer_settings(recipe))
        if tokenizer is None:
            tokenizer = fit_tokenizer(train.scan.sample, recipe)
        return cls(recipe, tokenizer)

    @classmethod
    def fit_from(cls, train: Any, recipe: Recipe, other: Input) -> Self:
        """Return the input with the tokenizer of another one; tokens are counted anew."""
        assert isinstance(other, HasTokenizer)
        return cls(recipe, train.counted_tokenizer(other.tokenizer), is_learned=False)

    def encode(self, rows: Any) -> Any:
        """Encode all lines of some files, for evaluation."""
        return EncodedLines(self._encode_lines(rows, [ALL])[ALL])

    def encode_parts(self, parts: Mapping[str, Any]) -> dict[str, tuple[Encoded, Any]]:
        """Encode both parts; those of the same files at once."""
        train, valid = parts["train"], parts["valid"]
        if train.part == TRAINING:
            rows = self._encode_lines(train, [TRAINING, VALIDATION])
            encoded = rows[TRAINING], rows[VALIDATION]
        else:
            encoded = self._encode_lines(train, [ALL])[ALL], self._encode_lines(valid, [ALL])[ALL]
        for found, lines in zip(encoded, (train, valid), strict=True):
            if not len(found):
                raise DataError("no line has a token", file=lines.files[0])
        return {
            "train": (EncodedLines(encoded[0]), train),
            "valid": (EncodedLines(encoded[1]), valid),
        }

    def _encode_lines(self, lines: Lines, parts: list[str]) -> dict[str, ShardedDataset]:
        learned = _tokenizer_settings(self.recipe) if self.is_learned else None
        return lines.encode(self.tokenizer, _row_shape(self.recipe), parts, learned)

    def prepare_network(
        self, network: nn.Module, encoded: Mapping[str, Encoded], train: Dataset, solve: Any
    ) -> None:
        """Count n-grams and index subwords of the training part."""
        for module in network.modules():
            if isinstance(module, TokenEmbedding):
                batches: Iterable[Any] = train.in_order_of_length(batch_size=8192)
                with stage("counting n-grams"):
                    module.count_ngrams((batch.ids, batch.lengths) for batch in batches)
            if isinstance(module, SubwordTable):
                module.fit(self.tokenizer.vocabulary.tokens)
                module.set_oov_words(())

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return the vocabulary, and the checksums of the rows of both parts."""
        names = {"train": "training part", "valid": "validation part"}
        rows = {name: _rows(part).part.shards for name, part in encoded.items()}
        return {
            "vocabulary": [self.tokenizer.to_json(), self.tokenizer.vocabulary.tokens],
            **{
                f"texts of the {names[key]}": [[shard.crc32, shard.rows] for shard in shards]
                for key, shards in rows.items()
            },
        }

    def facts(self, parts: Mapping[str, Any], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return sizes of the text, the vocabulary, the OOV rate and split lines."""
        lines: Lines = parts["train"]
        counts = lines.counts
        train, valid = (_rows(encoded[key]).part for key in ("train", "valid"))
        return {
            "rows": train.rows,
            "valid_rows": valid.rows,
            "lines": train.lines,
            "valid_lines": valid.lines,
            "documents": counts.documents,
            "held_out": "documents" if counts.held_out_documents else "lines",
            "files": name_files(lines.files),
            "tokenizer": self.recipe.section("tokenizer").name,
            "vocabulary": self.size,
            "tokens": train.tokens,
            "oov_rate": valid.oov_tokens / max(1, valid.tokens),
            "split_lines": train.split_lines + valid.split_lines,
            "cut_lines": counts.cut_lines,
            "skipped": dict(counts.skipped),
        }

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return sizes, vocabulary, OOV rate and split lines for people."""
        kept = _row_shape(self.recipe).piece_tokens
        lines = [
            *fit_notes(self.tokenizer),
            f"{pluralize(facts['rows'], 'row')} of {pluralize(facts['tokens'], 'token')} to train "
            f"on, {facts['valid_rows']:,} to validate on",
            f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
            f"{facts['oov_rate']:.2%} of validation tokens out of vocabulary",
        ]
        if facts["split_lines"]:
            lines.append(
                f"{pluralize(facts['split_lines'], 'line')} of more than "
                f"{pluralize(kept, 'token')}, split into several rows"
            )
        return lines

    @property
    def limits(self) -> str:
        """Longest text, and what happens to longer ones."""
        return (
            f"Texts longer than {count_kept_tokens(self.recipe)} tokens are\n"
            "truncated, and the answer says so."
        )


def find_lines(
    data: Any, recipe: Recipe, report: Report, workspace: Workspace, name: str = ENCODED
) -> Lines:
    """Return the lines of files, which are not read yet.

    Args:
        data: as for `LinesInput.read`.
        recipe: its section `data` says how they are read.
        report: called with lines for people.
        workspace: where they are encoded, unless a cache is named.
        name: name of the folder there.

    Raises:
        ConfigError: files of sources and targets.
        DataError: there is no such file.
    """
    if isinstance(data, AlignedFiles):
        raise ConfigError(
            "files of sources and targets are for the task translate (--task translate), not "
            f"for {recipe.task}"
        )
    settings: LinesSettings = recipe.section("data")
    store = Store.open(settings.cache, workspace, name)
    files = find_files(data, settings.text_column, store.make)
    return Lines(LineReader(files, settings), store, recipe.seed, report)


def _open_lines(
    data: Any, recipe: Recipe, report: Report, workspace: Workspace, name: str
) -> Lines:
    """Return the lines of files, and report what they are."""
    lines = find_lines(data, recipe, report, workspace, name)
    counts = lines.counts
    report(f"read {pluralize(counts.lines, 'line')} of {name_files(lines.files)}")
    for line in _describe(counts):
        report(line)
    return lines


def _describe_held_out(counts: Counts) -> str:
    """Return what is held out, for people."""
    if counts.held_out_documents:
        return f"{pluralize(counts.documents, 'document')}; whole ones are held out"
    if not counts.has_documents:
        return "no blank line between documents: single lines are held out"
    return (
        f"{pluralize(counts.documents, 'document')}, too few or too unequal in length to hold "
        "whole ones out: single lines are held out"
    )


def _describe(counts: Counts) -> list[str]:
    """Return what was found in the text, for people."""
    lines = []
    if counts.cut_lines:
        lines.append(
            f"cut {pluralize(counts.cut_lines, 'very long line')} into lines of a megabyte"
        )
    lines += [
        f"skipped {pluralize(count, 'row')}: {reason}" for reason, count in counts.skipped.items()
    ]
    return lines


def name_files(names: tuple[str, ...]) -> str:
    """Return the names of some files, of many the first ones."""
    short = [Path(name).name for name in names[:3]]
    more = len(names) - len(short)
    return ", ".join(short) + (f" and {more:,} more files" if more else "")


def _rows(part: Encoded) -> ShardedDataset:
    assert isinstance(part, EncodedLines)
    return part.rows


def _row_shape(recipe: Recipe) -> RowShape:
    tokenizer, most = recipe.section("tokenizer"), limit_tokens(recipe)
    kept = count_kept_tokens(recipe)
    return RowShape(
        kept if most is None else min(kept, most),
        tokenizer.add_go_eos,
        recipe.section("data").join_next,
    )


def _tokenizer_settings(recipe: Recipe) -> dict[str, Any]:
    """Return the settings with which a tokenizer is learned."""
    values: dict[str, Any] = recipe.section("tokenizer").model_dump(mode="json")
    return {key: values[key] for key in ("name", "min_frequency", "max_size", "settings")}

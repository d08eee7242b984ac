"""Input of a source text and a target text per row, with two tokenizers or a shared one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np
import polars as pl
from torch import nn

from munjang.config import Settings
from munjang.data.batches import truncate
from munjang.data.columns import text_column
from munjang.data.dataset import Dataset
from munjang.data.long_runs import describe_long_runs
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.pairs.dataset import PairDataset
from munjang.data.pairs.read import read_pairs
from munjang.data.pairs.settings import PairDataSettings, PairTokenizerSettings, SideSettings
from munjang.data.pairs.tokenizer_pair import TokenizerPair, mask_too_long
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.defaults.parallel import PairTexts, both_tokenizers, measure, parallel_defaults
from munjang.errors import DataError
from munjang.explain.attention import Attention
from munjang.explain.located import LocatedRow, LocatedText, locate_text, require_text
from munjang.folder.layout import TARGET_TOKENIZER, TARGET_VOCABULARY, TOKENIZER, VOCABULARY
from munjang.folder.rebuild import load_tokenizer
from munjang.folder.sealed import SealedFolder
from munjang.inputs.input import Encoded, Input
from munjang.inputs.pair_attention import encode_target, pair_attention
from munjang.inputs.pair_facts import describe_pairs, measure_pairs, tokenizer_notes
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.recipe import Recipe, section_of
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.alignment import locate_target
from munjang.tasks.task import Bools
from munjang.tasks.translate import Translate
from munjang.text.capitals import sign_ids
from munjang.text.columns import TokenColumn, row_lengths, values_and_offsets
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import GO
from munjang.training.settings import refuse_leave_out


@dataclass(frozen=True)
class EncodedPairs:
    """Encoded pairs; in prediction the sources only.

    Attributes:
        pairs: token ids of both sides; the sources stand in for missing targets.
        texts: the original sources.
        truncated: True for each source that was longer than the model reads, [rows].
    """

    pairs: PairDataset
    texts: pl.Series
    truncated: Bools

    def __len__(self) -> int:
        return len(self.pairs)

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the pairs; their targets are token ids."""
        return self.pairs

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network as it is."""
        return network


@dataclass(frozen=True)
class ParallelInput(Input):
    """A source text and a target text per row.

    Attributes:
        tokenizers: those of both sides.
    """

    tokenizers: TokenizerPair
    row: ClassVar[str] = "pair"
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": PairDataSettings,
        "tokenizer": PairTokenizerSettings,
    }

    @classmethod
    def accepts(cls, data: Any, reading: Mapping[str, Any]) -> bool:
        """Return whether data is line-aligned files."""
        return isinstance(data, AlignedFiles)

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse lengths beyond the positions of the model, and settings of other inputs."""
        _check_positions(recipe)
        refuse_leave_out(recipe.training)
        if recipe.training.length_buckets is not None:
            raise ValueError(
                "training.length_buckets: pairs have two lengths and are batched by both; set "
                "training.batch_tokens"
            )

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Table | None) -> Mapping[str, Any]:
        """Return what suits an architecture and the number of tokens."""
        return parallel_defaults(given, _measure(rows))

    @classmethod
    def settle(cls, given: dict[str, Any], rows: Table | None) -> dict[str, Any]:
        """Return the settings with a tokenizer per side; those of `tokenizer` hold for both."""
        tokenizer = section_of(given, "tokenizer")
        return {**given, "tokenizer": both_tokenizers(tokenizer, _measure(rows))}

    @classmethod
    def read(
        cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report
    ) -> Table:
        """Read pairs and report what was read, inferred and skipped."""
        settings = recipe.section("data")
        with stage("reading pairs"):
            table = read_pairs(
                data,
                source_column=settings.source_column,
                target_column=settings.target_column,
                encoding=settings.encoding,
                skip_bad_rows=settings.skip_bad_rows,
                max_length_ratio=settings.max_length_ratio,
            )
        report(f"read {pluralize(len(table), 'pair')} of {', '.join(table.files)}")
        for note in (*table.notes, *describe_long_runs(table)):
            report(note)
        for reason, count in table.skipped.items():
            report(f"skipped {pluralize(count, 'pair')}: {reason}")
        return table

    @classmethod
    def reading_settings(cls, recipe: Recipe, data: Any) -> dict[str, Any]:
        """Return how the training data was read; columns of aligned files have no names."""
        reading = super().reading_settings(recipe, data)
        if isinstance(data, AlignedFiles):
            reading |= dict.fromkeys(("source_column", "target_column"))
        return reading

    @classmethod
    def fit(cls, train: Table, recipe: Recipe) -> Self:
        """Fit the tokenizers on the training part."""
        with stage(f"learning tokens from {pluralize(len(train), 'pair')}"):
            return cls(
                recipe,
                TokenizerPair.fit(recipe.section("tokenizer"), train["source"], train["target"]),
            )

    @classmethod
    def file_names(cls, recipe: Recipe) -> tuple[str, ...]:
        """Return the files of the tokenizers."""
        source = (TOKENIZER, VOCABULARY)
        shared = recipe.section("tokenizer").shared_vocabulary
        return source if shared else (*source, TARGET_TOKENIZER, TARGET_VOCABULARY)

    @classmethod
    def load(cls, folder: SealedFolder, recipe: Recipe) -> Self:
        """Return the input with the tokenizers of a folder."""
        settings = recipe.section("tokenizer")
        source = target = _load_tokenizer(folder, (TOKENIZER, VOCABULARY), settings.source)
        if not settings.shared_vocabulary:
            files = (TARGET_TOKENIZER, TARGET_VOCABULARY)
            target = _load_tokenizer(folder, files, settings.target)
        return cls(recipe, TokenizerPair(source, target))

    def files(self) -> dict[str, Any]:
        """Return tokenizer and vocabulary of each side."""
        source, target = self.tokenizers.source, self.tokenizers.target
        files = {TOKENIZER: source.to_json(), VOCABULARY: source.vocabulary.to_json()}
        if not self.tokenizers.shared:
            files[TARGET_TOKENIZER] = target.to_json()
            files[TARGET_VOCABULARY] = target.vocabulary.to_json()
        return files

    @property
    def size(self) -> Vocabularies:
        """Vocabulary sizes of both sides."""
        source, target = self.tokenizers.source, self.tokenizers.target
        return Vocabularies(
            source.vocabulary.size, target.vocabulary.size, shared=self.tokenizers.shared
        )

    @property
    def trained_column(self) -> str | None:
        """Name of the column of sources."""
        name: str | None = self.recipe.section("data").source_column
        return name

    def encode(self, rows: Table) -> EncodedPairs:
        """Encode the pairs of a table; long sources are truncated, targets are not."""
        pairs = self._pairs(rows)
        truncated = self._too_long(pairs.source_ids)
        pairs = replace(pairs, source_ids=self._truncate(pairs.source_ids))
        return EncodedPairs(pairs, rows["source"], truncated)

    def encode_parts(self, parts: Mapping[str, Table]) -> dict[str, tuple[Encoded, Table]]:
        """Encode both parts without the pairs that are longer than `max_length`.

        Raises:
            DataError: every pair of a part is longer.
        """
        with stage(f"encoding {pluralize(sum(map(len, parts.values())), 'pair')}"):
            return {name: self._without_long(name, part) for name, part in parts.items()}

    def _without_long(self, name: str, part: Table) -> tuple[Encoded, Table]:
        settings = self.recipe.section("tokenizer")
        pairs = self._pairs(part)
        lengths = row_lengths(pairs.source_ids), row_lengths(pairs.target_ids)
        kept = np.flatnonzero(~mask_too_long(lengths, settings))
        if not len(kept):
            raise DataError(
                f"every pair of the {name} part is longer than tokenizer.source.max_length "
                f"({settings.source.max_length}) or target.max_length "
                f"({settings.target.max_length}); raise them"
            )
        if len(kept) < len(part):
            part, pairs = part.take(kept), pairs.take(kept)
        truncated = np.zeros(len(part), dtype=np.bool_)
        return EncodedPairs(pairs, part["source"], truncated), part

    def encode_values(self, values: str | Iterable[str]) -> EncodedPairs:
        """Encode sources from Python.

        Raises:
            DataError: a text is None or not a string, or too long where that is refused.
        """
        texts = text_column(values)
        column, settings = self.tokenizers.source.encode(texts), self.recipe.section("tokenizer")
        long = self._too_long(column)
        if long.any() and settings.long_sources == "refuse":
            row = int(np.argmax(long))
            raise DataError(
                f"a text of {row_lengths(column)[row]:,} tokens; this model takes up to "
                f"{settings.source.max_length} (tokenizer.source.max_length)",
                row=row + 1,
            )
        column = self._truncate(column)
        return EncodedPairs(PairDataset(column, column), texts, long)

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the indices of texts that are not too long; all if long ones are truncated."""
        settings = self.recipe.section("tokenizer")
        if settings.long_sources == "truncate":
            return super().usable(values)
        long = self._too_long(self.tokenizers.source.encode(text_column(values)))
        reason = f"more than {settings.source.max_length} tokens"
        return np.flatnonzero(~long).tolist(), {reason: int(long.sum())} if long.any() else {}

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return both vocabularies, the ids of both parts, and the validation texts."""
        sides = {"source": self.tokenizers.source, "target": self.tokenizers.target}
        train, valid = (cast(EncodedPairs, encoded[k]).pairs for k in ("train", "valid"))
        texts = () if valid.texts is None else (t.to_list() for t in valid.texts)
        return {
            **{
                f"vocabulary of the {name}": [side.to_json(), side.vocabulary.tokens]
                for name, side in sides.items()
            },
            "pairs of the training part": _buffers(train),
            "pairs of the validation part": [*_buffers(valid), *texts],
        }

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return sizes of the data, both vocabularies and OOV rates."""
        datasets = {name: cast(EncodedPairs, part).pairs for name, part in encoded.items()}
        return measure_pairs(parts, datasets, self.tokenizers, self.recipe.section("tokenizer"))

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return sizes, vocabularies, OOV rates and pairs left out for people."""
        return [
            *tokenizer_notes(self.tokenizers),
            *super().fact_lines(facts),
            *describe_pairs(facts, self.recipe.section("tokenizer")),
        ]

    def attention(
        self, network: nn.Module, task: Translate, text: str, target: str | None = None
    ) -> Attention:
        """Return the attention of an answer to its source, and of both to themselves.

        Args:
            network: the encoder-decoder.
            task: the task, which decodes the answer.
            text: the source.
            target: the answer; the model's own if omitted.

        Raises:
            ConfigError: the model has no attention.
            DataError: the source is empty, or the target too long.
        """
        return pair_attention(
            network,
            task,
            self.encode_values([text]),
            recipe=self.recipe,
            tokenizers=self.tokenizers,
            target=target,
        )

    def locate(
        self, network: nn.Module, task: Translate, text: Any, target: str | None = None
    ) -> LocatedRow:
        """Return a source and its answer as the network reads them, with their characters.

        Args:
            network: the encoder-decoder.
            task: the task, which decodes the answer.
            text: the source.
            target: the answer; the model's own if omitted.

        Raises:
            DataError: the source is empty, or the target too long.
        """
        text = require_text(text)
        encoded = self.encode_values([text])
        source = values_and_offsets(encoded.pairs.source_ids)[0].astype(np.int64)
        located = locate_text(text, self.tokenizers.source, len(source))
        if target is None:
            ids = task.hypotheses(network, encoded)[0][0].ids
        else:
            max_length = self.recipe.section("tokenizer").target.max_length
            ids = encode_target(self.tokenizers, target, max_length)
        written = locate_target(self.tokenizers, ids)
        # the decoder reads GO and then the answer
        places = len(source) + 1 + np.arange(len(ids), dtype=np.int64)
        answer = LocatedText(written.text, places, written.starts, written.ends)
        inputs = np.array([GO, *ids], dtype=np.int64)
        return LocatedRow(encoded, (source, inputs), (located, answer), bool(encoded.truncated[0]))

    def _pairs(self, rows: Table) -> PairDataset:
        sources, targets = rows["source"], rows["target"]
        return PairDataset(
            self.tokenizers.source.encode(sources),
            self.tokenizers.target.encode(targets),
            (sources, targets),
        )

    def _truncate(self, sources: TokenColumn) -> TokenColumn:
        max_length = self.recipe.section("tokenizer").source.max_length
        return truncate(sources, max_length, signs=sign_ids(self.tokenizers.source.vocabulary))[0]

    def _too_long(self, column: TokenColumn) -> Bools:
        max_length = self.recipe.section("tokenizer").source.max_length
        return np.asarray(row_lengths(column) > max_length)

    @property
    def made_of(self) -> str:
        """Names of the tokenizers."""
        sides = self.recipe.section("tokenizer")
        return f" from `{sides.source.name}` to `{sides.target.name}`"

    @property
    def limits(self) -> str:
        """Longest source, and what happens to longer ones."""
        sides = self.recipe.section("tokenizer")
        long = f"Texts longer than {sides.source.max_length} tokens are\n"
        return long + (
            "truncated, and the answer says so." if sides.long_sources == "truncate" else "refused."
        )


def _measure(rows: Table | None) -> PairTexts:
    return PairTexts() if rows is None else measure(rows["source"], rows["target"])


def _check_positions(recipe: Recipe) -> None:
    most = getattr(recipe.model, "most_tokens", None)
    if most is None:
        return
    tokenizer = recipe.section("tokenizer")
    lengths = {
        "tokenizer.source.max_length": tokenizer.source.max_length,
        # GO comes first
        "tokenizer.target.max_length": tokenizer.target.max_length + 1,
        "decoding.max_length": recipe.section("decoding").max_length,
    }
    for key, longest in lengths.items():
        if longest > most:
            raise ValueError(
                f"{key}: up to {longest} tokens, and the positions of the model end at {most}; "
                "lower it, raise model.max_positions, or set model.positions to sinusoidal or "
                "rotary"
            )


def _load_tokenizer(folder: SealedFolder, files: tuple[str, str], side: SideSettings) -> Tokenizer:
    return load_tokenizer(folder, *files, name=side.name, settings=side.settings)


def _buffers(part: PairDataset) -> list[Any]:
    """Return token ids and row offsets of both sides."""
    columns = (part.source_ids, part.target_ids)
    return [buffer for column in columns for buffer in values_and_offsets(column)]

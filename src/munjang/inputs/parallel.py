"""A source text and a target text per row: two tokenizers, or one for both sides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
import polars as pl
import torch
from torch import nn

from munjang.config import Settings
from munjang.data.batches import truncate
from munjang.data.columns import text_column
from munjang.data.dataset import Dataset
from munjang.data.long_runs import describe_long_runs
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.pairs.examples import PairExamples
from munjang.data.pairs.read import read_pairs
from munjang.data.pairs.settings import PairDataSettings, PairTokenizerSettings, SideSettings
from munjang.data.pairs.sides import Sides, too_long
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.defaults.parallel import PairTexts, both_tokenizers, measure, parallel_defaults
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_LABEL, Attention
from munjang.explain.text_attention import label_tokens
from munjang.folder.layout import TARGET_TOKENIZER, TARGET_VOCABULARY, TOKENIZER, VOCABULARY
from munjang.folder.rebuild import load_tokenizer
from munjang.folder.sealed import SealedFolder
from munjang.inputs.input import Encoded, Input
from munjang.models.attention_weights import Attends
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.recipe import Recipe, section_of
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.alignment import target_pieces
from munjang.tasks.inference import compute_alone_if_forked
from munjang.tasks.task import Bools
from munjang.tasks.translate import Translate, column_of
from munjang.text.capitals import sign_ids
from munjang.text.columns import TokenColumn, row_lengths, values_and_offsets
from munjang.text.tokenizer import Tokenizer, fit_notes
from munjang.text.vocabulary import OOV
from munjang.training.settings import refuse_embedding_settings


@dataclass(frozen=True)
class EncodedPairs:
    """Pairs as ids; for prediction the sources alone.

    Attributes:
        examples: ids of both sides; of the sources twice where there are no targets.
        texts: the sources as they were given.
        truncated: True for each source that was longer than the model reads, [rows].
    """

    examples: PairExamples
    texts: pl.Series
    truncated: Bools

    def __len__(self) -> int:
        return len(self.examples)

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the pairs; their targets are token ids."""
        return self.examples

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network as it is."""
        return network


@dataclass(frozen=True)
class ParallelInput(Input):
    """A source text and a target text per row.

    Attributes:
        sides: the tokenizers.
    """

    sides: Sides
    row: ClassVar[str] = "pair"
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": PairDataSettings,
        "tokenizer": PairTokenizerSettings,
    }

    @classmethod
    def accepts(cls, data: Any) -> bool:
        """Return whether data is two files aligned line by line."""
        return isinstance(data, AlignedFiles)

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse lengths beyond the positions of the model, and settings of other inputs."""
        _check_positions(recipe)
        refuse_embedding_settings(
            recipe.training, "those of pairs, which the output shares, learn as all else does"
        )
        if recipe.training.buckets is not None:
            raise ValueError(
                "training.buckets: pairs have two lengths and are sorted by both; set "
                "training.batch_tokens"
            )

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Table | None) -> Mapping[str, Any]:
        """Return what suits an architecture and the number of tokens."""
        return parallel_defaults(given, _measure(rows))

    @classmethod
    def settle(cls, given: dict[str, Any], rows: Table | None) -> dict[str, Any]:
        """Return the settings with a tokenizer for each side; those of `tokenizer` hold for both."""
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
    def trained_reading(cls, recipe: Recipe, data: Any) -> dict[str, Any]:
        """Return how the training data was read; columns of aligned files have no names."""
        reading = super().trained_reading(recipe, data)
        if isinstance(data, AlignedFiles):
            reading |= dict.fromkeys(("source_column", "target_column"))
        return reading

    @classmethod
    def fit(cls, train: Table, recipe: Recipe) -> Self:
        """Fit the tokenizers on the training part."""
        with stage(f"learning tokens from {pluralize(len(train), 'pair')}"):
            return cls(
                recipe, Sides.fit(recipe.section("tokenizer"), train["source"], train["target"])
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
        asked = recipe.section("tokenizer")
        source = target = _load_tokenizer(folder, (TOKENIZER, VOCABULARY), asked.source)
        if not asked.shared_vocabulary:
            files = (TARGET_TOKENIZER, TARGET_VOCABULARY)
            target = _load_tokenizer(folder, files, asked.target)
        return cls(recipe, Sides(source, target))

    def files(self) -> dict[str, Any]:
        """Return tokenizer and vocabulary of each side."""
        source, target = self.sides.source, self.sides.target
        found = {TOKENIZER: source.to_json(), VOCABULARY: source.vocabulary.to_json()}
        if not self.sides.shared:
            found[TARGET_TOKENIZER] = target.to_json()
            found[TARGET_VOCABULARY] = target.vocabulary.to_json()
        return found

    @property
    def size(self) -> Vocabularies:
        """Vocabulary sizes of both sides."""
        sides = self.sides
        return Vocabularies(
            sides.source.vocabulary.size, sides.target.vocabulary.size, shared=sides.shared
        )

    @property
    def trained_column(self) -> str | None:
        """Name of the column of sources."""
        name: str | None = self.recipe.section("data").source_column
        return name

    def encode(self, rows: Table) -> EncodedPairs:
        """Encode the pairs of a table; longer sources are truncated, targets are whole."""
        pairs = self._pairs(rows)
        long = self._too_long(pairs.sources)
        pairs = replace(pairs, sources=self._truncate(pairs.sources))
        return EncodedPairs(pairs, rows["source"], long)

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
        lengths = row_lengths(pairs.sources), row_lengths(pairs.targets_column)
        kept = np.flatnonzero(~too_long(lengths, settings))
        if not len(kept):
            raise DataError(
                f"every pair of the {name} part is longer than tokenizer.source.max_length "
                f"({settings.source.max_length}) or target.max_length "
                f"({settings.target.max_length}); raise them"
            )
        if len(kept) < len(part):
            part, pairs = part.take(kept), pairs.take(kept)
        whole = np.zeros(len(part), dtype=np.bool_)
        return EncodedPairs(pairs, part["source"], whole), part

    def encode_values(self, values: str | Iterable[str]) -> EncodedPairs:
        """Encode sources from Python.

        Raises:
            DataError: a text is None or not a string, or too long where that is refused.
        """
        texts = text_column(values)
        column, settings = self.sides.source.encode(texts), self.recipe.section("tokenizer")
        long = self._too_long(column)
        if long.any() and settings.long_sources == "refuse":
            place = int(np.argmax(long))
            raise DataError(
                f"a text of {row_lengths(column)[place]:,} tokens; this model takes up to "
                f"{settings.source.max_length} (tokenizer.source.max_length)",
                row=place + 1,
            )
        column = self._truncate(column)
        return EncodedPairs(PairExamples(column, column), texts, long)

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the places of texts that are not too long; all where longer ones are truncated."""
        settings = self.recipe.section("tokenizer")
        if settings.long_sources == "truncate":
            return super().usable(values)
        long = self._too_long(self.sides.source.encode(text_column(values)))
        reason = f"more than {settings.source.max_length} tokens"
        return np.flatnonzero(~long).tolist(), {reason: int(long.sum())} if long.any() else {}

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return both vocabularies, the ids of both parts, and the texts that are judged."""
        sides = {"source": self.sides.source, "target": self.sides.target}
        train, valid = (cast(EncodedPairs, encoded[k]).examples for k in ("train", "valid"))
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
        train, valid = (cast(EncodedPairs, encoded[k]).examples for k in ("train", "valid"))
        settings = self.recipe.section("tokenizer")
        return {
            "rows": len(train),
            "valid_rows": len(valid),
            "files": ", ".join(Path(name).name for name in parts["train"].files),
            "source_tokenizer": settings.source.name,
            "target_tokenizer": settings.target.name,
            "shared_vocabulary": self.sides.shared,
            "source_vocabulary": self.sides.source.vocabulary.size,
            "target_vocabulary": self.sides.target.vocabulary.size,
            "source_tokens": len(values_and_offsets(train.sources)[0]),
            "tokens": int(train.lengths[:, 1].sum()),
            "source_oov_rate": _oov_rate(valid.sources),
            "target_oov_rate": _oov_rate(valid.targets_column),
            "left_out": len(parts["train"]) - len(train),
            "valid_left_out": len(parts["valid"]) - len(valid),
            "skipped": dict(parts["train"].skipped),
        }

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return sizes, vocabularies, OOV rates and pairs left out for people."""
        sides = dict.fromkeys((self.sides.source, self.sides.target))
        notes = [line for side in sides for line in fit_notes(side)]
        lines, settings = [*notes, *super().fact_lines(facts)], self.recipe.section("tokenizer")
        if facts["shared_vocabulary"]:
            lines.append(
                f"tokens of both sides: {facts['source_tokenizer']}, vocabulary "
                f"{facts['source_vocabulary']:,}"
            )
        else:
            lines += [
                f"tokens of the {side}: {facts[f'{side}_tokenizer']}, vocabulary "
                f"{facts[f'{side}_vocabulary']:,}"
                for side in ("source", "target")
            ]
        lines.append(
            f"out of vocabulary in validation: {facts['source_oov_rate']:.2%} of the sources, "
            f"{facts['target_oov_rate']:.2%} of the targets"
        )
        if facts["left_out"] or facts["valid_left_out"]:
            left_out = pluralize(facts["left_out"] + facts["valid_left_out"], "pair")
            lines.append(
                f"left out {left_out} with more than {settings.source.max_length} source or "
                f"{settings.target.max_length} target tokens"
            )
        return lines

    def attention(
        self, network: nn.Module, task: Translate, text: str, target: str | None = None
    ) -> Attention:
        """Return the attention of an answer to the source, and of both to themselves.

        Args:
            network: the encoder-decoder.
            task: that writes its answers.
            text: the source.
            target: an answer to look at; the model's own if omitted.

        Raises:
            ConfigError: the model attends to nothing.
            DataError: the source is empty, or the target too long.
        """
        if not isinstance(network, Attends):
            raise ConfigError(
                f"{self.recipe.model_name} attends to nothing; attentive and transformer do"
            )
        encoded = self.encode_values([text])
        if not row_lengths(encoded.examples.sources)[0]:
            raise DataError("expected a text to look at, got an empty one")
        if target is None:
            best = task.hypotheses(network, encoded)[0][0]
            ids, answer = best.ids, task.texts_of([best], [text])[0]
        else:
            ids, answer = self._target_ids(target), target
        pairs = PairExamples(encoded.examples.sources, column_of([ids]))
        batch = next(pairs.in_order_of_length())
        compute_alone_if_forked()
        with torch.inference_mode():
            _, weights = network.forward_with_attention(*batch.inputs)
        return Attention.from_weights(
            weights,
            self._source_pieces(text)[: batch.source.shape[1]],
            [*target_pieces(self.sides, ids), EOS_LABEL],
            text=text,
            answer=answer,
            truncated=bool(encoded.truncated[0]),
        )

    def _target_ids(self, target: str) -> tuple[int, ...]:
        column = self.sides.target.encode(text_column([target]))
        ids = tuple(values_and_offsets(column)[0].tolist())
        most = self.recipe.section("tokenizer").target.max_length
        if len(ids) > most:
            raise DataError(
                f"the target has {len(ids):,} tokens, and the model reads up to {most:,} "
                "(tokenizer.target.max_length); shorten it"
            )
        return ids

    def _source_pieces(self, text: str) -> list[str]:
        tokens = self.sides.source.encode_with_offsets(pl.Series([text]))
        columns = (tokens.ids, tokens.starts, tokens.ends)
        ids, starts, ends = (values_and_offsets(column)[0].tolist() for column in columns)
        return label_tokens(text, ids, starts, ends, self.sides.source.vocabulary)

    def _pairs(self, rows: Table) -> PairExamples:
        sources, targets = rows["source"], rows["target"]
        return PairExamples(
            self.sides.source.encode(sources), self.sides.target.encode(targets), (sources, targets)
        )

    def _truncate(self, sources: TokenColumn) -> TokenColumn:
        most = self.recipe.section("tokenizer").source.max_length
        return truncate(sources, most, signs=sign_ids(self.sides.source.vocabulary))[0]

    def _too_long(self, column: TokenColumn) -> Bools:
        most = self.recipe.section("tokenizer").source.max_length
        return np.asarray(row_lengths(column) > most)

    @property
    def made_of(self) -> str:
        """Names of the tokenizers."""
        sides = self.recipe.section("tokenizer")
        return f" from `{sides.source.name}` to `{sides.target.name}`"

    @property
    def limits(self) -> str:
        """How long a source may be."""
        sides = self.recipe.section("tokenizer")
        longer = f"Texts longer than {sides.source.max_length} tokens are\n"
        return longer + (
            "cut, and the answer says so." if sides.long_sources == "truncate" else "refused."
        )


def _measure(rows: Table | None) -> PairTexts:
    return PairTexts() if rows is None else measure(rows["source"], rows["target"])


def _check_positions(recipe: Recipe) -> None:
    most = getattr(recipe.model, "most_tokens", None)
    if most is None:
        return
    tokenizer = recipe.section("tokenizer")
    sides = {
        "tokenizer.source.max_length": tokenizer.source.max_length,
        # GO stands before it
        "tokenizer.target.max_length": tokenizer.target.max_length + 1,
        "decoding.max_length": recipe.section("decoding").max_length,
    }
    for key, longest in sides.items():
        if longest > most:
            raise ValueError(
                f"{key}: up to {longest} tokens, and the positions of the model end at {most}; "
                "lower it, raise model.longest, or set model.positions to sinusoidal or rotary"
            )


def _load_tokenizer(folder: SealedFolder, files: tuple[str, str], asked: SideSettings) -> Tokenizer:
    return load_tokenizer(folder, *files, name=asked.name, settings=asked.settings)


def _buffers(part: PairExamples) -> list[Any]:
    """Return the token ids of both sides, and where each text begins."""
    columns = (part.sources, part.targets_column)
    return [buffer for column in columns for buffer in values_and_offsets(column)]


def _oov_rate(column: TokenColumn) -> float:
    values, _ = values_and_offsets(column)
    return float((values == OOV).mean()) if len(values) else 0.0

"""Input of one text per row: tokenized, truncated and encoded as ids."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import polars as pl
import torch
from torch import nn

from munjang.config import MOST_IDS, Settings, shown
from munjang.data.batches import Batch, TextDataset
from munjang.data.collection import collect_texts
from munjang.data.columns import text_column
from munjang.data.dataset import Dataset
from munjang.data.encode import EncodedTexts, encode_texts
from munjang.data.long_runs import describe_long_runs
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.readers import read_table
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.settings import DataSettings, TokenizerSettings
from munjang.data.table import Table
from munjang.data.token_rows import EncodedRows, encode_rows
from munjang.defaults.text import text_defaults
from munjang.errors import ConfigError
from munjang.explain.attention import Attention
from munjang.explain.located import LocatedRow, locate_text, require_text
from munjang.explain.text_attention import text_attention
from munjang.forked import is_forked
from munjang.inputs.input import Encoded, Input, Sample
from munjang.inputs.text_lengths import check_lengths, count_kept_tokens, limit_tokens
from munjang.inputs.tokenized import TokenizedInput
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.subword_table import SubwordTable, index_subwords, with_oov_words
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.models.encoder import EncoderConfig
from munjang.recipe import Recipe
from munjang.registry import only_for_writers
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.task import Bools
from munjang.text.columns import TokenColumn, values_and_offsets
from munjang.text.registry import make_tokenizer, recount
from munjang.text.tokenizer import RefusesTexts, Tokenizer, fit_notes
from munjang.text.vocabulary import OOV

# Up to so many texts are encoded one by one; a column is faster from some hundreds on.
FEW = 128
# Longest text of `munjang shapes`, for which a run of the model takes some seconds.
MOST_TOKENS = 4096


@dataclass(frozen=True)
class EncodedText:
    """Encoded texts.

    Attributes:
        encoded: ids, truncated texts and OOV words.
    """

    encoded: EncodedTexts | EncodedRows

    @property
    def truncated(self) -> Bools:
        """True for each text that was longer than the model reads, [rows]."""
        return self.encoded.truncated

    @property
    def column(self) -> TokenColumn:
        """The ids of texts that were encoded as a column."""
        assert isinstance(self.encoded, EncodedTexts)
        return self.encoded.column

    def __len__(self) -> int:
        return len(self.encoded.truncated)

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the ids with their targets [rows, ...], or without."""
        if isinstance(self.encoded, EncodedRows):
            return self.encoded.rows
        return TextDataset(self.encoded.column, targets)

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network with subword vectors of these texts' OOV words."""
        return with_oov_words(network, self.encoded.oov_words)


@runtime_checkable
class HasTokenizer(Protocol):
    """An input with one fitted tokenizer.

    Attributes:
        tokenizer: the tokenizer.
    """

    tokenizer: Tokenizer


def read_texts(
    cls: type[Input], data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report
) -> Table:
    """Read labeled texts and report what was read, inferred and skipped."""
    if isinstance(data, AlignedFiles):
        raise ConfigError(
            "files of sources and targets are for the task translate (--task translate), not "
            f"for {recipe.task}"
        )
    settings = recipe.section("data")
    with stage("reading texts"):
        table = read_table(
            data,
            text_column=settings.text_column,
            label_column=settings.label_column,
            encoding=settings.encoding,
            skip_bad_rows=settings.skip_bad_rows,
            need_labels=read_labels is not None,
            read_labels=read_labels or clean_labels,
        )
    if read_labels is None:
        table = table.with_targets(None)
    report_read(table, "row", report)
    return table


def report_read(table: Table, row: str, report: Report) -> None:
    """Report what was read, inferred and skipped; `row` is the noun for a row."""
    report(f"read {pluralize(len(table), row)} of {', '.join(table.files)}")
    for note in (*table.notes, *describe_long_runs(table)):
        report(note)
    for reason, count in table.skipped.items():
        report(f"skipped {pluralize(count, row)}: {reason}")


def fit_tokenizer(texts: pl.Series, recipe: Recipe) -> Tokenizer:
    """Return the tokenizer of a recipe, fitted on texts."""
    settings = recipe.section("tokenizer")
    with stage(f"learning {settings.name} from {pluralize(len(texts), 'text')}"):
        return make_tokenizer(settings.name, **settings.settings).fit(
            texts,
            min_frequency=settings.min_frequency,
            max_size=settings.max_size,
        )


@dataclass(frozen=True)
class TextInput(TokenizedInput):
    """One text per row.

    Attributes:
        tokenizer: fitted tokenizer.
        has_line_breaks: True if the setting `tokenizer.line_breaks` can be on.
    """

    has_word_vectors: ClassVar[bool] = True
    # enough of each length that batches of them have hardly any padding
    block_rows: ClassVar[int] = 8192
    has_line_breaks: ClassVar[bool] = True
    may_differ: ClassVar[frozenset[str]] = frozenset({"tokenizer.max_length"})
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": DataSettings,
        "tokenizer": TokenizerSettings,
    }

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse lengths that leave no room for tokens, or exceed the positions of the model."""
        check_lengths(recipe)

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Table | None) -> Mapping[str, Any]:
        """Return what suits an architecture, the script of the texts and their number."""
        return text_defaults(given, None if rows is None else rows["text"])

    read = classmethod(read_texts)

    @classmethod
    def sample(cls, size: Any, vocabulary: int) -> Sample:
        """Return a text of `size` tokens, 32 if None."""
        time = _parse_tokens(32 if size is None else size)
        if vocabulary <= OOV:
            raise ConfigError(f"vocabulary: expected more than PAD and OOV, got {vocabulary}")
        if vocabulary > MOST_IDS:
            raise ConfigError(f"vocabulary: expected at most {MOST_IDS:,}, got {shown(vocabulary)}")

        def tensors() -> tuple[torch.Tensor, ...]:
            ids = torch.full((1, time), OOV)
            return ids, torch.ones_like(ids, dtype=torch.bool)

        return Sample(vocabulary, tensors, (time,), {})

    @classmethod
    def fit(cls, train: Table, recipe: Recipe) -> Self:
        """Fit the tokenizer on the training part."""
        return cls(recipe, fit_tokenizer(train["text"], recipe))

    @classmethod
    def settings_from(cls, other: Input) -> dict[str, Any]:
        """Return the settings of another input's tokenizer."""
        if not isinstance(other, HasTokenizer):
            raise ConfigError(f"the input {other.recipe.input} has no tokenizer of texts")
        kind = cls.sections["tokenizer"]
        own = other.recipe.section("tokenizer")
        marks = getattr(own, "of_texts", {})
        if marks and not cls.has_line_breaks:
            raise ConfigError(
                f"the input {other.recipe.input} begins a text with a line break, and rows of this "
                "input do not; only --input text can begin from it"
            )
        known = {**own.model_dump(mode="json"), **marks}
        settings = {key: value for key, value in known.items() if key in kind.model_fields}
        capitals = getattr(other.tokenizer, "capitals", None)
        if capitals is not None:
            # named, since the defaults of texts set it and those of other inputs do not
            settings["settings"] = {**settings["settings"], "capitals": capitals}
        positions = getattr(other.recipe.model, "most_tokens", None)
        if positions is not None:
            # a row of another input may have more tokens that are added to it
            section: Any = kind.parse(settings, where="tokenizer")
            added = getattr(section, "added_tokens", 2 * section.add_go_eos)
            settings["max_length"] = min(settings["max_length"], max(1, positions - added))
        return {"tokenizer": settings}

    @classmethod
    def fit_from(cls, train: Table, recipe: Recipe, other: Input) -> Self:
        """Return the input with the tokenizer and the vocabulary of another one."""
        assert isinstance(other, HasTokenizer)
        if train.targets is None and train.key_role == "text":
            # what is learned is made of the texts, whose tokens are counted anew
            return cls(recipe, recount(other.tokenizer, train["text"]))
        return cls(recipe, other.tokenizer)

    @property
    def trained_column(self) -> str | None:
        """Name of the column of texts."""
        name: str | None = self.recipe.section("data").text_column
        return name

    @cached_property
    def encoding(self) -> dict[str, Any]:
        """The arguments of `munjang.data.encode.encode_texts`."""
        settings = self.recipe.section("tokenizer")
        with_oov_words = bool(getattr(self.recipe.model, "subword_ngrams", 0))
        return {
            "max_length": settings.max_length,
            "max_tokens": limit_tokens(self.recipe),
            "add_go_eos": settings.add_go_eos,
            "with_oov_words": with_oov_words,
            "line_breaks": getattr(settings, "line_breaks", False),
        }

    def encode(self, rows: Table) -> EncodedText:
        """Encode the texts of a table."""
        return self._encode(rows, ())

    def _encode(self, rows: Table, known: Sequence[str]) -> EncodedText:
        with stage(f"encoding {pluralize(len(rows), 'text')}"):
            encoded = encode_texts(self.tokenizer, rows["text"], known=known, **self.encoding)
        return EncodedText(encoded)

    def encode_parts(self, parts: Mapping[str, Table]) -> dict[str, tuple[Encoded, Table]]:
        """Encode both parts; an OOV word has the same id in both."""
        train = self._encode(parts["train"], ())
        valid = self._encode(parts["valid"], train.encoded.oov_words)
        return {"train": (train, parts["train"]), "valid": (valid, parts["valid"])}

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the indices of the texts that the tokenizer does not refuse."""
        if not isinstance(self.tokenizer, RefusesTexts):
            return super().usable(values)
        reasons = [self.tokenizer.refusal(text) for text in values]
        indices = [index for index, reason in enumerate(reasons) if reason is None]
        return indices, Counter(reason for reason in reasons if reason is not None)

    def encode_values(self, values: str | Iterable[str]) -> EncodedText:
        """Encode texts from Python; a few of them without tables and thread pools."""
        return self._encode_values(values, self.encoding)

    def _encode_values(
        self, values: str | Iterable[str], options: Mapping[str, Any]
    ) -> EncodedText:
        if is_forked() or isinstance(values, str) or _are_few(values):
            return EncodedText(encode_rows(self.tokenizer, collect_texts(values), **options))
        return EncodedText(encode_texts(self.tokenizer, text_column(values), **options))

    def prepare_network(
        self, network: nn.Module, encoded: Mapping[str, Encoded], train: Dataset, solve: Any
    ) -> None:
        """Count n-grams, index subwords and solve the linear model of the training part."""
        tokens = self.tokenizer.vocabulary.tokens
        valid = encoded["valid"]
        assert isinstance(valid, EncodedText)
        for module in network.modules():
            # of texts side by side, which n-grams do not cross, each side
            batches: Iterator[Any] = (
                side
                for batch in train.in_order_of_length(batch_size=8192)
                for side in getattr(batch, "sides", (batch,))
            )
            if isinstance(module, TokenEmbedding):
                with stage("counting n-grams"):
                    module.count_ngrams((batch.ids, batch.lengths) for batch in batches)
            if isinstance(module, SubwordTable):
                module.fit(tokens)
                module.set_oov_words(valid.encoded.oov_words)
            if isinstance(module, TfidfLinear) and train.targets is not None:
                texts = ((batch.ids, batch.mask, batch.rows) for batch in batches)
                with stage(f"solving the linear model of {pluralize(len(train), 'text')}"):
                    module.fit(texts, train.targets, solve)

    def index_words(self, network: nn.Module) -> None:
        """Index the subwords of the vocabulary."""
        index_subwords(network, self.tokenizer.vocabulary.tokens)

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return the vocabulary, the ids of both parts and the OOV words."""
        columns = {name: _column(part) for name, part in encoded.items()}
        names = {"train": "training part", "valid": "validation part"}
        valid = encoded["valid"]
        assert isinstance(valid, EncodedText)
        return {
            "vocabulary": [self.tokenizer.to_json(), self.tokenizer.vocabulary.tokens],
            **{f"texts of the {names[k]}": values_and_offsets(c) for k, c in columns.items()},
            "words out of vocabulary": [valid.encoded.oov_words],
        }

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return sizes of the data, the vocabulary and the OOV rate."""
        columns = {name: _column(part) for name, part in encoded.items()}
        return {
            "rows": len(parts["train"]),
            "valid_rows": len(parts["valid"]),
            "files": ", ".join(Path(name).name for name in parts["train"].files),
            "tokenizer": self.recipe.section("tokenizer").name,
            "vocabulary": self.size,
            "tokens": len(values_and_offsets(columns["train"])[0]),
            "oov_rate": _oov_rate(columns["valid"], self.size),
            "truncated": int(encoded["train"].truncated.sum()),
            "valid_truncated": int(encoded["valid"].truncated.sum()),
            "skipped": dict(parts["train"].skipped),
        }

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return sizes, vocabulary, OOV rate and truncated texts for people."""
        lines = [
            *fit_notes(self.tokenizer),
            *super().fact_lines(facts),
            f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
            f"{facts['oov_rate']:.2%} of validation tokens out of vocabulary",
        ]
        if ensemble := describe_ensemble(self.recipe):
            lines.append(ensemble)
        truncated = facts["truncated"] + facts["valid_truncated"]
        if truncated:
            kept = count_kept_tokens(self.recipe)
            lines.append(f"truncated to {kept} tokens: {pluralize(truncated, self.noun)}")
        return lines

    def attention(
        self, network: nn.Module, task: Any, text: Any, target: str | None = None
    ) -> Attention:
        """Return the attention of the encoder for one text.

        Raises:
            DataError: the text has no token.
            ConfigError: the encoder has no attention, or `target` is given.
        """
        if target is not None:
            raise ConfigError(only_for_writers("target"))
        encoded = encode_texts(self.tokenizer, text_column(text), **self.encoding)
        return text_attention(
            text,
            encoded,
            tokenizer=self.tokenizer,
            network=with_oov_words(network, encoded.oov_words),
            ends=self.encoding["add_go_eos"],
            line_breaks=self.encoding["line_breaks"],
        )

    def locate(
        self, network: nn.Module, task: Any, text: Any, target: str | None = None
    ) -> LocatedRow:
        """Return one text as the network reads it, with the characters of each token.

        Raises:
            DataError: the text has no token.
            ConfigError: `target` is given.
        """
        if target is not None:
            raise ConfigError(only_for_writers("target"))
        text = require_text(text)
        encoded = self._encode_values(text, self.encoding)
        assert isinstance(encoded.encoded, EncodedRows)
        ids = encoded.encoded.rows.values.astype(np.int64)
        ends, line_breaks = self.encoding["add_go_eos"], self.encoding["line_breaks"]
        located = locate_text(
            text,
            self.tokenizer,
            len(ids) - 2 * ends - line_breaks,
            first=ends + line_breaks,
            line_breaks=line_breaks,
        )
        return LocatedRow(encoded, (ids,), (located,), bool(encoded.truncated[0]))

    @property
    def made_of(self) -> str:
        """Name of the tokenizer."""
        return f" on `{self.recipe.section('tokenizer').name}`"

    @property
    def ensemble(self) -> str:
        """The networks and the linear model whose answers are combined, in words."""
        return describe_ensemble(self.recipe)

    @property
    def limits(self) -> str:
        """Longest text, and what happens to longer ones."""
        return (
            f"Texts longer than {count_kept_tokens(self.recipe)} tokens are\n"
            "truncated, and the answer says so."
        )


def _parse_tokens(size: object) -> int:
    text = str(size)
    if not (
        text.isascii() and text.isdecimal() and len(text) < 7 and 1 <= int(text) <= MOST_TOKENS
    ):
        raise ConfigError(
            f"input: expected a number of tokens from 1 to {MOST_TOKENS:,}, as in 32, got {size!r}"
        )
    return int(text)


def _token_batches(data: Dataset) -> Iterator[Batch]:
    for batch in data.in_order_of_length(batch_size=8192):
        assert isinstance(batch, Batch)
        yield batch


def _column(part: Encoded) -> TokenColumn:
    assert isinstance(part, EncodedText)
    return part.column


def _are_few(texts: object) -> bool:
    is_scalar = getattr(texts, "shape", None) == ()  # a NumPy scalar has no length
    return is_scalar or (isinstance(texts, Sized) and len(texts) <= FEW)


def _oov_rate(column: TokenColumn, size: int) -> float:
    values, _ = values_and_offsets(column)
    return float(((values == OOV) | (values >= size)).mean()) if len(values) else 0.0


def describe_ensemble(recipe: Recipe) -> str:
    """Describe an ensemble of networks or with a linear model; "" if there is none."""
    config = recipe.model
    if not isinstance(config, EncoderConfig) or (
        config.ensemble_size == 1 and not config.linear_weight
    ):
        return ""
    left_out = recipe.training.ensemble_leave_out
    rows = f", each without {left_out:.0%} of the rows" if left_out else ""
    networks = f"{config.ensemble_size} networks{rows}" if config.ensemble_size > 1 else "a network"
    weight = config.linear_weight
    linear = f" + n-gram linear model (weight {weight:.2f})" if weight else ""
    return f"ensemble: {networks}{linear}"

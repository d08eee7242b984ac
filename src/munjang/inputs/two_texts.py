"""Input of two texts per row, read together: GO first EOS second EOS."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np
import polars as pl
from torch import nn

from munjang.config import Settings
from munjang.data.columns import text_column
from munjang.data.dataset import Dataset
from munjang.data.encode import EncodedTexts, encode_texts
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.readers.peek import peek_columns
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.table import Table
from munjang.data.token_rows import EncodedRows, TokenRows, encode_rows
from munjang.data.two_texts.collection import collect_pairs
from munjang.data.two_texts.columns import USUAL, holds_two_texts
from munjang.data.two_texts.read import is_pairs_and_labels, read_two_texts
from munjang.data.two_texts.settings import (
    TwoTextsDataSettings,
    TwoTextsSettings,
    TwoTextsTokenizerSettings,
)
from munjang.data.two_texts.stream import WantedPair, group_pairs, wanted_pair
from munjang.data.two_texts.table import FIRST, SECOND, PairTable, share_texts
from munjang.data.two_texts.tokens import Side, join_sides, truncate_pairs, with_ends
from munjang.data.two_texts.towers import TowersDataset
from munjang.defaults.text import two_texts_defaults
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_LABEL, GO_LABEL, Attention
from munjang.explain.located import LocatedRow, locate_text
from munjang.explain.text_attention import label_text, row_attention, text_attention
from munjang.forked import is_forked
from munjang.inputs.input import Encoded
from munjang.inputs.text import FEW, EncodedText, TextInput, fit_tokenizer, report_read
from munjang.layers.subword_table import with_oov_words
from munjang.models.pair_encoder import PairEncoder
from munjang.recipe import Recipe, named_task
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.heads import TwoTowers
from munjang.tasks.logits import LogitsTask
from munjang.tasks.task import Bools
from munjang.text.capitals import sign_ids
from munjang.text.columns import TokenColumn, token_column, values_and_offsets


@dataclass(frozen=True)
class EncodedTwoTexts(EncodedText):
    """Encoded rows of two texts.

    Attributes:
        encoded: the joined rows GO first EOS second EOS; truncated rows and OOV words.
        sides: token rows of the first and of the second texts, truncated, without GO and EOS.
        alone: the sides as they are without the other one: truncated each by itself.
        truncated_alone: True for each row of which a side was truncated by itself, [rows].
        reads_towers: True if `dataset` has the texts side by side.
    """

    sides: tuple[Side, Side]
    alone: tuple[Side, Side]
    truncated_alone: Bools
    reads_towers: bool = False

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the rows as the network reads them, with targets [rows, ...] or without."""
        return self.towers(targets) if self.reads_towers else super().dataset(targets)

    @property
    def first(self) -> TokenColumn:
        """Token column of the first texts, without GO and EOS."""
        return token_column(self.sides[0].values, self.sides[0].offsets)

    @property
    def second(self) -> TokenColumn:
        """Token column of the second texts, without GO and EOS."""
        return token_column(self.sides[1].values, self.sides[1].offsets)

    def towers(self, targets: Any = None) -> TowersDataset:
        """Return both texts side by side, each GO text EOS, with their targets or without."""
        first, second = (with_ends(side) for side in self.alone)
        return TowersDataset(first, second, targets)


@dataclass(frozen=True)
class TwoTextsInput(TextInput):
    """Two texts per row.

    Attributes:
        tokenizer: tokenizer of both, fitted on both.
    """

    row: ClassVar[str] = "pair"
    noun: ClassVar[str] = "text pair"
    has_line_breaks: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "data": TwoTextsDataSettings,
        "tokenizer": TwoTextsTokenizerSettings,
        "two_texts": TwoTextsSettings,
    }

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse lengths beyond the model, and towers where nothing compares them."""
        super().check_recipe(recipe)
        if not _reads_towers(recipe):
            return
        if not issubclass(recipe.task_class, LogitsTask):
            raise ValueError(
                f"two_texts.reading: the task {recipe.task} compares vectors by itself; leave this "
                "setting out"
            )
        if getattr(recipe.model, "linear_weight", 0):
            raise ValueError(
                "model.linear_weight: a linear model reads both texts in one row; set "
                "two_texts.reading to joined, or leave this setting out"
            )

    @classmethod
    def wrap_network(cls, body: nn.Module, recipe: Recipe) -> nn.Module:
        """Return the encoder as it is, or applied to each text of a row."""
        return PairEncoder(body) if _reads_towers(recipe) else body

    @classmethod
    def accepts(cls, data: Any, reading: Mapping[str, Any]) -> bool:
        """Return whether data has two columns with usual names for two texts, and no other text."""
        if is_pairs_and_labels(data):
            return True
        encoding = reading.get("encoding")  # not validated yet
        names = peek_columns(data, encoding if isinstance(encoding, str) else "utf-8", USUAL)
        return holds_two_texts(names)

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Table | None) -> Mapping[str, Any]:
        """Return the defaults of texts, with room for three tokens between the positions."""
        compares = issubclass(named_task(given).load(), LogitsTask)
        texts = None if rows is None else _texts(rows)
        return two_texts_defaults(given, texts, compares=compares)

    @classmethod
    def read(
        cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report
    ) -> Table:
        """Read rows of two texts and report what was read, inferred and skipped."""
        if isinstance(data, AlignedFiles):
            raise ConfigError(
                "files of sources and targets are for the task translate (--task translate), not "
                f"for {recipe.task}; give a table with two columns of texts"
            )
        settings = recipe.section("data")
        with stage("reading pairs"):
            table = read_two_texts(
                data,
                first_column=settings.first_column,
                second_column=settings.second_column,
                label_column=settings.label_column,
                encoding=settings.encoding,
                skip_bad_rows=settings.skip_bad_rows,
                need_labels=read_labels is not None,
                read_labels=read_labels or clean_labels,
            )
        if read_labels is None:
            table = table.with_targets(None)
        report_read(table, cls.row, report)
        return table

    @classmethod
    def fit(cls, train: Table, recipe: Recipe) -> Self:
        """Fit the tokenizer on both texts of the training part."""
        return cls(recipe, fit_tokenizer(_texts(train), recipe))

    def wanted_columns(self, named: Mapping[str, str | None]) -> WantedPair:
        """Return the two columns to look for in a file to predict."""
        settings = self.recipe.section("data")
        return wanted_pair(named, (settings.first_column, settings.second_column))

    @classmethod
    def group_values(cls, texts: Sequence[str]) -> list[tuple[str, str]]:
        """Return texts on the command line two by two."""
        return group_pairs(texts)

    @property
    def trained_column(self) -> str | None:
        """No single column: a row has two."""
        return None

    def encode(self, rows: Table) -> EncodedTwoTexts:
        """Encode the pairs of a table."""
        with stage(f"encoding {pluralize(len(rows), 'pair')}"):
            return self._encode_columns(rows[FIRST], rows[SECOND], ())

    def encode_parts(self, parts: Mapping[str, Table]) -> dict[str, tuple[Encoded, Table]]:
        """Encode both parts; an OOV word has the same id in both."""
        train, valid = parts["train"], parts["valid"]
        with stage(f"encoding {pluralize(len(train) + len(valid), 'pair')}"):
            first = self._encode_columns(train[FIRST], train[SECOND], ())
            other = self._encode_columns(valid[FIRST], valid[SECOND], first.encoded.oov_words)
        return {"train": (first, train), "valid": (other, valid)}

    def encode_values(self, values: Any) -> EncodedTwoTexts:
        """Encode pairs from Python, see `munjang.data.two_texts.collection`.

        A few of them are encoded without tables and thread pools.
        """
        first, second = collect_pairs(values)
        if is_forked() or len(first) <= FEW:
            return self._encode_rows(first, second)
        one, other = (pl.Series("text", side, dtype=pl.String) for side in (first, second))
        return self._encode_columns(one, other, ())

    def encode_texts(self, texts: Any) -> EncodedText:
        """Encode texts one by one, each GO text EOS as in `EncodedTwoTexts.towers`."""
        return self._encode_values(texts, {**self.encoding, "add_go_eos": True})

    def _encode_columns(
        self, first: pl.Series, second: pl.Series, known: Sequence[str]
    ) -> EncodedTwoTexts:
        options = {**self.encoding, "add_go_eos": False}
        one = encode_texts(self.tokenizer, first, known=known, **options)
        other = encode_texts(self.tokenizer, second, known=one.oov_words, **options)
        sides = Side(*values_and_offsets(one.column)), Side(*values_and_offsets(other.column))
        cut = one.truncated | other.truncated

        def as_texts(joined: Side, truncated: Bools) -> EncodedTexts:
            column = token_column(joined.values, joined.offsets)
            return EncodedTexts(column, truncated, other.oov_words)

        return self._encoded(sides, cut, as_texts)

    def _encode_rows(self, first: Sequence[str], second: Sequence[str]) -> EncodedTwoTexts:
        options = {**self.encoding, "add_go_eos": False}
        one = encode_rows(self.tokenizer, first, **options)
        other = encode_rows(self.tokenizer, second, known=one.oov_words, **options)
        sides = (
            Side(one.rows.values, one.rows.offsets),
            Side(other.rows.values, other.rows.offsets),
        )
        cut = one.truncated | other.truncated

        def as_rows(joined: Side, truncated: Bools) -> EncodedRows:
            return EncodedRows(TokenRows(joined.values, joined.offsets), truncated, other.oov_words)

        return self._encoded(sides, cut, as_rows)

    def _encoded(
        self,
        alone: tuple[Side, Side],
        cut: Bools,
        join: Callable[[Side, Bools], EncodedTexts | EncodedRows],
    ) -> EncodedTwoTexts:
        """Return encoded rows of two sides.

        Args:
            alone: token rows of both sides, each truncated by itself.
            cut: True for each row of which a side was truncated, [rows].
            join: makes encoded rows of joined ones and of those that were truncated.
        """
        first, second, truncated = truncate_pairs(
            *alone,
            self.encoding["max_length"],
            signs=sign_ids(self.tokenizer.vocabulary),
            max_tokens=self.encoding["max_tokens"],
        )
        reads_towers = _reads_towers(self.recipe)
        encoded = join(join_sides(first, second), cut if reads_towers else cut | truncated)
        return EncodedTwoTexts(encoded, (first, second), alone, cut, reads_towers)

    def attention(
        self, network: nn.Module, task: Any, text: Any, target: str | None = None
    ) -> Attention:
        """Return the attention of the encoder over both texts of a row.

        Args:
            network: the encoder and its head.
            task: not used.
            text: (first, second); one text if the encoder reads each apart.
            target: must be None.

        Raises:
            DataError: a text has no token.
            ConfigError: the encoder has no attention, or reads each text apart and two are given,
                or `target` is given.
        """
        if target is not None:
            raise ConfigError("target: expected a model that generates text (task translate)")
        if any(isinstance(module, PairEncoder | TwoTowers) for module in network.modules()):
            return self._attention_of_one(network, text)
        first, second = collect_pairs(text)
        if len(first) != 1:
            raise ConfigError(f"expected one pair of texts, got {len(first):,}")
        encoded = self._encode_rows(first, second)
        labels = [GO_LABEL]
        for side, texts in zip(encoded.sides, (first, second), strict=True):
            count = int(side.lengths[0])
            if not count:
                raise DataError(
                    f"expected texts with words in them, got {texts[0]!r}: no token is found there"
                )
            labels += [*label_text(texts[0], self.tokenizer)[:count], EOS_LABEL]
        assert isinstance(encoded.encoded, EncodedRows)
        return row_attention(
            encoded.encoded.rows.values.tolist(),
            labels,
            with_oov_words(network, encoded.encoded.oov_words),
            text=f"{first[0]} | {second[0]}",
            truncated=bool(encoded.truncated[0]),
        )

    def locate(
        self, network: nn.Module, task: Any, text: Any, target: str | None = None
    ) -> LocatedRow:
        """Return both texts of a row as the network reads them, with the characters of each token.

        Args:
            network: not used.
            task: the task; one that compares vectors reads each text apart.
            text: (first, second).
            target: must be None.

        Raises:
            DataError: a text has no token.
            ConfigError: `target` is given.
        """
        if target is not None:
            raise ConfigError("target: expected a model that generates text (task translate)")
        first, second = collect_pairs(text)
        if len(first) != 1:
            raise ConfigError(f"expected one pair of texts, got {len(first):,}")
        encoded = self._encode_rows(first, second)
        are_apart = encoded.reads_towers or not isinstance(task, LogitsTask)
        texts = encoded.alone if are_apart else encoded.sides
        counts = [int(side.lengths[0]) for side in texts]
        # GO first EOS second EOS, or GO first EOS, GO second EOS
        places = (1, 1 + counts[0] + 1 + are_apart)
        located = tuple(
            locate_text(given[0], self.tokenizer, count, first=place)
            for given, count, place in zip((first, second), counts, places, strict=True)
        )
        joined = [with_ends(side) for side in texts] if are_apart else [join_sides(*texts)]
        sides = tuple(side.values.astype(np.int64) for side in joined)
        cut = encoded.truncated_alone if are_apart else encoded.truncated
        return LocatedRow(encoded, sides, located, bool(cut[0]))

    def _attention_of_one(self, network: nn.Module, text: Any) -> Attention:
        """Return the attention over one text, for an encoder that reads each text apart."""
        if not isinstance(text, str):
            raise ConfigError(
                "this model reads each text apart, so that no attention goes from one to the "
                "other; give one text, or train with --set two_texts.reading=joined"
            )
        encoding = {**self.encoding, "add_go_eos": True}
        encoded = encode_texts(self.tokenizer, text_column([text]), **encoding)
        return text_attention(
            text,
            encoded,
            tokenizer=self.tokenizer,
            network=with_oov_words(network, encoded.oov_words),
            ends=True,
            line_breaks=self.encoding["line_breaks"],
        )

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return the facts of texts, and validation pairs that share a text with the training."""
        shared = share_texts(cast(PairTable, parts["train"]), cast(PairTable, parts["valid"]))
        return {**super().facts(parts, encoded), "valid_sharing_text": int(shared.sum())}

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the facts of texts, and the validation pairs that share one, for people."""
        lines = super().fact_lines(facts)
        if shared := facts["valid_sharing_text"]:
            lines.append(
                f"{shared:,} of {pluralize(facts['valid_rows'], 'validation pair')} have a text "
                "that is in a training pair too"
            )
        return lines


def _reads_towers(recipe: Recipe) -> bool:
    return bool(recipe.section("two_texts").reading == "towers")


def _texts(rows: Table) -> pl.Series:
    assert isinstance(rows, PairTable)
    return rows.texts

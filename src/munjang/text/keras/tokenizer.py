"""The tokenizer of Keras' legacy preprocessing, with the same results and without Keras.

Keras 3 removed it from its public API, and much code still needs it. Words, ids, counts, JSON and
matrices are equal to Keras' in tests; large inputs are processed as columns, ten times as fast.

    >>> tokenizer = Tokenizer(oov_token="<oov>")
    >>> tokenizer.fit_on_texts(["재미있다 정말 재미있다", "정말 별로"])
    >>> pad_sequences(tokenizer.texts_to_sequences(["정말 좋다"]), maxlen=4)
    array([[0, 0, 3, 1]], dtype=int32)
"""

import json
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.errors import DataError, MunjangError, NotFittedError
from munjang.text.columns import Int32s, Int64s, TokenColumn, to_lists, token_column
from munjang.text.coverage import THRESHOLDS, Coverage, measure_coverage
from munjang.text.keras.learned import DICTIONARIES, LearnedWords
from munjang.text.keras.matrix import check_mode, flatten, matrix_of
from munjang.text.keras.rules import (
    Counts,
    KerasRules,
    are_many,
    as_list,
    iterate,
)
from munjang.text.plain.words import KERAS_FILTERS

Texts = Iterable[str] | Iterable[list[str]] | pl.Series

_ROWS_AT_ONCE = 1 << 18


class Tokenizer(LearnedWords):
    """Words to ids, as in Keras' legacy `Tokenizer`. Id 0 is reserved for padding.

    A text is a string, or a list of words. Texts are any iterable of them; a `polars.Series` too.

    Args:
        num_words: only ids below it are used, those of the `num_words - 1` most frequent words;
            None or 0 for all. `word_index` always holds all words.
        filters: characters that are replaced by `split`.
        lower: lower-case texts.
        split: separator of words.
        char_level: take each character as a word.
        oov_token: token with id 1 for unknown words, which are left out without one.
        analyzer: function from a text to its words, instead of the rules above.
        min_frequency: rarer words get no id. Keras has no such argument; 1 is equal to it.
        kwargs: `document_count`, the number of texts fitted before; `nb_words`, the old name of
            `num_words`.

    Raises:
        ConfigError: `min_frequency` or `num_words` is not a number.
        TypeError: an unknown argument.
    """

    def __init__(
        self,
        num_words: float | None = None,
        filters: Iterable[str] = KERAS_FILTERS,
        lower: bool = True,
        split: str | None = " ",
        char_level: bool = False,
        oov_token: Any = None,
        analyzer: Callable[[Any], Iterable[Any]] | None = None,
        *,
        min_frequency: int = 1,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            warnings.warn("nb_words is now called num_words", stacklevel=2)
            num_words = kwargs.pop("nb_words")
        super().__init__(num_words, oov_token, min_frequency, kwargs.pop("document_count", 0))
        if kwargs:
            raise TypeError(f"Tokenizer has no argument {', '.join(kwargs)}")
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.analyzer = analyzer

    def _rules(self) -> KerasRules:
        return KerasRules(self.filters, self.lower, self.split, self.char_level, self.analyzer)

    def fit_on_texts(self, texts: Texts) -> None:
        """Add the words of some texts to the counts, and assign ids.

        Raises:
            DataError: a row is not a text; its number is named, and nothing is counted.
        """
        parts: list[Counts] = []
        documents = 0
        rows = iterate(texts)
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            parts += self._rules().count(batch, documents)
            documents += len(batch)
        self._learn(parts)
        self.document_count += documents

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count the sequences that hold each id; for tf-idf without texts."""
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] = self.index_docs.get(number, 0) + 1
        self.document_count += len(sequences)

    def texts_to_sequences(self, texts: Texts) -> list[list[int]]:
        """Return the ids of the words of each text.

        Raises:
            DataError: a row is not a text; its number is named.
        """
        rows = as_list(texts)
        encoded = self._encode(rows)
        if encoded is None:
            return list(self.texts_to_sequences_generator(rows))
        return to_lists(token_column(*encoded))

    def texts_to_sequences_generator(self, texts: Texts) -> Iterator[list[int]]:
        """Yield the ids of each text; texts are taken one at a time."""
        rules, index, num_words = self._rules(), self.word_index, self.num_words
        oov = index.get(self.oov_token)
        for row, text in enumerate(iterate(texts), start=1):
            ids: list[Any] = []
            for word in rules.words(text, row):
                number = index.get(word)
                if number is None:
                    if self.oov_token is not None:
                        ids.append(oov)
                elif not num_words or number < num_words:
                    ids.append(number)
                elif oov is not None:
                    ids.append(oov)
            yield ids

    def texts_to_column(self, texts: Texts) -> TokenColumn:
        """Return the ids as a token column; the fastest way.

        Raises:
            NotFittedError: nothing was fitted.
            DataError: a row is not a text; its number is named.
        """
        self._require_fit()
        rows = as_list(texts)
        values, offsets = self._encode(rows) or flatten(self.texts_to_sequences(rows))
        return token_column(values, offsets)

    def _encode(self, rows: list[Any]) -> tuple[Int32s, Int64s] | None:
        """Return ids [tokens] and row offsets [rows + 1]; None if columns are not used."""
        return self._ids_of(partial(self._rules().map_parts, rows)) if are_many(rows) else None

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]] | TokenColumn) -> list[str]:
        """Join the words of each sequence of ids by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(
        self, sequences: Iterable[Iterable[int]] | TokenColumn
    ) -> Iterator[str]:
        """Yield the words of each sequence of ids, joined by spaces."""
        rows = to_lists(sequences) if hasattr(sequences, "to_pylist") else sequences
        oov_id = self.word_index.get(self.oov_token)
        oov = None if oov_id is None else self.index_word.get(oov_id)
        if oov is None and self.oov_token is not None:
            self._require_fit()
        for sequence in rows:
            words = []
            for number in sequence:
                word = self.index_word.get(number)
                if word is None or (self.num_words and number >= self.num_words):
                    word = oov
                if word is not None:
                    words.append(word)
            yield " ".join(words)

    def texts_to_matrix(self, texts: Texts, mode: str = "binary") -> npt.NDArray[np.float64]:
        """Return a matrix with one row per text; see `sequences_to_matrix`."""
        rows = as_list(texts)
        values, offsets = self._encode(rows) or flatten(self.texts_to_sequences(rows))
        return self._matrix(values, offsets, mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]] | TokenColumn, mode: str = "binary"
    ) -> npt.NDArray[np.float64]:
        """Return a matrix with one row per sequence.

        Args:
            sequences: ids.
            mode: binary, count, freq (share of the sequence) or tfidf.

        Returns:
            Matrix [sequences, num_words], or [sequences, words + 1] without `num_words`.

        Raises:
            NotFittedError: neither `num_words` nor a fit gives the width, or tfidf without a fit.
            ConfigError: an unknown mode.
            DataError: `sequences` holds values that are not ids.
        """
        values, offsets = flatten(sequences)
        return self._matrix(values, offsets, mode)

    def _matrix(self, values: Any, offsets: Int64s, mode: str) -> npt.NDArray[np.float64]:
        if not self.num_words and not self.word_index:
            raise NotFittedError(
                "the width of the matrix is unknown: give num_words, or call fit_on_texts first"
            )
        if mode == "tfidf" and not self.document_count:
            raise NotFittedError(
                "tfidf needs document counts: call fit_on_texts or fit_on_sequences first"
            )
        return matrix_of(
            values,
            offsets,
            columns=cast(int, self.num_words or len(self.word_index) + 1),
            mode=check_mode(mode),
            document_count=self.document_count,
            index_docs=self.index_docs,
        )

    def coverage(
        self, validation: Texts | None = None, *, thresholds: Sequence[int] = THRESHOLDS
    ) -> Coverage:
        """Measure the coverage of the words with an id, and with other values of `min_frequency`.

        Args:
            validation: other texts, for the rate of unknown words.
            thresholds: values of `min_frequency` to measure, with the same `num_words`.
        """
        self._require_fit()
        rows = None if validation is None else as_list(validation)
        return measure_coverage(
            np.array(list(self.word_counts.values()), dtype=np.int64),
            seen=None if rows is None else self._seen(self._rules().count(rows)),
            min_frequency=self.min_frequency,
            max_size=self.num_words or None,
            reserved=1 if self.oov_token is None else 2,
            thresholds=thresholds,
        )

    def get_config(self) -> dict[str, Any]:
        """Return settings and dictionaries as JSON, without `analyzer` and `min_frequency`."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in DICTIONARIES},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return JSON that Keras loads too, without `analyzer`; `kwargs` go to `json.dumps`."""
        state: dict[str, Any] = {"class_name": "Tokenizer", "config": self.get_config()}
        if self.min_frequency > 1:
            state["munjang"] = {"min_frequency": self.min_frequency}  # Keras ignores this key
        return json.dumps(state, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Restore a tokenizer from `to_json`, written here or by Keras.

    Raises:
        DataError: the text does not describe a tokenizer.
    """
    try:
        state = json.loads(json_string)
        config = dict(state["config"])
        learned = {name: json.loads(config.pop(name)) for name in DICTIONARIES}
        tokenizer = Tokenizer(**config, **state.get("munjang", {}))
        tokenizer.word_counts = OrderedDict(learned["word_counts"])
        tokenizer.word_docs = defaultdict(int, learned["word_docs"])
        tokenizer.word_index = dict(learned["word_index"])
        tokenizer.index_docs = defaultdict(int, _with_numbers(learned["index_docs"]))
        tokenizer.index_word = _with_numbers(learned["index_word"])
    except MunjangError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise DataError(f"this JSON does not describe a Keras tokenizer: {error!r}") from error
    return tokenizer


def _with_numbers(dictionary: dict[str, Any]) -> dict[int, Any]:
    """Convert the keys, which JSON stores as strings, to integers."""
    return {int(number): value for number, value in dictionary.items()}

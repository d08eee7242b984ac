"""The tokenizer of Keras' legacy preprocessing, with the same meaning and without Keras.

Keras 3 took it out of its public API, and much code still needs them. Words, ids, counts, JSON
and matrices are the same, tested against Keras' own; large inputs go by columns, ten times as fast.

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
from munjang.text.cutting.cutters import KERAS_FILTERS
from munjang.text.keras.learned import DICTIONARIES, LearnedWords
from munjang.text.keras.matrix import check_mode, flatten, matrix_of
from munjang.text.keras.rules import (
    Counts,
    KerasRules,
    are_many,
    as_list,
    iterate,
)

Texts = Iterable[str] | Iterable[list[str]] | pl.Series

_ROWS_AT_ONCE = 1 << 18


class Tokenizer(LearnedWords):
    """Words to ids, as Keras' legacy `Tokenizer` has them. Id 0 is never given: it is for padding.

    A text is a string, or a list of words. Texts are any iterable of them; a `polars.Series` too.

    Args:
        num_words: only ids below it are given, those of the `num_words - 1` most frequent words;
            None or 0 for all. `word_index` holds all words all the same.
        filters: characters that are replaced by `split`.
        lower: whether to lower-case.
        split: what stands between words.
        char_level: whether every character is a word.
        oov_token: takes id 1 and stands for unknown words, which are left out otherwise.
        analyzer: a function from a text to its words, instead of the rules above.
        min_frequency: words seen less often get no id. Keras has no such argument: 1.
        kwargs: `document_count`, how many texts were fitted before; `nb_words`, the old name of
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
        """Count the words of some texts, on top of what was counted before, and number them.

        Raises:
            DataError: a text is not a text; its row is named, and nothing is counted.
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
        """Count in how many sequences each id stands; for tf-idf without texts."""
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] = self.index_docs.get(number, 0) + 1
        self.document_count += len(sequences)

    def texts_to_sequences(self, texts: Texts) -> list[list[int]]:
        """The ids of the words of each text.

        Raises:
            DataError: a text is not a text; its row is named.
        """
        rows = as_list(texts)
        encoded = self._encode(rows)
        if encoded is None:
            return list(self.texts_to_sequences_generator(rows))
        return to_lists(token_column(*encoded))

    def texts_to_sequences_generator(self, texts: Texts) -> Iterator[list[int]]:
        """The same, one text at a time; takes the next text when it is asked for the next ids."""
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
        """The same ids as a token column; the fastest way.

        Raises:
            NotFittedError: nothing was fitted.
            DataError: a text is not a text; its row is named.
        """
        self._require_fit()
        rows = as_list(texts)
        values, offsets = self._encode(rows) or flatten(self.texts_to_sequences(rows))
        return token_column(values, offsets)

    def _encode(self, rows: list[Any]) -> tuple[Int32s, Int64s] | None:
        """Ids [tokens] and offsets [rows + 1]; None where one text after another is the way."""
        return self._ids_of(partial(self._rules().map_parts, rows)) if are_many(rows) else None

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]] | TokenColumn) -> list[str]:
        """Words with spaces between, for each sequence of ids."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(
        self, sequences: Iterable[Iterable[int]] | TokenColumn
    ) -> Iterator[str]:
        """The same, one sequence at a time."""
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
        """One row of numbers a text; see `sequences_to_matrix`."""
        rows = as_list(texts)
        values, offsets = self._encode(rows) or flatten(self.texts_to_sequences(rows))
        return self._matrix(values, offsets, mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]] | TokenColumn, mode: str = "binary"
    ) -> npt.NDArray[np.float64]:
        """One row of numbers a sequence.

        Args:
            sequences: ids.
            mode: binary, count, freq (share of the sequence) or tfidf.

        Returns:
            Matrix [sequences, num_words], or [sequences, words + 1] without `num_words`.

        Raises:
            NotFittedError: neither `num_words` nor a fit says how wide, or tfidf without a fit.
            ConfigError: an unknown mode.
            DataError: `sequences` holds something else than ids.
        """
        values, offsets = flatten(sequences)
        return self._matrix(values, offsets, mode)

    def _matrix(self, values: Any, offsets: Int64s, mode: str) -> npt.NDArray[np.float64]:
        if not self.num_words and not self.word_index:
            raise NotFittedError("give num_words, or fit_on_texts first: the width is not known")
        if mode == "tfidf" and not self.document_count:
            raise NotFittedError("tfidf counts documents: fit_on_texts or fit_on_sequences first")
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
        """What the words with an id cover, and what other values of `min_frequency` would.

        Args:
            validation: other texts, to say how many of their words would be unknown.
            thresholds: which values of `min_frequency` to try, with the same `num_words`.
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
        """The settings, and the dictionaries as JSON; neither `analyzer` nor `min_frequency`."""
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
        """Everything but `analyzer` as JSON that Keras loads too; `kwargs` go to `json.dumps`."""
        state: dict[str, Any] = {"class_name": "Tokenizer", "config": self.get_config()}
        if self.min_frequency > 1:
            state["munjang"] = {"min_frequency": self.min_frequency}  # Keras does not look here
        return json.dumps(state, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `to_json` wrote, here or in Keras.

    Raises:
        DataError: the text is not such a tokenizer.
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
    """JSON has written the keys as strings."""
    return {int(number): value for number, value in dictionary.items()}

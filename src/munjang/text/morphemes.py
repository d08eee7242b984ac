"""Korean morphemes as tokens, by the analyzer Kiwi (package kiwipiepy, extra `korean`).

    갔다  ->  가 었 다        with tags:  가/VV 었/EP 다/EF

Use when: Korean, and tokens should be meaningful to a reader: word vectors, explanations, small
vocabularies for bag-of-words models. Analysis takes about a millisecond per sentence, at prediction
too, far longer than any other tokenizer here.
"""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from munjang.errors import ConfigError, FolderError
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, token_column
from munjang.text.detokenize import join_pieces, real_tokens
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.ids import UNKNOWN
from munjang.text.plain.nfc import normalize_text
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import RESERVED, Vocabulary

ANALYSER = "kiwipiepy"
# Longer texts are analyzed in parts; only this much of a text is learned from.
LONGEST_PART, LONGEST_LEARNED = 5_000, 65_536
_MOST_WORKERS = 256
_PACKAGES = (ANALYSER, "kiwipiepy_model")
_VERSION = re.compile(r"[0-9A-Za-z.+!]{1,40}")


@dataclass(frozen=True)
class _Analysis:
    """The morphemes of a column of texts: names, row offsets and character ranges."""

    tokens: pl.Series
    offsets: Int64s
    starts: Int64s
    ends: Int64s


class MorphemeTokenizer:
    """One id per morpheme.

    Args:
        tags: append the part of speech to the token (`가/VV` is not `가/JKS`). `decode` then joins
            morphemes to words; otherwise it joins them by spaces.
        num_workers: threads of the analyzer; all cores if None. The result does not depend on it.

    Raises:
        ConfigError: kiwipiepy is not installed, or `num_workers` is out of range.
    """

    name: ClassVar[str] = "morphemes"
    # what follows may decide how a syllable is read
    split_points: ClassVar[re.Pattern[str] | None] = None

    def __init__(self, *, tags: bool = False, num_workers: int | None = None) -> None:
        if find_spec(ANALYSER) is None:
            raise ConfigError(
                f"the morphemes tokenizer needs the package {ANALYSER}; install it with: "
                'pip install "munjang[korean]"'
            )
        if num_workers is not None and not 1 <= num_workers <= _MOST_WORKERS:
            raise ConfigError(f"num_workers: expected 1 to {_MOST_WORKERS}, got {num_workers}")
        self.tags = tags
        self.num_workers = num_workers
        self._vocabulary: Vocabulary | None = None
        self._fitted_on: tuple[pl.Series, _Analysis] | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The morphemes learned by `fit`; `NotFittedError` before."""
        return require_fitted(self._vocabulary, self.name)

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the morphemes of a column of texts. `max_size` counts the reserved ids.

        Only the first 65,536 characters of a text are learned from: the analyzer takes a
        millisecond for a few characters.

        Raises:
            DataError: the column holds a null, or values that are not strings.
        """
        composed = normalize(texts).str.head(LONGEST_LEARNED)
        analysis = self._analyze(composed)
        seen = analysis.tokens.to_frame("token").group_by("token", maintain_order=True).len()
        self._vocabulary = Vocabulary.from_counts(
            seen["token"],
            seen["len"].to_numpy(),
            min_frequency=min_frequency,
            max_size=max_size,
        )
        # The fitted texts are usually encoded next, and analysis takes minutes.
        self._fitted_on = (composed, analysis)
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column."""
        vocabulary = self.vocabulary
        analysis = self._recall(normalize(texts))
        return token_column(vocabulary.ids_of(analysis.tokens), analysis.offsets)

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        kiwi = _analyzer(self.num_workers)
        composed = normalize_text(text)
        cuts = [*_part_starts(composed), len(composed)]
        return self.vocabulary.ids_of_few(
            [
                self._named(morpheme)
                for start, end in pairwise(cuts)
                for morpheme in kiwi.tokenize(composed[start:end])
            ]
        )

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the character range of each morpheme in the text as given.

        Ranges may overlap: in 갔다 both 가 and 었 stem from the first syllable.
        """
        vocabulary = self.vocabulary
        composed = normalize(texts)
        analysis = self._recall(composed)
        starts, ends = original_offsets(
            texts,
            composed,
            token_column(analysis.starts, analysis.offsets),
            token_column(analysis.ends, analysis.offsets),
        )
        ids = token_column(vocabulary.ids_of(analysis.tokens), analysis.offsets)
        return Tokens(ids, starts, ends)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn ids back to texts, with guessed spaces. PAD, GO, EOS are dropped; OOV is U+FFFD."""
        vocabulary = self.vocabulary
        ids, offsets = real_tokens(column, vocabulary.size)
        unknown = f"{UNKNOWN}/SW" if self.tags else UNKNOWN
        written = [unknown] * len(RESERVED) + list(vocabulary.tokens[len(RESERVED) :])
        pieces = pl.Series(written, dtype=pl.String).gather(ids)
        if not self.tags:
            return join_pieces(pieces, offsets, " ")
        kiwi = _analyzer(self.num_workers)
        morphemes = [_split_tag(piece) for piece in pieces]
        cuts = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        texts = [kiwi.join(morphemes[first:last]) if first < last else "" for first, last in cuts]
        return pl.Series(texts, dtype=pl.String)

    def to_json(self) -> dict[str, Any]:
        """Return the name, the settings, and the version of the analyzer."""
        return {"name": self.name, "tags": self.tags, "analyzer": _versions()}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described.

        Warns if another version of the analyzer is installed than the one that was used.
        """
        given = read_settings(state, {"tags": bool, "analyzer": dict})
        made, here = given["analyzer"], _versions()
        if made.keys() != here.keys() or not all(
            isinstance(version, str) and _VERSION.fullmatch(version) for version in made.values()
        ):
            raise FolderError(
                "tokenizer.json does not describe a morphemes tokenizer: analyzer holds no "
                f"versions of {' and '.join(_PACKAGES)}"
            )
        tokenizer = cls(tags=given["tags"])
        if made != here:
            wanted = " ".join(f"{package}=={version}" for package, version in made.items())
            warnings.warn(
                f"this model was made with {wanted}, but {here[ANALYSER]} is installed (model "
                f"{here[_PACKAGES[1]]}): morphemes and predictions may differ; "
                f"to get the same, type: pip install {wanted}",
                stacklevel=2,
            )
        tokenizer._vocabulary = vocabulary
        return tokenizer

    def _named(self, morpheme: Any) -> str:
        form: str = morpheme.form
        return f"{form}/{morpheme.tag}" if self.tags else form

    def _recall(self, composed: pl.Series) -> _Analysis:
        kept, self._fitted_on = self._fitted_on, None
        if kept is not None and kept[0].equals(composed):
            return kept[1]
        return self._analyze(composed)

    def _analyze(self, composed: pl.Series) -> _Analysis:
        names: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        lengths: list[int] = []
        parts, rows, shifts = _parts(composed)
        for shift, morphemes in zip(shifts, _analyzed(parts, self.num_workers), strict=True):
            lengths.append(len(morphemes))
            starts += [shift + morpheme.start for morpheme in morphemes]
            ends += [shift + morpheme.end for morpheme in morphemes]
            names += [self._named(morpheme) for morpheme in morphemes]
        of_parts = bounds_of(np.array(lengths, dtype=np.int64))
        offsets = of_parts[np.searchsorted(rows, np.arange(len(composed) + 1))]
        last = np.array(ends, dtype=np.int64)
        first = _in_order(np.array(starts, dtype=np.int64), last, offsets)
        return _Analysis(pl.Series(names, dtype=pl.String), offsets, first, last)


def _parts(texts: pl.Series) -> tuple[pl.Series, Int64s, list[int]]:
    """Split long texts into parts, at a space if there is one.

    The analyzer's time grows faster than the length of a text without spaces.

    Returns:
        The parts, the row of each, and the start of each in its text.
    """
    if (texts.str.len_bytes().max() or 0) <= LONGEST_PART:  # type: ignore[operator]
        return texts, np.arange(len(texts)), [0] * len(texts)
    parts: list[str] = []
    rows: list[int] = []
    starts: list[int] = []
    for row, text in enumerate(texts):
        begins = _part_starts(text)
        parts += [text[start:end] for start, end in pairwise([*begins, len(text)])]
        rows += [row] * len(begins)
        starts += begins
    return pl.Series(parts, dtype=pl.String), np.array(rows, dtype=np.int64), starts


def _part_starts(text: str) -> list[int]:
    """Return the starts of the parts of a text: 0, then at a space if there is one."""
    starts = [0]
    while (end := starts[-1] + LONGEST_PART) < len(text):
        space = text.rfind(" ", starts[-1] + 1, end)
        starts.append(end if space < 0 else space)
    return starts


def _in_order(starts: Int64s, ends: Int64s, offsets: Int64s) -> Int64s:
    """Make the starts of the morphemes of each text ascending.

    For a syllable that contracts three morphemes (래 from 라고 하 어) the analyzer puts the middle
    one behind the syllable; it gets the syllable as its range too.
    """
    apart = int(ends.max(initial=0)) + 1
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)) * apart
    ordered: Int64s = np.minimum.accumulate((starts + rows)[::-1])[::-1] - rows
    return ordered


def _analyzed(texts: pl.Series, num_workers: int | None) -> Iterable[list[Any]]:
    kiwi = _analyzer(num_workers)
    if len(texts) == 1:  # needs no threads
        return [kiwi.tokenize(texts[0])]
    rows: Iterable[list[Any]] = kiwi.tokenize(texts.to_list())
    return rows


@lru_cache(maxsize=2)
def _analyzer(num_workers: int | None) -> Any:
    from kiwipiepy import Kiwi  # loading its model takes seconds and 100 MB: only when needed

    return Kiwi(num_workers=-1 if num_workers is None else num_workers)


def _versions() -> dict[str, str]:
    return {package: metadata.version(package) for package in _PACKAGES}


def _split_tag(piece: str) -> tuple[str, str]:
    form, _, tag = piece.rpartition("/")
    return form, tag

"""Korean morphemes as tokens, by the analyser Kiwi (the package kiwipiepy, extra `korean`).

    갔다  ->  가 었 다        with tags:  가/VV 었/EP 다/EF

Use when: Korean, and the tokens should mean something to a reader: word vectors, explanations,
small vocabularies for bag-of-words models. Analysis takes about a millisecond a sentence, far
longer than any other tokenizer here, and also at prediction.
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
from munjang.text.cutting.codepoints import bounds_of
from munjang.text.detokenise import UNKNOWN, join_pieces, real_tokens
from munjang.text.normalise import normalise, normalise_text, original_offsets
from munjang.text.tokenizer import described, fitted
from munjang.text.vocabulary import RESERVED, Vocabulary

ANALYSER = "kiwipiepy"
# A longer text is analysed in parts, and of a very long one only the beginning is learned from.
LONGEST_PART, LONGEST_LEARNED = 5_000, 65_536
_MOST_WORKERS = 256
_PACKAGES = (ANALYSER, "kiwipiepy_model")
_VERSION = re.compile(r"[0-9A-Za-z.+!]{1,40}")


@dataclass(frozen=True)
class _Analysis:
    """The morphemes of a column of texts: their names, row offsets and character ranges."""

    tokens: pl.Series
    offsets: Int64s
    starts: Int64s
    ends: Int64s


class MorphemeTokenizer:
    """One id a morpheme.

    Args:
        tags: make the part of speech a part of the token (`가/VV` is not `가/JKS`), and let
            `decode` put the morphemes together to words again; without, it writes them with
            spaces between.
        num_workers: threads of the analyser; all cores if None. The result does not depend on it.

    Raises:
        ConfigError: kiwipiepy is not installed, or no such number of threads can be.
    """

    name: ClassVar[str] = "morphemes"
    cuts: ClassVar[re.Pattern[str] | None] = None  # what follows may decide how a syllable is read

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
        return fitted(self._vocabulary, self.name)

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the morphemes of a column of texts. `max_size` counts the reserved ids.

        Of a text longer than 65,536 characters only the beginning is learned from: the analyser
        takes a millisecond for a few characters.

        Raises:
            DataError: the column holds a null or something else than strings.
        """
        composed = normalise(texts).str.head(LONGEST_LEARNED)
        analysis = self._analyse(composed)
        seen = analysis.tokens.to_frame("token").group_by("token", maintain_order=True).len()
        self._vocabulary = Vocabulary.from_counts(
            seen["token"],
            seen["len"].to_numpy(),
            min_frequency=min_frequency,
            max_size=max_size,
        )
        # What was fitted is nearly always encoded next, and the analysis takes minutes.
        self._fitted_on = (composed, analysis)
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column."""
        vocabulary = self.vocabulary
        analysis = self._recall(normalise(texts))
        return token_column(vocabulary.ids_of(analysis.tokens), analysis.offsets)

    def encode_text(self, text: str) -> Int32s:
        """The ids of one text [tokens]."""
        kiwi = _analyser(self.num_workers)
        composed = normalise_text(text)
        cuts = [*_part_starts(composed), len(composed)]
        return self.vocabulary.ids_of_few(
            [
                self._named(morpheme)
                for start, end in pairwise(cuts)
                for morpheme in kiwi.tokenize(composed[start:end])
            ]
        )

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """The same ids, with the character range of each in the text as given.

        Ranges may overlap: in 갔다 both 가 and 었 stem from the first syllable.
        """
        vocabulary = self.vocabulary
        composed = normalise(texts)
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
        """Turn ids back to texts, spaces by guess. PAD, GO and EOS are dropped; OOV is U+FFFD."""
        vocabulary = self.vocabulary
        ids, offsets = real_tokens(column, vocabulary.size)
        unknown = f"{UNKNOWN}/SW" if self.tags else UNKNOWN
        written = [unknown] * len(RESERVED) + list(vocabulary.tokens[len(RESERVED) :])
        pieces = pl.Series(written, dtype=pl.String).gather(ids)
        if not self.tags:
            return join_pieces(pieces, offsets, " ")
        kiwi = _analyser(self.num_workers)
        morphemes = [_split_tag(piece) for piece in pieces]
        cuts = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        texts = [kiwi.join(morphemes[first:last]) if first < last else "" for first, last in cuts]
        return pl.Series(texts, dtype=pl.String)

    def to_json(self) -> dict[str, Any]:
        """The name, the settings, and which version of the analyser cut the texts."""
        return {"name": self.name, "tags": self.tags, "analyser": _versions()}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """The tokenizer that `to_json` described.

        Warns when the analyser installed here has another version than the one that was used.
        """
        given = described(state, {"tags": bool, "analyser": dict})
        made, here = given["analyser"], _versions()
        if made.keys() != here.keys() or not all(
            isinstance(version, str) and _VERSION.fullmatch(version) for version in made.values()
        ):
            raise FolderError(
                "tokenizer.json does not describe a morphemes tokenizer: analyser names no "
                f"versions of {' and '.join(_PACKAGES)}"
            )
        tokenizer = cls(tags=given["tags"])
        if made != here:
            wanted = " ".join(f"{package}=={version}" for package, version in made.items())
            warnings.warn(
                f"this model was made with {wanted}, but {here[ANALYSER]} is installed (model "
                f"{here[_PACKAGES[1]]}): texts may be cut differently and answers may change; "
                f"pip install {wanted} brings back the same",
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
        return self._analyse(composed)

    def _analyse(self, composed: pl.Series) -> _Analysis:
        names: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        lengths: list[int] = []
        parts, rows, shifts = _parts(composed)
        for shift, morphemes in zip(shifts, _analysed(parts, self.num_workers), strict=True):
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
    """The texts, long ones cut into parts, at a space where there is one.

    The analyser's time grows faster than a text without a space does.

    Returns:
        The parts, the row of each, and where in its text each begins.
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
    """Where the parts of a text begin: the first at 0, the others at a space where there is one."""
    starts = [0]
    while (end := starts[-1] + LONGEST_PART) < len(text):
        space = text.rfind(" ", starts[-1] + 1, end)
        starts.append(end if space < 0 else space)
    return starts


def _in_order(starts: Int64s, ends: Int64s, offsets: Int64s) -> Int64s:
    """Begin no morpheme after the next one of its text.

    Of a syllable that contracts three morphemes (래 from 라고 하 어) the analyser sets the middle
    one behind the syllable; so it too gets the syllable as its range.
    """
    apart = int(ends.max(initial=0)) + 1
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)) * apart
    ordered: Int64s = np.minimum.accumulate((starts + rows)[::-1])[::-1] - rows
    return ordered


def _analysed(texts: pl.Series, num_workers: int | None) -> Iterable[list[Any]]:
    kiwi = _analyser(num_workers)
    if len(texts) == 1:  # no need to wake the threads
        return [kiwi.tokenize(texts[0])]
    rows: Iterable[list[Any]] = kiwi.tokenize(texts.to_list())
    return rows


@lru_cache(maxsize=2)
def _analyser(num_workers: int | None) -> Any:
    from kiwipiepy import Kiwi  # loading its model takes seconds and 100 MB: only when needed

    return Kiwi(num_workers=-1 if num_workers is None else num_workers)


def _versions() -> dict[str, str]:
    return {package: metadata.version(package) for package in _PACKAGES}


def _split_tag(piece: str) -> tuple[str, str]:
    form, _, tag = piece.rpartition("/")
    return form, tag

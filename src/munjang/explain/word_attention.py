"""Attention of one text between its words: from a chosen word, by every head.

    I love the tiger but it is scary        chosen: it
    head 1.3 takes .41 from tiger, .12 from it, ...

Heads see tokens; a person sees words. The weight from a word to another is the mean over the tokens
of the first, summed over the tokens of the second, so the weights of a word still sum to 1.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from munjang.data.readers.faults import shorten
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import Attention, Span, Weights
from munjang.text.parts import find_words, number_words

_DIGITS = 5


@dataclass(frozen=True, eq=False)
class WordHead:
    """The weights of one head from one word.

    Attributes:
        layer: from 0, the lowest.
        head: from 0.
        weights: to each word, [words]; they sum to 1.
    """

    layer: int
    head: int
    weights: Weights

    @property
    def name(self) -> str:
        """Layer and head, such as 1.3."""
        return f"{self.layer}.{self.head}"


@dataclass(frozen=True, eq=False)
class WordAttention:
    """The weights of every head from one word of a text to all words.

    Attributes:
        text: the text.
        words: words of the text, and tokens that stand for no character, such as ⟨go⟩, in order.
        chosen: index of the word whose weights are shown.
        heads: one per head, by layer and head.
    """

    text: str
    words: tuple[str, ...]
    chosen: int
    heads: tuple[WordHead, ...]

    @cached_property
    def mean(self) -> Weights:
        """Mean over all heads, [words]."""
        mean: Weights = np.mean([head.weights for head in self.heads], axis=0, dtype=np.float32)
        return mean

    def to_word(self, place: int) -> list[WordHead]:
        """Return the heads by their weight to a word, the largest first."""
        return sorted(self.heads, key=lambda head: -float(head.weights[place]))

    def strongest(self, most: int) -> list[WordHead]:
        """Return the heads with the largest weight to another word of the text, these first."""
        others = [
            place
            for place, word in enumerate(self.words)
            if place != self.chosen and not is_mark(word)
        ]
        ranked = sorted(
            self.heads, key=lambda head: float(head.weights[others].max(initial=0)), reverse=True
        )
        return ranked[:most]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        heads = [
            {
                "layer": head.layer,
                "head": head.head,
                "weights": [round(float(weight), _DIGITS) for weight in head.weights],
            }
            for head in self.heads
        ]
        return {
            "text": self.text,
            "words": list(self.words),
            "chosen": self.chosen,
            "heads": heads,
        }


def is_mark(word: str) -> bool:
    """Return whether a displayed token stands for no character of the text, such as ⟨go⟩."""
    return word.startswith("⟨") and word.endswith("⟩")


def attention_from_word(attention: Attention, word: str) -> WordAttention:
    """Return the self-attention of a word of the text.

    Args:
        attention: of one text, with the places of its tokens.
        word: as it stands in the text. A part of a longer word stands for that word.

    Raises:
        DataError: the word is not in the text, more than once, or in a part that was not read.
        ConfigError: there is no self-attention over tokens of one text.
    """
    groups = _WordTokens.of(attention)
    chosen = groups.containing(find_once(attention.text, word))
    heads = tuple(
        WordHead(
            head.layer, head.head, groups.to_words(head.weights[groups.tokens[chosen]].mean(0))
        )
        for head in _require_heads(attention)
    )
    return WordAttention(attention.text, groups.words, chosen, heads)


def attention_between(attention: Attention, query: Span, key: Span) -> Weights:
    """Return the weight of every head from one part of the text to another, [layers, heads].

    Args:
        attention: of one text, with the places of its tokens.
        query: characters of the part whose states attend.
        key: characters of the part that they take from.

    Raises:
        DataError: the model reads no token there.
        ConfigError: there is no self-attention over tokens of one text.
    """
    heads = _require_heads(attention)
    rows, columns = (_tokens_in(attention, span) for span in (query, key))
    layers = max(head.layer for head in heads) + 1
    result = np.zeros((layers, max(head.head for head in heads) + 1), dtype=np.float32)
    for head in heads:
        result[head.layer, head.head] = head.weights[np.ix_(rows, columns)].sum(1).mean()
    return result


def find_once(text: str, part: str) -> Span:
    """Return where a word or phrase stands in a text.

    As a word of its own if it is one, else as a part of a longer one, such as 그것 in 그것은.

    Raises:
        DataError: it is not there, or at more than one place.
    """
    if not part.strip():
        raise DataError("expected a word of the text, got a blank one")
    pattern = re.escape(part)
    found: list[Span] = []
    for bounded in (rf"(?<!\w){pattern}(?!\w)", rf"(?<!\w){pattern}", pattern):
        found = [match.span() for match in re.finditer(bounded, text)]
        if found:
            break
    if len(found) != 1:
        count = "is not in" if not found else f"stands {len(found)} times in"
        raise DataError(
            f"{shorten(part)} {count} {shorten(text)}; expected a word that stands in it once"
        )
    return found[0]


def _require_heads(attention: Attention) -> Any:
    heads = attention.heads("source")
    if not heads or not attention.spans:
        raise ConfigError(
            "expected a model whose tokens attend to one another over one text, such as a "
            "transformer or bert"
        )
    return heads


def _tokens_in(attention: Attention, span: Span) -> list[int]:
    """Return the indices of the tokens that share characters with a part of the text."""
    start, end = span
    found = [
        place
        for place, known in enumerate(attention.spans)
        if known is not None and max(known[0], start) < min(known[1], end)
    ]
    if not found:
        raise DataError(
            f"{shorten(attention.text[start:end])}: the model reads no token there; the text may "
            "be longer than it reads"
        )
    return found


@dataclass(frozen=True)
class _WordTokens:
    """Words of a text with their tokens.

    Attributes:
        words: as displayed.
        spans: characters of each word; None for tokens that stand for no character.
        tokens: indices of the tokens of each word.
    """

    words: tuple[str, ...]
    spans: tuple[Span | None, ...]
    tokens: tuple[list[int], ...]

    @classmethod
    def of(cls, attention: Attention) -> "_WordTokens":
        _require_heads(attention)
        known = find_words(attention.text)
        bounds = list(zip(known.starts.tolist(), known.ends.tolist(), strict=True))
        starts = [0 if span is None else span[0] for span in attention.spans]
        numbers = number_words(known, np.array(starts, dtype=np.int64)).tolist()
        groups: list[tuple[str, Span | None, list[int]]] = []
        for place, (span, number) in enumerate(zip(attention.spans, numbers, strict=True)):
            word = None if span is None else bounds[number]
            if word is not None and groups and groups[-1][1] == word:
                groups[-1][2].append(place)
            elif word is not None:
                shown = attention.text[slice(*word)]
                groups.append((shown.strip() or shown, word, [place]))
            else:
                groups.append((attention.source[place], None, [place]))
        words, spans, tokens = zip(*groups, strict=True)
        return cls(words, spans, tokens)

    def containing(self, part: Span) -> int:
        """Return the index of the word that a part of the text begins in."""
        for place, span in enumerate(self.spans):
            if span is not None and span[0] <= part[0] < span[1]:
                return place
        raise DataError(
            "the model reads no token of that word; the text may be longer than it reads"
        )

    def to_words(self, weights: Weights) -> Weights:
        """Sum up weights to tokens [tokens] by word, [words]."""
        return np.array([weights[tokens].sum() for tokens in self.tokens], dtype=np.float32)

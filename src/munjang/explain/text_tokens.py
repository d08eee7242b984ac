"""One text as a network reads it: its tokens, and the words that they are parts of.

A word is a run without white space, and a token counts to the word that holds its last character,
so that "▁먹" and "는다" are parts of 먹는다, and the letters of a syllable stay together. White
space counts to the word after it, as in `munjang.explain.surprisal`.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from munjang.data.columns import text_column
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_LABEL, GO_LABEL
from munjang.explain.text_attention import label_tokens
from munjang.inputs.stream import StreamInput
from munjang.inputs.text import TextInput
from munjang.inputs.two_texts import EncodedTwoTexts
from munjang.model import Model
from munjang.text.columns import to_lists
from munjang.text.tokenizer import Tokenizer

# With more tokens per word than this on average, there are no words to speak of, as in Japanese.
_MOST_TOKENS_PER_WORD = 8
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class TextTokens:
    """The tokens of one text, those that a network adds included.

    Attributes:
        text: the text; both, with " | " between them, of a row of two.
        ids: [tokens].
        labels: each token as it is displayed, [tokens].
        words: number of the word that each token is a part of, rising from 0, [tokens].
        word_labels: each word as it is displayed, [words].
        truncated: True if the text was longer than the model reads.
    """

    text: str
    ids: tuple[int, ...]
    labels: tuple[str, ...]
    words: tuple[int, ...]
    word_labels: tuple[str, ...]
    truncated: bool

    def take(self, count: int) -> "TextTokens":
        """Return the first tokens alone."""
        if count >= len(self.ids):
            return self
        words = self.words[:count]
        kept = self.word_labels[: max(words, default=-1) + 1]
        return TextTokens(self.text, self.ids[:count], self.labels[:count], words, kept, True)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "text": self.text,
            "truncated": self.truncated,
            "tokens": list(self.labels),
            "words": list(self.word_labels),
            "word_of_token": list(self.words),
        }


@dataclass(frozen=True)
class _Token:
    """A token before it is numbered.

    Attributes:
        label: as it is displayed.
        word: its word as it is displayed.
        key: equal for neighboring tokens of one word.
    """

    label: str
    word: str
    key: tuple[int, int]


def read_tokens(model: Model, value: Any) -> tuple[TextTokens, nn.Module]:
    """Return the tokens of one text as a model reads it, and the network that reads them.

    Args:
        model: a model of texts.
        value: the text, or (first, second) of two texts that the model reads in one row.

    Raises:
        ConfigError: the model reads no text, or each of two texts apart.
        DataError: there is no token in the text.
    """
    fitted = model.input
    if isinstance(fitted, StreamInput):
        (prompt,) = fitted.encode_values(value).rows
        tokens = _tokens_of(value, fitted.tokenizer, line_breaks=True)
        return _number(value, prompt.tolist(), tokens, truncated=False), model.network
    if not isinstance(fitted, TextInput):
        raise ConfigError(
            f"expected a model of texts; the input of this one is {model.recipe.input}"
        )
    encoded = fitted.encode_values([value])
    if isinstance(encoded, EncodedTwoTexts):
        text, tokens = _tokens_of_two(encoded, value, fitted.tokenizer)
    else:
        text, options = value, fitted.encoding
        tokens = _tokens_of(text, fitted.tokenizer, line_breaks=options["line_breaks"])
        if options["add_go_eos"]:
            count = len(encoded) and int(encoded.dataset().lengths[0]) - 2
            tokens = [_added(GO_LABEL, 0), *tokens[:count], _added(EOS_LABEL, 1)]
    batches = list(encoded.dataset().in_order_of_length())
    ids: list[int] = batches[0].inputs[0][0].tolist() if batches else []
    if sum(token.key[0] >= 0 for token in tokens) == 0:
        raise DataError(f"expected a text with words in it, got {text!r}: no token is found there")
    truncated = bool(encoded.truncated[0])
    return _number(text, ids, tokens, truncated=truncated), encoded.adapt(model.network)


def _tokens_of_two(
    encoded: EncodedTwoTexts, value: Any, tokenizer: Tokenizer
) -> tuple[str, list[_Token]]:
    """Return both texts in one string, and the tokens of GO first EOS second EOS."""
    if encoded.reads_towers:
        raise ConfigError(
            "this model reads each text apart; train with --set two_texts.reading=joined to look "
            "at both in one row"
        )
    tokens = [_added(GO_LABEL, 0)]
    for number, (side, text) in enumerate(zip(encoded.sides, value, strict=True)):
        own = _tokens_of(text, tokenizer, line_breaks=False, part=number)
        tokens += [*own[: int(side.lengths[0])], _added(EOS_LABEL, number + 1)]
    return " | ".join(value), tokens


def _added(label: str, number: int) -> _Token:
    """Return a token that the model adds: a word of its own."""
    return _Token(label, label, (-1, number))


def _tokens_of(
    text: str, tokenizer: Tokenizer, *, line_breaks: bool, part: int = 0
) -> list[_Token]:
    """Return the tokens of a text; with `line_breaks` EOS before each of its lines."""
    spans = [match.span() for match in _WORD.finditer(text)]
    word_ends = [end for _, end in spans]
    tokens, begin = list[_Token](), 0
    for number, line in enumerate(text.split("\n") if line_breaks else [text]):
        labels, places = list[str](), list[int]()
        if line_breaks and number == 0:
            tokens.append(_added(EOS_LABEL, 0))
        elif line_breaks:
            labels, places = [EOS_LABEL], [begin - 1]
        read = tokenizer.encode_with_offsets(text_column([line]))
        ids, starts, ends = (to_lists(column)[0] for column in (read.ids, read.starts, read.ends))
        labels += label_tokens(line, ids, starts, ends, tokenizer.vocabulary)
        places += [begin + max(a, b - 1) for a, b in zip(starts, ends, strict=True)]
        for label, place in zip(labels, places, strict=True):
            word = min(bisect_right(word_ends, place), len(spans) - 1)
            shown = text[slice(*spans[word])] if spans else text
            tokens.append(_Token(label, shown, (part, word)))
        begin += len(line) + 1
    return tokens


def _number(text: str, ids: Sequence[int], tokens: list[_Token], *, truncated: bool) -> TextTokens:
    """Return the tokens with their words numbered; those that are not read are left out."""
    tokens = tokens[: len(ids)]
    keys = list(dict.fromkeys(token.key for token in tokens))
    numbers = {key: number for number, key in enumerate(keys)}
    words = {token.key: token.word for token in tokens}
    return TextTokens(
        text,
        tuple(ids),
        tuple(token.label for token in tokens),
        tuple(numbers[token.key] for token in tokens),
        tuple(words[key] for key in keys),
        truncated,
    )


def sum_by_words(tokens: TextTokens, values: npt.NDArray[Any], axis: int = 0) -> npt.NDArray[Any]:
    """Return the sums over the tokens of each word, along one axis of `values` [..., tokens, ...].

    Args:
        tokens: the tokens of a text.
        values: an array with one axis of tokens.
        axis: that axis.
    """
    moved = np.moveaxis(values, axis, 0)
    sums = np.zeros((len(tokens.word_labels), *moved.shape[1:]), dtype=moved.dtype)
    np.add.at(sums, np.asarray(tokens.words, dtype=np.int64), moved)
    return np.moveaxis(sums, 0, axis)


def has_words(tokens: TextTokens) -> bool:
    """Return whether the words of a text are worth showing instead of its tokens."""
    return len(tokens.ids) <= _MOST_TOKENS_PER_WORD * len(tokens.word_labels)

"""Text of tokens that come one at a time, as in generation.

The parts are together the text of all tokens. Text is held back while
a later token may change it: the letters of a Hangul syllable until the syllable is certain, the
bytes of a character until the last one is there.

    ᄒ  ᅡ  ᆫ   ᄀ  ᅳ  ᆯ   .        jamo that are fed
           한         글  .        text that is returned: no final follows another
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from munjang.errors import DataError
from munjang.text.plain.ids import EOS, GO, OOV, PAD, UNKNOWN
from munjang.text.plain.joining import awaits_jamo, joins
from munjang.text.plain.nfc import normalize_text

_WITHOUT_TEXT = (PAD, GO, EOS)
# A token that stands for one byte, as in SentencePiece.
_BYTE = re.compile("<0x[0-9A-F]{2}>")
# Tokens that are decoded again with each new one: up to `_MOST`, then the last `_FEWEST` of them.
_MOST, _FEWEST = 32, 8
_LONGEST_TESTED = 8  # characters; a longer run of marks waits for the character after it


# How tokens are written: "pieces" each alike wherever it stands, but for the first one and for a
# word with a capital marker before it; "words" joined to words, which are known once they end;
# "any" by what stands just before them.
Writing = Literal["pieces", "words", "any"]


class DecodesIds(Hashable, Protocol):
    """A tokenizer that writes ids as texts."""

    @property
    def tokens(self) -> Sequence[str]:
        """All tokens, by their ids."""

    @property
    def signs(self) -> Sequence[int]:
        """The ids of capital markers."""

    @property
    def writing(self) -> Writing:
        """Way in which tokens are written."""

    @property
    def composes(self) -> bool:
        """True if tokens are letters of syllables, which are composed."""

    def decode_rows(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Return the text of each row of ids."""


def open_stream(tokenizer: DecodesIds) -> "TextStream":
    """Return a stream of the text of a tokenizer's tokens."""
    if tokenizer.writing == "words":
        return TextStream(_WordDecoder(tokenizer), _Tail())
    if tokenizer.writing == "pieces":
        decoder = _PieceDecoder(tokenizer)
        return TextStream(decoder, _Tail(decoder.joiners, compose=tokenizer.composes))
    return TextStream(_WindowDecoder(tokenizer), _Tail())


class TextStream:
    """Tokens in, text out; see `open_stream`.

    Args:
        decoder: decodes token by token.
        tail: holds back what later text may change.
    """

    def __init__(self, decoder: "Decoder", tail: "_Tail") -> None:
        self._decoder = decoder
        self._tail = tail

    @property
    def pending(self) -> str:
        """Text that is held back, as it would read if nothing followed."""
        return self._tail.with_more(self._decoder.pending)

    def feed(self, token: int) -> str:
        """Take one token and return the text that became certain, which may be empty.

        Raises:
            DataError: the id is not in the vocabulary.
        """
        return self._tail.push(self._decoder.feed(token))

    def feed_prompt(self, prompt: str, tokens: Iterable[int]) -> str:
        """Take the tokens of a prompt, and return what to print of it before later text.

        That is the prompt as it is written, in NFC. Only a last syllable that later jamo may
        complete is left out: it comes with them.

        Args:
            prompt: the text.
            tokens: its tokens.
        """
        for token in tokens:
            self.feed(token)
        written = normalize_text(prompt)
        if self.pending and written.endswith(self.pending):
            return written.removesuffix(self.pending)
        # as an OOV token, or a letter in another case
        self._decoder.drop_pending()
        self._tail.flush()
        return written

    def close(self) -> str:
        """Return the text that was held back; tokens that are fed later begin another text."""
        rest = self._tail.push(self._decoder.pending) + self._tail.flush()
        self._decoder.restart()
        return rest


class Decoder(Protocol):
    """Tokens in, text out, without regard to what characters do to each other."""

    @property
    def pending(self) -> str:
        """Text that a later token may change."""

    def feed(self, token: int) -> str:
        """Return the text that one more token makes certain."""

    def drop_pending(self) -> None:
        """Count the pending text as returned."""

    def restart(self) -> None:
        """Begin another text."""


class _PieceDecoder:
    """Decoder of a tokenizer that writes each token alike wherever it stands.

    What each token is written as follows from decoding it alone and behind another one; for a word
    with a capital marker before it, both with that marker.
    """

    pending = ""

    def __init__(self, tokenizer: DecodesIds) -> None:
        self._size = len(tokenizer.tokens)
        pieces = _decode_pieces(tokenizer)
        self._markers, self._first, self._later = pieces.markers, pieces.first, pieces.later
        self.joiners = pieces.joiners
        self._is_first = True
        self._marker: int | None = None

    def feed(self, token: int) -> str:
        if not 0 <= token < self._size:
            raise DataError(f"id {token} is not in this vocabulary of {self._size} tokens")
        if token in _WITHOUT_TEXT:
            return ""
        if token in self._markers:
            self._marker = token
            return ""
        texts = self._first if self._is_first else self._later
        text = texts[self._marker][token]
        self._is_first, self._marker = False, None
        return text

    def drop_pending(self) -> None:
        return

    def restart(self) -> None:
        self._is_first, self._marker = True, None


class _WindowDecoder:
    """Decoder of any tokenizer whose tokens are written by what stands just before them.

    The last tokens are decoded again with each new one, and the text that this adds is returned.
    """

    def __init__(self, tokenizer: DecodesIds) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._text = ""
        self._returned = 0  # characters of the text

    @property
    def pending(self) -> str:
        return self._text[self._returned :]

    def feed(self, token: int) -> str:
        if token in _WITHOUT_TEXT:
            return ""
        self._tokens.append(token)
        self._text = _decode(self._tokenizer, self._tokens)
        start = self._returned
        self._returned = max(start, self._certain(token))
        text = self._text[start : self._returned]
        self._forget()
        return text

    def drop_pending(self) -> None:
        self._returned = len(self._text)

    def restart(self) -> None:
        self._tokens, self._text, self._returned = [], "", 0

    def _certain(self, token: int) -> int:
        """Return the length of the text that no later token changes."""
        if _BYTE.fullmatch(self._tokenizer.tokens[token]):
            return 0  # one wrong byte later makes all bytes of the run unreadable
        # bytes that begin a character are read as one replacement character
        return len(self._text) - self._text.endswith(UNKNOWN)

    def _forget(self) -> None:
        """Drop the first tokens, unless the others have no text that the next one can follow."""
        if len(self._tokens) <= _MOST or self.pending:
            return
        kept = self._tokens[-_FEWEST:]
        text = _decode(self._tokenizer, kept)
        if text and not text.endswith(UNKNOWN):
            self._tokens, self._text, self._returned = kept, text, len(text)


class _WordDecoder(_WindowDecoder):
    """Decoder of morphemes that contract to words, 가 었 다 to 갔다: a word waits for the next."""

    def _certain(self, token: int) -> int:
        return self._text.rfind(" ") + 1

    def _forget(self) -> None:
        return  # where a word ends depends on what it is made of


class _Tail:
    """The end of a text, held back while characters behind it may change how it is shown.

    Args:
        joiners: characters that may come and join the one before them; "": none but jamo.
        compose: return the text in NFC.
    """

    def __init__(self, joiners: str = "", *, compose: bool = False) -> None:
        self._joiners = joiners
        self._compose = compose
        self._held = ""

    def with_more(self, text: str) -> str:
        """Return the text that is held back, and `text`, as they are shown."""
        return self._shown(self._held + text)

    def push(self, text: str) -> str:
        """Take more text and return what is certain."""
        if not text:
            return ""
        self._held += text
        cut = _last_base(self._held)
        if self._stays(self._held[cut:]):
            cut = len(self._held)
        certain, self._held = self._held[:cut], self._held[cut:]
        return self._shown(certain)

    def flush(self) -> str:
        """Return the text that is held back."""
        held, self._held = self._held, ""
        return self._shown(held)

    def _stays(self, text: str) -> bool:
        """Return whether nothing that may come changes a character with its marks."""
        if awaits_jamo(text):
            return False
        is_short = len(text) <= _LONGEST_TESTED
        return not self._joiners or (is_short and _stays_before(text, self._joiners))

    def _shown(self, text: str) -> str:
        return normalize_text(text) if self._compose else text


@dataclass(frozen=True)
class _Pieces:
    """Texts of the tokens of a vocabulary.

    Attributes:
        markers: ids of capital markers.
        first: texts of all tokens at the beginning, [size], by the marker before them or None.
        later: texts that they add behind another token.
        joiners: characters that begin a token and join the one before them.
    """

    markers: tuple[int, ...]
    first: dict[int | None, list[str]]
    later: dict[int | None, list[str]]
    joiners: str


@lru_cache(maxsize=16)
def _decode_pieces(tokenizer: DecodesIds) -> _Pieces:
    """Decode every token of a vocabulary; a server opens many streams of few tokenizers."""
    markers = tuple(tokenizer.signs)
    first = {n: _decode_each(tokenizer, n) for n in (None, *markers)}
    later = {n: _decode_each(tokenizer, n, behind=True) for n in first}
    heads = {text[0] for text in later[None] if text}
    return _Pieces(markers, first, later, "".join(sorted(filter(joins, heads))))


def _last_base(text: str) -> int:
    """Return the place of the last character that joins none before it; 0 if all do."""
    place = len(text) - 1
    while place > 0 and joins(text[place]):
        place -= 1
    return place


@lru_cache(maxsize=1 << 14)
def _stays_before(text: str, joiners: str) -> bool:
    """Return whether a text is composed alike, whichever of the joiners follows it."""
    shown = normalize_text(text)
    return all(normalize_text(text + joiner).startswith(shown) for joiner in joiners)


def _decode_each(tokenizer: DecodesIds, marker: int | None, *, behind: bool = False) -> list[str]:
    """Return the text of every token of a vocabulary, [size].

    Args:
        tokenizer: the tokenizer.
        marker: token before each; None: none.
        behind: return what each adds to the text of another token.
    """
    before = [OOV] * behind + ([] if marker is None else [marker])
    rows = [[*before, number] for number in range(len(tokenizer.tokens))]
    start = len(_decode(tokenizer, [OOV])) if behind else 0
    return [text[start:] for text in tokenizer.decode_rows(rows)]


def _decode(tokenizer: DecodesIds, tokens: Sequence[int]) -> str:
    return tokenizer.decode_rows([tokens])[0]

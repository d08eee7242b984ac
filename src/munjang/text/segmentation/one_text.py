"""The words of a single text: as `segmenters` finds them in columns, without arrays.

Each character is replaced by the letter of its class, and a regular expression on these letters
finds the words:

    "It's 👍🏽 안녕"  ->  "ww'w" is w w s w, a space, s m, a space, w w

Twenty words take some microseconds; the arrays of a column pay off from hundreds of words on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from munjang.text.segmentation.codepoints import category_of
from munjang.text.segmentation.segmenters import KERAS_FILTERS, class_of_character


class ClassLetters(dict[int, str]):
    """A table from code point to the letter of its class, for `str.translate`, filled on demand.

    Args:
        class_of: function from a character to the number of its class.
        letters: the letter of each class.
    """

    def __init__(self, class_of: Callable[[str], int], letters: str) -> None:
        super().__init__()
        self._class_of = class_of
        self._letters = letters

    def __missing__(self, point: int) -> str:
        letter = self._letters[self._class_of(chr(point))]
        self[point] = letter
        return letter


# space, word, symbol, mark, format character, joiner: the classes of `segmenters`
_letters = ClassLetters(class_of_character, " wsmfj")
# A mark with nothing before it begins a word. A joiner directly behind a symbol, its marks and
# format characters joins the next symbol to it.
_WORD = re.compile(r"m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*+")

_DOTTED_I = "İ", "I\u0307"  # one character whose lower case is two


@dataclass(frozen=True)
class Words:
    """The words of one text.

    Attributes:
        given: the text, with `İ` expanded so that it is as long as in lower case.
        lowered: the text in lower case, if that was asked for.
        classes: the letter of each character's class.
        spans: start and end of each word in all three.
    """

    given: str
    lowered: str
    classes: str
    spans: list[tuple[int, int]]

    def strings(self) -> list[str]:
        """Return the words."""
        lowered = self.lowered
        return [lowered[start:end] for start, end in self.spans]

    def capitals(self) -> list[int]:
        """Return the kind of each word: 1 if it begins with a capital, 2 if all capitals, else 0.

        See `munjang.text.capitals.capitals_of`.
        """
        kinds = [0] * len(self.spans)
        if self.given == self.lowered:
            return kinds
        is_first = True
        for place, (start, end) in enumerate(self.spans):
            if self.classes[start] != "w" or self.given[start] > "\uffff":
                continue
            if self.given[start] != self.lowered[start]:
                in_capitals = _in_capitals(self.given[start:end], self.lowered[start:end])
                kinds[place] = 2 if in_capitals else int(not is_first)
            is_first = False
        return kinds


def _in_capitals(given: str, lowered: str) -> bool:
    """Return whether two or more letters were lower-cased, and no other one is lower-case."""
    pairs = list(zip(given, lowered, strict=True))
    if sum(before != after for before, after in pairs) < 2:
        return False
    return not any(
        before == after and before <= "\uffff" and category_of(before) == "Ll"
        for before, after in pairs
    )


def unicode_words(text: str, *, lower: bool) -> Words:
    """Find the words that `segmenters.unicode_segmenter` finds."""
    given = text.replace(*_DOTTED_I) if lower else text
    classes = given.translate(_letters)
    spans = [found.span() for found in _WORD.finditer(classes)]
    return Words(given, text.lower() if lower else text, classes, spans)


# No word continues over the start of a match, and what follows does not change how the text before
# it is lower-cased: a capital sigma depends on the next letter, across marks, quotes, full stops
# and colons.
BEFORE_UNICODE_WORD = re.compile(r"(?<!\u200d)[ \t\n,;!?()\"/*+@#$%&\[\]{}|\\~_。、！？，-]")
BEFORE_KERAS_WORD = re.compile(r"[ \t\n,;!?()\"/]")

_AS_SPACES = {ord(character): " " for character in KERAS_FILTERS}


def keras_words(text: str, *, lower: bool) -> list[str]:
    """Find the words that `segmenters.keras_segmenter` finds with Keras' filters and a space."""
    lowered = text.lower() if lower else text
    return [word for word in lowered.translate(_AS_SPACES).split(" ") if word]

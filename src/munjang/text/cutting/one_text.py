"""The words of one text alone: as `cutters` finds them in columns, without an array per step.

Every character becomes the letter of its class, and a pattern of such letters finds the words:

    "It's 👍🏽 안녕"  ->  "ww'w" is w w s w, a space, s m, a space, w w

Twenty words are found in some microseconds so; the arrays of a column pay off from hundreds on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from munjang.text.cutting.codepoints import category_of
from munjang.text.cutting.cutters import KERAS_FILTERS, class_of_character


class ClassLetters(dict[int, str]):
    """From a code point to the letter of its class, for `str.translate`; filled as texts need it.

    Args:
        class_of: from a character to the number of its class.
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


# space, word, symbol, mark, format character, joiner: the classes of `cutters`
_letters = ClassLetters(class_of_character, " wsmfj")
# A mark with nothing before it begins a word. A joiner directly behind a symbol, its marks and
# format characters ties the next symbol to it.
_WORD = re.compile(r"m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*+")

_DOTTED_I = "İ", "I\u0307"  # one character whose lower case is two


@dataclass(frozen=True)
class Words:
    """The words of one text.

    Attributes:
        given: the text, as long as in lower case.
        lowered: the text as its words are read.
        classes: the letter of each character's class.
        spans: where each word begins and ends in all three.
    """

    given: str
    lowered: str
    classes: str
    spans: list[tuple[int, int]]

    def strings(self) -> list[str]:
        """The words."""
        lowered = self.lowered
        return [lowered[start:end] for start, end in self.spans]

    def capitals(self) -> list[int]:
        """Per word 0, 1 for one that begins with a capital, 2 for one in capitals alone.

        As `munjang.text.capitals.capitals_of`, which says more.
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
    """Whether two letters or more were lower-cased, and no other letter is a small one."""
    pairs = list(zip(given, lowered, strict=True))
    if sum(before != after for before, after in pairs) < 2:
        return False
    return not any(
        before == after and before <= "\uffff" and category_of(before) == "Ll"
        for before, after in pairs
    )


def unicode_words(text: str, *, lower: bool) -> Words:
    """The words that `cutters.unicode_cutter` finds."""
    given = text.replace(*_DOTTED_I) if lower else text
    classes = given.translate(_letters)
    spans = [found.span() for found in _WORD.finditer(classes)]
    return Words(given, text.lower() if lower else text, classes, spans)


# Before each match no word goes on, and no letter before it is lower-cased otherwise for what
# follows: a capital sigma looks over marks, quotes, full stops and colons for the next letter.
BEFORE_UNICODE_WORD = re.compile(r"(?<!\u200d)[ \t\n,;!?()\"/*+@#$%&\[\]{}|\\~_。、！？，-]")
BEFORE_KERAS_WORD = re.compile(r"[ \t\n,;!?()\"/]")

_AS_SPACES = {ord(character): " " for character in KERAS_FILTERS}


def keras_words(text: str, *, lower: bool) -> list[str]:
    """The words that `cutters.keras_cutter` finds with Keras' own filters, between spaces."""
    lowered = text.lower() if lower else text
    return [word for word in lowered.translate(_AS_SPACES).split(" ") if word]

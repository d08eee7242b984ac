"""The words of a text: as `munjang.text.segmentation` finds them in columns, without arrays.

Each character is replaced by the letter of its class, and a regular expression on these letters
finds the words:

    "It's 👍🏽 안녕"  ->  "ww'w" is w w s w, a space, s m, a space, w w

Twenty words take some microseconds; the arrays of a column pay off from hundreds of words on.
"""

import re
import unicodedata
from dataclasses import dataclass

from munjang.text.plain.letters import ClassLetters

KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_AS_SPACES = {ord(character): " " for character in KERAS_FILTERS}

# space, word, symbol, mark, format character, joiner
WORD_CLASSES = " wsmfj"
# A mark with nothing before it begins a word. A joiner directly behind a symbol, its marks and
# format characters joins the next symbol to it.
_WORD = re.compile(r"m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*+")
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_DOTTED_I = "İ", "I\u0307"  # one character whose lower case is two


def find_word_class(character: str) -> str:
    """Return the letter of the class of a character, one of `WORD_CLASSES`."""
    if character == "\u200d":
        return "j"
    if ord(character) in _SKIN_TONES:
        return "m"
    category = unicodedata.category(character)
    if category == "Cf":
        return "f"
    if category == "Cc" or category[0] == "Z":
        return " "
    return {"L": "w", "N": "w", "M": "m"}.get(category[0], "s")


_word_letters = ClassLetters(find_word_class)


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

        The first word of a text counts as one without a first capital.
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
        before == after and before <= "\uffff" and unicodedata.category(before) == "Ll"
        for before, after in pairs
    )


def unicode_words(text: str, *, lower: bool) -> Words:
    """Find the words that `munjang.text.segmentation.segmenters.unicode_segmenter` finds."""
    given = text.replace(*_DOTTED_I) if lower else text
    classes = given.translate(_word_letters)
    spans = [found.span() for found in _WORD.finditer(classes)]
    return Words(given, text.lower() if lower else text, classes, spans)


def keras_words(text: str, *, lower: bool) -> list[str]:
    """Find the words that Keras finds with its filters and a space."""
    lowered = text.lower() if lower else text
    return [word for word in lowered.translate(_AS_SPACES).split(" ") if word]

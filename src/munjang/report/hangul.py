"""Hangul as strokes of a pen, so that a picture needs no font that knows it.

A syllable is two or three letters in a block, and the letters are a few straight lines, bows and
rings: 24 of them, told below, make all 11,172 syllables. Old Hangul is left to fonts.
"""

from collections.abc import Iterator

Box = tuple[float, float, float, float]  # left, top, right, bottom, in hundredths of the block

# Places on a grid of 8 x 8, x before y, the origin at the top left. `;` lifts the pen, `~` bends
# the way to the place behind it towards its own, and `@` is a ring from corner to corner.
_PENS = {
    **{"ㄱ": "00 80 78", "ㄴ": "00 08 88", "ㄷ": "80 00 08 88", "ㄹ": "00 80 84 04 08 88"},
    **{"ㅁ": "00 80 88 08 00", "ㅂ": "00 08 88 80;04 84", "ㅅ": "40 ~44 08;42 ~55 88"},
    **{"ㅇ": "@0088", "ㅈ": "00 80;40 ~44 08;43 ~55 88", "ㅊ": "40 41;03 83;43 ~45 08;45 ~56 88"},
    **{"ㅋ": "00 80 78;04 84", "ㅌ": "80 00 08 88;04 84", "ㅍ": "00 80;08 88;20 28;60 68"},
    **{"ㅎ": "40 41;02 82;@1488"},
    **{"ㅣ": "50 58", "ㅏ": "40 48;44 84", "ㅑ": "40 48;43 83;45 85"},
    **{"ㅓ": "60 68;14 64", "ㅕ": "60 68;13 63;15 65"},
    **{"ㅐ": "20 28;80 88;24 84", "ㅒ": "20 28;80 88;23 83;25 85"},
    **{"ㅔ": "40 48;80 88;04 44", "ㅖ": "40 48;80 88;03 43;05 45"},
    **{"ㅡ": "04 84", "ㅗ": "08 88;41 48", "ㅛ": "08 88;21 28;61 68"},
    **{"ㅜ": "01 81;41 48", "ㅠ": "01 81;21 28;61 68"},
}
# Left of an upright vowel these two lean away from it.
_LEANING = {"ㄱ": "00 80 ~84 18", "ㅋ": "00 80 ~84 18;04 74"}
_TWO = {
    **{
        "ㄲ": "ㄱㄱ",
        "ㄸ": "ㄷㄷ",
        "ㅃ": "ㅂㅂ",
        "ㅆ": "ㅅㅅ",
        "ㅉ": "ㅈㅈ",
        "ㄳ": "ㄱㅅ",
        "ㄵ": "ㄴㅈ",
    },
    **{
        "ㄶ": "ㄴㅎ",
        "ㄺ": "ㄹㄱ",
        "ㄻ": "ㄹㅁ",
        "ㄼ": "ㄹㅂ",
        "ㄽ": "ㄹㅅ",
        "ㄾ": "ㄹㅌ",
        "ㄿ": "ㄹㅍ",
    },
    **{
        "ㅀ": "ㄹㅎ",
        "ㅄ": "ㅂㅅ",
        "ㅘ": "ㅗㅏ",
        "ㅙ": "ㅗㅐ",
        "ㅚ": "ㅗㅣ",
        "ㅝ": "ㅜㅓ",
        "ㅞ": "ㅜㅔ",
    },
    **{"ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ"},
}
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_LYING = "ㅗㅛㅜㅠㅡ"
_FIRST, _LAST = "가", "힣"

# Of each shape, open and closed: the boxes of the initial, the lying vowel, the standing vowel and
# the final; None where it has none.
_OPEN: dict[str, tuple[Box, Box | None, Box | None]] = {
    "standing": ((10, 18, 50, 80), None, (60, 6, 94, 96)),
    "lying": ((24, 12, 76, 46), (6, 56, 94, 84), None),
    "both": ((12, 8, 54, 46), (6, 54, 62, 80), (66, 4, 96, 96)),
}
_CLOSED: dict[str, tuple[Box, Box | None, Box | None, Box]] = {
    "standing": ((12, 10, 50, 48), None, (58, 4, 92, 54), (22, 66, 88, 94)),
    "lying": ((24, 3, 76, 31), (6, 40, 94, 58), None, (22, 71, 78, 96)),
    "both": ((14, 3, 52, 31), (6, 40, 58, 57), (64, 4, 94, 58), (22, 70, 88, 96)),
}
_ALONE: dict[str, Box] = {
    "consonant": (18, 18, 80, 84),
    "standing": (30, 8, 72, 94),
    "lying": (8, 36, 92, 72),
}


def is_drawn(character: str) -> bool:
    """Whether `strokes` knows it: a modern syllable, or a modern letter standing alone."""
    return _FIRST <= character <= _LAST or character in _PENS or character in _TWO


def strokes(character: str, x: float, y: float, size: float) -> str:
    """Path data of one syllable or letter, to be drawn without filling.

    Args:
        character: one that `is_drawn`.
        x: left side of its block.
        y: upper side of its block.
        size: side of the block, in the same unit.
    """
    return "".join(
        _written(pens, tuple(size * edge / 100 for edge in box), x, y)
        for pens, box in _placed(character)
    )


def _placed(character: str) -> Iterator[tuple[str, Box]]:
    """What the pen writes of a character, and where."""
    if not _FIRST <= character <= _LAST:
        yield from _alone(character)
        return
    block, final = divmod(ord(character) - ord(_FIRST), len(_FINALS))
    first, second = divmod(block, len(_VOWELS))
    lying, standing = _vowel(_VOWELS[second])
    shape = "both" if lying and standing else "lying" if lying else "standing"
    boxes = _CLOSED[shape] if final else (*_OPEN[shape], None)
    yield from _consonant(_INITIALS[first], boxes[0], leaning=bool(standing))
    for letter, box in ((lying, boxes[1]), (standing, boxes[2])):
        if box is not None:
            yield _PENS[letter], box
    if boxes[3] is not None:
        yield from _consonant(_FINALS[final], boxes[3])


def _vowel(letter: str) -> tuple[str, str]:
    """Its lying and its standing part; "" for one that it lacks."""
    if letter in _TWO:
        return _TWO[letter][0], _TWO[letter][1]
    return (letter, "") if letter in _LYING else ("", letter)


def _consonant(letter: str, box: Box, *, leaning: bool = False) -> Iterator[tuple[str, Box]]:
    """One letter in a box, or two beside each other."""
    letters = _TWO.get(letter, letter)
    pens = _PENS | _LEANING if leaning else _PENS
    left, top, right, bottom = box
    width = (right - left) / (len(letters) + 0.25 * (len(letters) - 1))
    for place, one in enumerate(letters):
        begin = left + 1.25 * width * place
        yield pens[one], (begin, top, begin + width, bottom)


def _alone(letter: str) -> Iterator[tuple[str, Box]]:
    if letter not in _VOWELS:
        yield from _consonant(letter, _ALONE["consonant"])
        return
    lying, standing = _vowel(letter)
    boxes = _OPEN["both"] if lying and standing else (None, _ALONE["lying"], _ALONE["standing"])
    for part, box in ((lying, boxes[1]), (standing, boxes[2])):
        if part and box is not None:
            yield _PENS[part], box


def _written(pens: str, box: tuple[float, ...], x: float, y: float) -> str:
    """Path data of a letter stretched over a box."""
    left, top, right, bottom = box

    def at(place: str) -> str:
        across, down = int(place[0]) / 8, int(place[1]) / 8
        return f"{x + left + across * (right - left):.4g} {y + top + down * (bottom - top):.4g}"

    written = []
    for line in pens.split(";"):
        if line.startswith("@"):
            ring = [int(digit) / 8 for digit in line[1:]]
            wide, high = (ring[2] - ring[0]) * (right - left), (ring[3] - ring[1]) * (bottom - top)
            middle = y + top + (ring[1] + ring[3]) / 2 * (bottom - top)
            begin = x + left + ring[0] * (right - left)
            half = f"a{wide / 2:.4g} {high / 2:.4g} 0 1 1"
            written.append(f"M{begin:.4g} {middle:.4g}{half} {wide:.4g} 0{half} {-wide:.4g} 0")
            continue
        first, *others = line.split()
        written.append(f"M{at(first)}")
        bent = False
        for place in others:
            if place[0] == "~":
                written.append(f"Q{at(place[1:])} ")
            else:
                written.append(at(place) if bent else f"L{at(place)}")
            bent = place[0] == "~"
    return "".join(written)

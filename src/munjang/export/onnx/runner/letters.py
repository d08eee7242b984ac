"""Letters of words out of the vocabulary."""


def word_units(word: str, kind: str) -> list[int]:
    """Return the numbers of the letters or jamo of a word, with its boundaries."""
    points: list[int] = []
    for letter in word[:40]:
        number = ord(letter) - 0xAC00
        if kind == "jamo" and 0 <= number < 11172:
            lead, rest = divmod(number, 588)
            points += (0x1100 + lead, 0x1161 + rest // 28, 0x11A7 + rest % 28)
        else:
            points.append(ord(letter))
    return [1, *(point + 3 for point in points[:40]), 2]

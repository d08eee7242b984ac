"""Characters, jamo and bytes as tokens."""

from collections.abc import Iterator, Sequence

from munjang.export.onnx.runner.text import ENCODERS, OOV, UNKNOWN, Encoder, compose


class CharacterEncoder(Encoder):
    """One id per character."""

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids."""
        text = compose(text)
        return self.find(map(_lower, text) if self.settings["lower"] else text), []

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join characters."""
        return "".join(self.names(ids))


def _lower(character: str) -> str:
    """Return the lower case by Unicode's simple mapping: one character."""
    return {"\u0130": "i", "\u03a3": "\u03c3"}.get(character) or character.lower()


class JamoEncoder(Encoder):
    """Two or three ids per Hangul syllable, one per other character."""

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids."""
        return self.find(_jamo(compose(text))), []

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join jamo to syllables."""
        return compose("".join(self.names(ids)))


def _jamo(text: str) -> Iterator[str]:
    for character in text:
        number = ord(character) - 0xAC00
        if not 0 <= number < 11172:
            yield character
            continue
        lead, rest = divmod(number, 588)
        vowel, tail = divmod(rest, 28)
        yield chr(0x1100 + lead)
        yield chr(0x1161 + vowel)
        if tail:
            yield chr(0x11A7 + tail)


class ByteEncoder(Encoder):
    """One id per byte of UTF-8."""

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids."""
        return self.find(f"{byte:02x}" for byte in compose(text).encode()), []

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Decode bytes; what is no UTF-8 reads as U+FFFD."""
        return b"".join(
            UNKNOWN.encode() if number == OOV else bytes.fromhex(self.tokens[number])
            for number in ids
        ).decode(errors="replace")


ENCODERS |= {"characters": CharacterEncoder, "jamo": JamoEncoder, "bytes": ByteEncoder}

"""Characters and bytes."""

from tokenizers import Regex, decoders, pre_tokenizers

from munjang.export.hf.fast.stages import (
    ANY,
    JOINED,
    Stages,
    normalizers_of,
    number_tokens,
    word_level,
)
from munjang.export.hf.reading import Reading
from munjang.text.characters import CharacterTokenizer
from munjang.text.utf8_bytes import ByteTokenizer
from munjang.text.vocabulary import RESERVED


def describe_characters(tokenizer: CharacterTokenizer, reading: Reading) -> Stages | None:
    """Return the stages of a tokenizer of characters; None if it reads them in lower case."""
    if tokenizer.lower:
        return None
    each = pre_tokenizers.Split(Regex(ANY), "isolated")
    return Stages(word_level(number_tokens(reading)), normalizers_of(tokenizer), each, JOINED)


def describe_bytes(tokenizer: ByteTokenizer, reading: Reading) -> Stages | None:
    """Return the stages of a tokenizer of bytes; None if line breaks are tokens of their own."""
    if reading.line_breaks:
        return None
    letters = _byte_letters()
    learned = tokenizer.vocabulary.tokens[len(RESERVED) :]
    names = [*RESERVED, *(letters[int(token, 16)] for token in learned)]
    each = pre_tokenizers.Sequence(
        [
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            pre_tokenizers.Split(Regex(ANY), "isolated"),
        ]
    )
    model = word_level(number_tokens(reading, names))
    return Stages(model, normalizers_of(tokenizer), each, decoders.ByteLevel())


def _byte_letters() -> list[str]:
    """Return the letter of each byte in GPT-2's alphabet of bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in plain)
    letters = {byte: chr(byte) for byte in plain}
    letters |= {byte: chr(256 + number) for number, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]

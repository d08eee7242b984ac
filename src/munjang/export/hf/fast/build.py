"""Tokenizers in the JSON of the package `tokenizers`, which transformers loads as fast ones.

    normalizers -> pre-tokenizer -> model -> GO and EOS, and a decoder for the way back

One function per class of munjang. What this JSON cannot say, such as signs of capitals, jamo of
Hangul syllables, letters of unknown words, or pairs of an odd length, has the file of
`munjang.export.hf.slow_tokenizers` instead.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tokenizers import Regex, normalizers, processors
from tokenizers import Tokenizer as Library

from munjang.export.hf.fast.library import describe_library
from munjang.export.hf.fast.stages import LINE, Stages
from munjang.export.hf.fast.subwords import describe_subwords
from munjang.export.hf.fast.symbols import describe_bytes, describe_characters
from munjang.export.hf.fast.words import describe_words
from munjang.export.hf.reading import Reading
from munjang.text.characters import CharacterTokenizer
from munjang.text.huggingface.bert_wordpiece import BertWordPieceTokenizer
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.plain.blank import VISIBLE
from munjang.text.subwords.tokenizers import BpeTokenizer, UnigramTokenizer, WordPieceTokenizer
from munjang.text.utf8_bytes import ByteTokenizer
from munjang.text.vocabulary import EOS, GO
from munjang.text.words import WordTokenizer


def build_fast(reading: Reading) -> Library | None:
    """Return a tokenizer of the package `tokenizers` that reads texts as a model does.

    None if there is none.
    """
    describe = _DESCRIBED.get(type(reading.tokenizer))
    is_odd_pair = reading.kind == "two_texts" and (reading.longest - reading.added) % 2
    # transformers finds either all special tokens that a text spells, or none, so not [MASK] alone
    reads_masks = reading.masks is not None
    if reading.spelled_words or reading.has_signs or is_odd_pair or reads_masks:
        return None
    stages = None if describe is None else describe(reading.tokenizer, reading)
    if stages is None:
        return None
    library = Library(stages.model)
    library.normalizer = normalizers.Sequence([_empty_blanks(), *stages.normalizers])
    library.pre_tokenizer = stages.pre_tokenizer
    if stages.decoder is not None:
        library.decoder = stages.decoder
    ids = library.get_vocab()
    library.add_special_tokens([name for name in stages.special if name in ids])
    library.post_processor = _add_ends(reading, stages.special)
    if reading.longest < 10**9:
        library.enable_truncation(reading.longest)
    return library


def _empty_blanks() -> Any:
    """Return a normalizer that empties texts without visible characters."""
    invisible = VISIBLE.replace("[^\\s", f"[{_spaces()}", 1)
    return normalizers.Replace(Regex(rf"\A{invisible}+\z"), "")


def _spaces() -> str:
    """Return the white space of Python's `re`, of which other engines have other notions."""
    spaces = [chr(point) for point in range(0x3001) if chr(point).isspace()]
    return "".join(f"\\x{{{ord(space):X}}}" for space in spaces)


def _add_ends(reading: Reading, names: Sequence[str]) -> Any:
    """Return what puts GO and EOS around texts, and EOS before the first line."""
    go, eos = names[GO], names[EOS]
    single, pair = ["$A"], ["$A", "$B"]
    if reading.line_breaks:
        single, pair = [LINE, "$A"], [LINE, "$A", "$B"]
    if reading.add_go_eos:
        single, pair = [go, *single, eos], [go, *pair[:-1], eos, "$B", eos]
    ids = {go: GO, eos: EOS, LINE: EOS}
    known = {piece for piece in pair if piece in ids}
    return processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(name, ids[name]) for name in sorted(known)]
    )


_DESCRIBED: Mapping[type, Callable[[Any, Reading], Stages | None]] = {
    WordTokenizer: describe_words,
    CharacterTokenizer: describe_characters,
    ByteTokenizer: describe_bytes,
    BpeTokenizer: describe_subwords,
    UnigramTokenizer: describe_subwords,
    WordPieceTokenizer: describe_subwords,
    BertWordPieceTokenizer: describe_library,
    HuggingFaceTokenizer: describe_library,
}

"""Tokenizers in the JSON of the package `tokenizers`, which transformers loads as fast ones.

    normalizers -> pre-tokenizer -> model -> GO and EOS, and a decoder for the way back

One function per class of munjang. What this JSON cannot say, such as signs of capitals, jamo of
Hangul syllables, letters of unknown words, or pairs of an odd length, has the file of
`munjang.export.hf.slow_tokenizers` instead.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from munjang.export.hf.character_classes import class_ranges
from munjang.export.hf.reading import Reading
from munjang.export.onnx.runner.pieces import piece_class
from munjang.export.onnx.runner.words import word_class
from munjang.text.blank import VISIBLE
from munjang.text.characters import CharacterTokenizer
from munjang.text.huggingface.bert_wordpiece import BertWordPieceTokenizer
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.segmentation.segmenters import KERAS_FILTERS
from munjang.text.subwords.pretokens import LONGEST, SPACE_SIGN
from munjang.text.subwords.tokenizers import (
    BpeTokenizer,
    SubwordTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)
from munjang.text.utf8_bytes import ByteTokenizer
from munjang.text.vocabulary import EOS, GO, OOV, PAD, RESERVED
from munjang.text.words import WordTokenizer

_LINE = "\n"
# Characters that Unicode assigns to nothing; one of them stands for a ▁ in a text.
_NONCHARACTERS = [chr(point) for point in range(0xFDD0, 0xFDF0)]
_JOINED = decoders.Fuse()


@dataclass(frozen=True)
class Stages:
    """Stages of a tokenizer.

    Attributes:
        model: pre-tokens to ids.
        normalizers: applied to a text, in order.
        pre_tokenizer: cuts a text into pre-tokens.
        decoder: tokens to a text; None joins them by spaces.
        special: names of PAD, OOV, GO and EOS.
    """

    model: Any
    normalizers: Sequence[Any]
    pre_tokenizer: Any
    decoder: Any = None
    special: Sequence[str] = RESERVED


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
        single, pair = [_LINE, "$A"], [_LINE, "$A", "$B"]
    if reading.add_go_eos:
        single, pair = [go, *single, eos], [go, *pair[:-1], eos, "$B", eos]
    ids = {go: GO, eos: EOS, _LINE: EOS}
    known = {piece for piece in pair if piece in ids}
    return processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(name, ids[name]) for name in sorted(known)]
    )


def _normalize(tokenizer: Any) -> list[Any]:
    return [normalizers.NFC()] if getattr(tokenizer, "nfc", True) else []


def _ids(reading: Reading, names: Sequence[str] | None = None) -> dict[str, int]:
    """Return the ids of all tokens; where a line begins with EOS, a line break is that token."""
    tokens = list(names or reading.tokenizer.vocabulary.tokens)
    if reading.line_breaks:
        tokens[EOS] = _LINE
    return {token: number for number, token in enumerate(tokens)}


def _word_level(ids: Mapping[str, int]) -> Any:
    return models.WordLevel(dict(ids), unk_token=RESERVED[OOV])


# Words ------------------------------------------------------------------------------------------

_BEFORE_CLOSING = r" +(?=[.,!?;:%)\]}»”’…。、，！？」』])"
_AFTER_OPENING = r"(?<=[(\[{«“‘„「『]) +"


def _words(tokenizer: WordTokenizer, reading: Reading) -> Stages:
    lower = _lower_like_python() if tokenizer.lower else []
    if tokenizer.split == "keras":
        separators = re.escape(KERAS_FILTERS + " ").replace("\\\n", "\n")
        pattern = f"[^{separators}]+"
    else:
        classes = class_ranges(word_class)
        pattern = re.sub("[wmsfj]+", lambda run: "".join(classes[c] for c in run[0]), _WORD)
    if reading.line_breaks:
        pattern = f"{_LINE}|{pattern}"
    decoder = [
        decoders.WordPiece(prefix="##", cleanup=False),
        _JOINED,
        *(decoders.Replace(Regex(p), "") for p in (_BEFORE_CLOSING, _AFTER_OPENING)),
    ]
    return Stages(
        _word_level(_ids(reading)),
        [*_normalize(tokenizer), *lower],
        pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
        decoders.Sequence(decoder),
    )


# The pattern of `munjang.text.segmentation.one_text` with classes in brackets.
_WORD = "[m]*[w][wmfj]*|[m]+|[s](?:[mfj]|(?<=[j])[s])*+"


def _lower_like_python() -> list[Any]:
    """Return normalizers that lower-case as Python does, a capital sigma at the end of a word too.

    Unicode's rule "Final_Sigma": after a cased letter, and not before one; characters that have no
    case of their own, such as accents and apostrophes, do not count.
    """
    classes = class_ranges(_case_class)
    cased, ignored = classes["c"], classes["i"]
    before, after = rf"(?<=[{cased}][{ignored}]*)", rf"(?![{ignored}]*[{cased}])"
    return [normalizers.Replace(Regex(f"{before}\u03a3{after}"), "\u03c2"), normalizers.Lowercase()]


def _case_class(character: str) -> str:
    """Return c(ased), i(gnored) or o(ther), by what Python makes of a capital sigma behind it."""
    if (f"{character}\u03a3").lower().endswith("\u03c2"):
        return "c"
    return "i" if (f"A{character}\u03a3").lower().endswith("\u03c2") else "o"


# Characters and bytes ---------------------------------------------------------------------------

_ANY = "[\\s\\S]"


def _characters(tokenizer: CharacterTokenizer, reading: Reading) -> Stages | None:
    if tokenizer.lower:
        return None
    each = pre_tokenizers.Split(Regex(_ANY), "isolated")
    return Stages(_word_level(_ids(reading)), _normalize(tokenizer), each, _JOINED)


def _bytes(tokenizer: ByteTokenizer, reading: Reading) -> Stages | None:
    if reading.line_breaks:
        return None
    letters = _byte_letters()
    learned = tokenizer.vocabulary.tokens[len(RESERVED) :]
    names = [*RESERVED, *(letters[int(token, 16)] for token in learned)]
    each = pre_tokenizers.Sequence(
        [
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            pre_tokenizers.Split(Regex(_ANY), "isolated"),
        ]
    )
    model = _word_level(_ids(reading, names))
    return Stages(model, _normalize(tokenizer), each, decoders.ByteLevel())


def _byte_letters() -> list[str]:
    """Return the letter of each byte in GPT-2's alphabet of bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in plain)
    letters = {byte: chr(byte) for byte in plain}
    letters |= {byte: chr(256 + number) for number, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


# Subwords ---------------------------------------------------------------------------------------

# The pattern of `munjang.text.subwords.pretokens` with classes in brackets.
_PRETOKEN = "(?:[_][m]*)?(?:[L][Lm]*|[N][Nm]*|[P][Pm]*|[S][Sm]*|[B][Bm]*|[#][m]*)|[_][m]*"


def _subwords(tokenizer: SubwordTokenizer, reading: Reading) -> Stages:
    ids = _ids(reading)
    state = json.loads(json.dumps(tokenizer.to_json()["model"]))
    _rename_line(state["model"], reading)
    # a ▁ in a text is unknown, as the space for which it is exchanged has no token
    alphabet = set().union(*ids)
    unknown = next(c for c in _NONCHARACTERS if c not in alphabet)
    swaps = [
        normalizers.Replace(SPACE_SIGN, unknown),
        normalizers.Replace(" ", SPACE_SIGN),
        # every text, and every line of one, begins with a ▁
        normalizers.Replace(
            Regex(rf"\A(?=[^{_LINE}])" if reading.line_breaks else r"\A(?=.|\n)"), SPACE_SIGN
        ),
    ]
    classes = class_ranges(_piece_class_in_lines if reading.line_breaks else piece_class)
    pattern = re.sub(
        r"\[([^]]*)\]", lambda run: f"[{''.join(classes[c] for c in run[1])}]", _PRETOKEN
    )
    if reading.line_breaks:
        swaps.append(normalizers.Replace(Regex(f"{_LINE}(?=[^{_LINE}])"), _LINE + SPACE_SIGN))
        pattern = f"{_LINE}|{pattern}"
    cut = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.Split(Regex(f"{_ANY}{{1,{LONGEST}}}"), "isolated"),
        ]
    )
    mark = tokenizer.continuation
    unmark = [decoders.Replace(Regex(rf"\A{mark}"), "")] if mark else []
    decoder = decoders.Sequence(
        [*unmark, decoders.Replace(SPACE_SIGN, " "), _JOINED, decoders.Strip(" ", 1, 0)]
    )
    model = Library.from_str(json.dumps(state)).model
    return Stages(model, [*_normalize(tokenizer), *swaps], cut, decoder)


def _piece_class_in_lines(character: str) -> str:
    """Return the class of a character, with one of its own for line breaks."""
    return "n" if character == _LINE else piece_class(character)


def _rename_line(model: dict[str, Any], reading: Reading) -> None:
    """Name EOS by a line break, where a line begins with it."""
    if not reading.line_breaks:
        return
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        vocabulary[_LINE] = vocabulary.pop(RESERVED[EOS])
    else:
        vocabulary[EOS][0] = _LINE


# Tokenizers of the library ----------------------------------------------------------------------


def _library(tokenizer: LibraryTokenizer, reading: Reading) -> Stages | None:
    """Return the stages of a tokenizer of the library, with the ids of munjang."""
    if tokenizer.post_process or reading.line_breaks:
        return None
    state = tokenizer.library_state
    names = [tokenizer.special_tokens.get(name, name) for name in RESERVED]
    model = _renumber(state["model"], names, tokenizer.vocabulary.tokens[len(RESERVED) :])
    if model is None:
        return None
    bare = {**state, "model": model, "added_tokens": [], "post_processor": None}
    library = Library.from_str(json.dumps(bare))
    # munjang reads such a name in a text as OOV
    library.encode_special_tokens = True
    if any({PAD, GO, EOS} & set(library.encode(name).ids) for name in names):
        return None
    own = [] if library.normalizer is None else [library.normalizer]
    return Stages(library.model, own, library.pre_tokenizer, library.decoder, special=names)


def _renumber(
    model: Mapping[str, Any], names: Sequence[str], learned: Sequence[str]
) -> dict[str, Any] | None:
    """Return a model whose ids are those of munjang; None if it has tokens that munjang has not.

    Args:
        model: section `model` of a tokenizer.json.
        names: of PAD, OOV, GO and EOS.
        learned: all other tokens, in order.
    """
    ids = {token: number for number, token in enumerate([*names, *learned])}
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # unigram: pieces with scores
        scores = dict(map(tuple, vocabulary))
        if set(scores) != set(ids):
            return None
        return {**model, "vocab": [[token, scores[token]] for token in ids], "unk_id": OOV}
    if not set(vocabulary) <= set(ids):
        return None
    return {**model, "vocab": ids}


_DESCRIBED: Mapping[type, Callable[[Any, Reading], Stages | None]] = {
    WordTokenizer: _words,
    CharacterTokenizer: _characters,
    ByteTokenizer: _bytes,
    BpeTokenizer: _subwords,
    UnigramTokenizer: _subwords,
    WordPieceTokenizer: _subwords,
    BertWordPieceTokenizer: _library,
    HuggingFaceTokenizer: _library,
}

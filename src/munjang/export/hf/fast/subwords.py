"""Subwords that munjang trained."""

import json
import re
from typing import Any

from tokenizers import Regex, decoders, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Library

from munjang.export.hf.character_classes import class_ranges
from munjang.export.hf.fast.stages import ANY, JOINED, LINE, Stages, normalizers_of, number_tokens
from munjang.export.hf.reading import Reading
from munjang.text.plain.pretokens import LONGEST, SPACE_SIGN, find_pretoken_class
from munjang.text.subwords.tokenizers import SubwordTokenizer
from munjang.text.vocabulary import EOS, RESERVED

# Characters that Unicode assigns to nothing; one of them stands for a ▁ in a text.
_NONCHARACTERS = [chr(point) for point in range(0xFDD0, 0xFDF0)]
# The pattern of `munjang.text.plain.pretokens` with classes in brackets.
_PRETOKEN = "(?:[_][m]*)?(?:[L][Lm]*|[N][Nm]*|[P][Pm]*|[S][Sm]*|[B][Bm]*|[#][m]*)|[_][m]*"


def describe_subwords(tokenizer: SubwordTokenizer, reading: Reading) -> Stages:
    """Return the stages of a tokenizer of subwords that munjang trained."""
    ids = number_tokens(reading)
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
            Regex(rf"\A(?=[^{LINE}])" if reading.line_breaks else r"\A(?=.|\n)"), SPACE_SIGN
        ),
    ]
    classes = class_ranges(_class_in_lines if reading.line_breaks else find_pretoken_class)
    pattern = re.sub(
        r"\[([^]]*)\]", lambda run: f"[{''.join(classes[c] for c in run[1])}]", _PRETOKEN
    )
    if reading.line_breaks:
        swaps.append(normalizers.Replace(Regex(f"{LINE}(?=[^{LINE}])"), LINE + SPACE_SIGN))
        pattern = f"{LINE}|{pattern}"
    cut = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.Split(Regex(f"{ANY}{{1,{LONGEST}}}"), "isolated"),
        ]
    )
    mark = tokenizer.continuation
    unmark = [decoders.Replace(Regex(rf"\A{mark}"), "")] if mark else []
    decoder = decoders.Sequence(
        [*unmark, decoders.Replace(SPACE_SIGN, " "), JOINED, decoders.Strip(" ", 1, 0)]
    )
    model = Library.from_str(json.dumps(state)).model
    return Stages(model, [*normalizers_of(tokenizer), *swaps], cut, decoder)


def _class_in_lines(character: str) -> str:
    """Return the class of a character, with one of its own for line breaks."""
    return "n" if character == LINE else find_pretoken_class(character)


def _rename_line(model: dict[str, Any], reading: Reading) -> None:
    """Name EOS by a line break, where a line begins with it."""
    if not reading.line_breaks:
        return
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        vocabulary[LINE] = vocabulary.pop(RESERVED[EOS])
    else:
        vocabulary[EOS][0] = LINE

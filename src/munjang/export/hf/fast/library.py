"""Tokenizers of the package `tokenizers` itself, with the ids of munjang."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer as Library

from munjang.export.hf.fast.stages import Stages
from munjang.export.hf.reading import Reading
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.vocabulary import EOS, GO, OOV, PAD, RESERVED


def describe_library(tokenizer: LibraryTokenizer, reading: Reading) -> Stages | None:
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

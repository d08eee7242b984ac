"""A tokenizer of the library `tokenizers` with its special tokens and its vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer as Library

from munjang.errors import ConfigError
from munjang.text.huggingface.files import build_tokenizer, read_state, state_of
from munjang.text.huggingface.special_tokens import IdMap, find_special_tokens
from munjang.text.segmentation.codepoints import Bools
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary


@dataclass(frozen=True)
class LoadedTokenizer:
    """A tokenizer of the library.

    Attributes:
        library: encodes and decodes.
        special: its tokens by the reserved names that they stand for.
        map: between its ids and those of the project.
        vocabulary: the tokens by the project's ids.
        hidden: True for tokens that `decode` leaves out [vocabulary size].
    """

    library: Library
    special: dict[str, str]
    map: IdMap
    vocabulary: Vocabulary
    hidden: Bools


def load_file(file: str) -> LoadedTokenizer:
    """Read a tokenizer from a `tokenizer.json` or a folder that holds one.

    Raises:
        ConfigError: there is none, or it cannot be used; the file is named.
    """
    state = read_state(file)
    try:
        loaded = load_state(state)
        state_of(loaded.library)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    return loaded


def load_state(
    state: Mapping[str, Any], special: Mapping[str, Any] | None = None
) -> LoadedTokenizer:
    """Build the tokenizer of `state`.

    Args:
        state: values within the bounds.
        special: tokens by reserved name; found if None.

    Raises:
        ConfigError: the library refuses it.
    """
    library = build_tokenizer(state)
    ids = library.get_vocab(with_added_tokens=True)
    if special is None:
        found = find_special_tokens({**state_of(library), "padding": state.get("padding")}, ids)
    else:
        found = dict(special)
        if not set(found) <= set(RESERVED) or not all(
            isinstance(token, str) and token in ids for token in found.values()
        ):
            raise ConfigError("special_tokens: expected tokens of the tokenizer by reserved name")
    between = IdMap.build(ids, found)
    hidden = np.zeros(len(between.tokens), dtype=np.bool_)
    for number, token in library.get_added_tokens_decoder().items():
        if token.special and between.ours[number] != OOV:
            hidden[between.ours[number]] = True
    counts = np.zeros(len(between.tokens), dtype=np.int64)
    return LoadedTokenizer(library, found, between, Vocabulary(between.tokens, counts), hidden)

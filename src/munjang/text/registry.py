"""Registry of tokenizers by name. Each is imported on first use."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, cast, get_type_hints

import numpy as np
import polars as pl
from pydantic import TypeAdapter, ValidationError

from munjang.config import shown, suggest_nearest
from munjang.errors import ConfigError, FolderError
from munjang.text.columns import values_and_offsets
from munjang.text.rows import TOKENIZERS
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

# The size of their vocabulary is chosen; that of the others depends on the texts.
SUBWORDS = ("bpe", "unigram", "wordpiece")


def tokenizer_class(name: str) -> type[Tokenizer]:
    """Return the class of a tokenizer.

    Raises:
        ConfigError: an unknown name; the message suggests the nearest known one.
    """
    if name not in TOKENIZERS:
        known = ", ".join(TOKENIZERS)
        raise ConfigError(
            f"unknown tokenizer {name!r}{suggest_nearest(str(name), TOKENIZERS)}; known: {known}"
        )
    module, _, attribute = TOKENIZERS[name].partition(":")
    return cast(type[Tokenizer], getattr(import_module(module), attribute))


def make_tokenizer(name: str, **settings: Any) -> Tokenizer:
    """Create a tokenizer that is not fitted yet.

    Args:
        name: one of `TOKENIZERS`.
        settings: the keyword arguments of its class.

    Raises:
        ConfigError: an unknown name, an unknown setting, or a value that a setting cannot take.
    """
    return tokenizer_class(name)(**check_settings(name, settings))


def check_settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the settings of a tokenizer to the types that its class takes.

    For example YAML's `no` and the string `"no"` become False.

    Raises:
        ConfigError: as `make_tokenizer`.
    """
    wanted = tokenizer_class(name)
    known = [key for key in inspect.signature(wanted).parameters if key != "self"]
    kinds = get_type_hints(wanted.__init__)
    checked: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in known:
            raise ConfigError(
                f"tokenizer {name!r} has no setting {key!r}{suggest_nearest(str(key), known)}; "
                f"known: {', '.join(known) or 'none'}"
            )
        try:
            checked[key] = TypeAdapter(kinds[key]).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise ConfigError(
                f"tokenizer {name!r}: {key}: {reason[:1].lower()}{reason[1:]}, got {shown(value)}"
            ) from None
    return checked


def recount(tokenizer: Tokenizer, texts: pl.Series) -> Tokenizer:
    """Return a tokenizer whose vocabulary has the counts of its tokens in a column of texts."""
    ids, _ = values_and_offsets(tokenizer.encode(texts))
    counts = np.bincount(ids, minlength=tokenizer.vocabulary.size)
    dropped = int(counts[OOV])
    counts[: len(RESERVED)] = 0
    vocabulary = replace(tokenizer.vocabulary, counts=counts, dropped=dropped)
    return tokenizer_from_json(tokenizer.to_json(), vocabulary)


def tokenizer_from_json(state: Mapping[str, Any], vocabulary: Vocabulary) -> Tokenizer:
    """Restore a tokenizer from the result of its `to_json`.

    Raises:
        FolderError: the state names no known tokenizer, or is not a valid state of it.
    """
    name = state.get("name") if isinstance(state, Mapping) else None
    if not isinstance(name, str) or name not in TOKENIZERS:
        raise FolderError(
            f"tokenizer.json: unknown tokenizer {str(name)[:80]!r}; this version has "
            f"{', '.join(TOKENIZERS)}"
        )
    return tokenizer_class(name).from_json(dict(state), vocabulary)

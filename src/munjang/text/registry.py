"""All training tokenizers by name. Each is imported when it is asked for, and not before."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from munjang.config import nearest, shown
from munjang.errors import ConfigError, FolderError
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary

TOKENIZERS: dict[str, str] = {
    "words": "munjang.text.words:WordTokenizer",
    "characters": "munjang.text.characters:CharacterTokenizer",
    "jamo": "munjang.text.jamo:JamoTokenizer",
    "morphemes": "munjang.text.morphemes:MorphemeTokenizer",
    "bpe": "munjang.text.subwords.tokenizers:BpeTokenizer",
    "unigram": "munjang.text.subwords.tokenizers:UnigramTokenizer",
    "wordpiece": "munjang.text.subwords.tokenizers:WordPieceTokenizer",
    "huggingface": "munjang.text.huggingface.tokenizer:HuggingFaceTokenizer",
}


# Their vocabulary is as large as one likes; that of the others is what stands in the text.
SUBWORDS = ("bpe", "unigram", "wordpiece")


def tokenizer_class(name: str) -> type[Tokenizer]:
    """The class of that name; `ConfigError` names the nearest when there is none."""
    if name not in TOKENIZERS:
        known = ", ".join(TOKENIZERS)
        raise ConfigError(
            f"unknown tokenizer {name!r}{nearest(str(name), TOKENIZERS)}; known: {known}"
        )
    module, _, attribute = TOKENIZERS[name].partition(":")
    return cast(type[Tokenizer], getattr(import_module(module), attribute))


def make_tokenizer(name: str, **settings: Any) -> Tokenizer:
    """A fresh tokenizer, to be fitted.

    Args:
        name: one of `TOKENIZERS`.
        settings: the keyword arguments of its class.

    Raises:
        ConfigError: an unknown name, an unknown setting, or a value that a setting cannot take.
    """
    return tokenizer_class(name)(**checked_settings(name, settings))


def checked_settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a tokenizer as its class takes them: YAML's `no` or `"no"` is False.

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
                f"tokenizer {name!r} has no setting {key!r}{nearest(str(key), known)}; "
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


def tokenizer_from_json(state: Mapping[str, Any], vocabulary: Vocabulary) -> Tokenizer:
    """The tokenizer that its `to_json` described.

    Raises:
        FolderError: the state names no tokenizer, or lacks something its tokenizer needs.
    """
    name = state.get("name") if isinstance(state, Mapping) else None
    if not isinstance(name, str) or name not in TOKENIZERS:
        raise FolderError(
            f"tokenizer.json names the tokenizer {str(name)[:80]!r}; this version knows "
            f"{', '.join(TOKENIZERS)}"
        )
    return tokenizer_class(name).from_json(dict(state), vocabulary)

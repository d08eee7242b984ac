"""Sentences of a page in English or Korean.

The English sentence is the key, as in gettext; a language without it shows it in English.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from munjang.errors import ConfigError
from munjang.report.korean import KOREAN

_SENTENCES: Mapping[str, Mapping[str, str]] = {"en": {}, "ko": KOREAN}
LANGUAGES = tuple(_SENTENCES)


class Translate(Protocol):
    """A function that translates."""

    def __call__(self, sentence: str, /, **values: object) -> str:
        """Return a sentence in the language of the page, with its values."""


def translator(language: str) -> Translate:
    """Return the function that translates sentences.

    Args:
        language: en or ko.

    Raises:
        ConfigError: there is no such language.
    """
    known = _SENTENCES.get(language)
    if known is None:
        raise ConfigError(f"language: expected {' or '.join(LANGUAGES)}, got {language!r}")

    def translate(sentence: str, /, **values: object) -> str:
        return known.get(sentence, sentence).format(**values)

    return translate


english: Callable[..., str] = translator("en")

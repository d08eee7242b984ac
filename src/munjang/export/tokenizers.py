"""Tokenizers as files that runners read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munjang.errors import ConfigError
from munjang.folder.save import to_json
from munjang.text.characters import CharacterTokenizer
from munjang.text.huggingface.bert_wordpiece import BertWordPieceTokenizer
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.jamo import JamoTokenizer
from munjang.text.subwords.tokenizers import (
    BpeTokenizer,
    SubwordTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)
from munjang.text.tokenizer import Tokenizer
from munjang.text.utf8_bytes import ByteTokenizer
from munjang.text.words import WordTokenizer

VOCABULARY, LIBRARY = "vocabulary.json", "tokenizer.json"


@dataclass(frozen=True)
class Described:
    """A tokenizer for a runner.

    Attributes:
        settings: its settings in `munjang.json`.
        library: content of the file `tokenizer.json`; None without one.
        tokens: all tokens, by their ids.
    """

    settings: dict[str, Any]
    library: str | None
    tokens: Sequence[str]

    def files(self, prefix: str = "") -> dict[str, str]:
        """Return the content of files by name, which begins with a prefix."""
        library = {} if self.library is None else {f"{prefix}{LIBRARY}": self.library}
        return {f"{prefix}{VOCABULARY}": to_json(list(self.tokens)), **library}


def describe_tokenizer(tokenizer: Tokenizer, spelled: str | None = None) -> Described:
    """Return what a runner needs to encode as a tokenizer does.

    Args:
        tokenizer: fitted tokenizer.
        spelled: units by which words out of vocabulary are read, letters or jamo; None: they are
            not.

    Raises:
        ConfigError: the tokenizer needs a package that runners do without.
    """
    describe = _DESCRIBED.get(type(tokenizer))
    if describe is None:
        raise ConfigError(
            f"export: the tokenizer {tokenizer.name} needs more than the package tokenizers; train "
            "with another one, such as --tokenizer bpe"
        )
    settings, library = describe(tokenizer)
    if spelled is not None:
        settings = {**settings, "name": f"{settings['name']}, spelled", "units": spelled}
    return Described(settings, library, tokenizer.vocabulary.tokens)


def _describe_own(tokenizer: Any) -> tuple[dict[str, Any], None]:
    return tokenizer.to_json(), None


def _describe_words(tokenizer: WordTokenizer) -> tuple[dict[str, Any], None]:
    name = "words with capitals" if tokenizer.capitals else "words"
    name = "words of Keras" if tokenizer.split == "keras" else name
    return {"name": name, "nfc": tokenizer.nfc, "lower": tokenizer.lower}, None


def _describe_subwords(tokenizer: SubwordTokenizer) -> tuple[dict[str, Any], str]:
    settings = {"name": "subwords", "continuation": tokenizer.continuation}
    return settings, to_json(tokenizer.to_json()["model"])


def _describe_library(tokenizer: LibraryTokenizer) -> tuple[dict[str, Any], str]:
    settings = {
        "name": "library",
        "post_process": tokenizer.post_process,
        "ids": tokenizer.project_ids.tolist(),
        "hidden": tokenizer.hidden_ids.tolist(),
        "decodes": isinstance(tokenizer, HuggingFaceTokenizer),
    }
    return settings, to_json(tokenizer.library_state)


_DESCRIBED: Mapping[type, Callable[[Any], tuple[dict[str, Any], str | None]]] = {
    WordTokenizer: _describe_words,
    CharacterTokenizer: _describe_own,
    JamoTokenizer: _describe_own,
    ByteTokenizer: _describe_own,
    BpeTokenizer: _describe_subwords,
    UnigramTokenizer: _describe_subwords,
    WordPieceTokenizer: _describe_subwords,
    BertWordPieceTokenizer: _describe_library,
    HuggingFaceTokenizer: _describe_library,
}

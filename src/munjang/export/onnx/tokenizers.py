"""Tokenizers as files that the runner reads."""

from collections.abc import Callable, Mapping
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
    """A tokenizer for the runner.

    Attributes:
        settings: section `tokenizer` of `munjang.json`.
        files: content of files by name.
    """

    settings: dict[str, Any]
    files: dict[str, str]


def describe_tokenizer(
    tokenizer: Tokenizer, prefix: str = "", *, command: str = "export onnx"
) -> Described:
    """Return what the runner needs to encode as a tokenizer does.

    Args:
        tokenizer: fitted tokenizer.
        prefix: of the names of the files.
        command: named in the error.

    Raises:
        ConfigError: the tokenizer needs a package that the runner does not have.
    """
    describe = _DESCRIBED.get(type(tokenizer))
    if describe is None:
        raise ConfigError(
            f"{command}: the tokenizer {tokenizer.name} needs more than the packages numpy, "
            "onnxruntime and tokenizers; train with another one, such as --tokenizer bpe"
        )
    described = describe(tokenizer)
    vocabulary = to_json(list(tokenizer.vocabulary.tokens))
    written = {VOCABULARY: vocabulary, **described.files}
    return Described(described.settings, {f"{prefix}{n}": text for n, text in written.items()})


def _describe_own(tokenizer: Any) -> Described:
    return Described(tokenizer.to_json(), {})


def _describe_subwords(tokenizer: SubwordTokenizer) -> Described:
    model = tokenizer.to_json()["model"]
    settings = {"name": "subwords", "continuation": tokenizer.continuation}
    return Described(settings, {LIBRARY: to_json(model)})


def _describe_library(tokenizer: LibraryTokenizer) -> Described:
    settings = {
        "name": "library",
        "post_process": tokenizer.post_process,
        "ids": tokenizer.project_ids.tolist(),
        "hidden": tokenizer.hidden_ids.tolist(),
        "decodes": isinstance(tokenizer, HuggingFaceTokenizer),
    }
    return Described(settings, {LIBRARY: to_json(tokenizer.library_state)})


_DESCRIBED: Mapping[type, Callable[[Any], Described]] = {
    WordTokenizer: _describe_own,
    CharacterTokenizer: _describe_own,
    JamoTokenizer: _describe_own,
    ByteTokenizer: _describe_own,
    BpeTokenizer: _describe_subwords,
    UnigramTokenizer: _describe_subwords,
    WordPieceTokenizer: _describe_subwords,
    BertWordPieceTokenizer: _describe_library,
    HuggingFaceTokenizer: _describe_library,
}

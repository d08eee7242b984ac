"""The tables of classes that a runner is made of, by the names in `munjang.json`.

A runner in an exported folder has those that it needs; in a process with munjang they are imported.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

_PACKAGE = "munjang.runners"
TOKENIZERS: Mapping[str, str] = {
    "words": f"{_PACKAGE}.words:WordTokenizer",
    "words of Keras": f"{_PACKAGE}.words:KerasTokenizer",
    "words with capitals": f"{_PACKAGE}.words:CapitalsTokenizer",
    "words, spelled": f"{_PACKAGE}.spelling:SpellingWordTokenizer",
    "words of Keras, spelled": f"{_PACKAGE}.spelling:SpellingKerasTokenizer",
    "words with capitals, spelled": f"{_PACKAGE}.spelling:SpellingCapitalsTokenizer",
    "characters": f"{_PACKAGE}.symbols:CharacterTokenizer",
    "jamo": f"{_PACKAGE}.symbols:JamoTokenizer",
    "bytes": f"{_PACKAGE}.symbols:ByteTokenizer",
    "subwords": f"{_PACKAGE}.pieces:SubwordTokenizer",
    "library": f"{_PACKAGE}.pieces:LibraryTokenizer",
}
INPUTS: Mapping[str, str] = {
    "text": f"{_PACKAGE}.rows:Reader",
    "two_texts": f"{_PACKAGE}.pairs:PairReader",
}
TASKS: Mapping[str, str] = {
    "classify": f"{_PACKAGE}.onnx.labels:Classifier",
    "multilabel": f"{_PACKAGE}.onnx.labels:MultilabelModel",
    "regress": f"{_PACKAGE}.onnx.labels:Regressor",
    "similarity": f"{_PACKAGE}.onnx.vectors:SimilarityModel",
    "masked_lm": f"{_PACKAGE}.onnx.masks:MaskedModel",
    "language": f"{_PACKAGE}.onnx.language:LanguageModel",
    "translate": f"{_PACKAGE}.onnx.translation:TranslationModel",
}


def find_tokenizers(*settings: Mapping[str, Any] | None) -> list[str]:
    """Return the classes of tokenizers with some settings, as `module:class`.

    Raises:
        KeyError: there is no such class.
    """
    return [TOKENIZERS[given["name"]] for given in settings if given is not None]


def find_classes(card: Mapping[str, Any]) -> list[str]:
    """Return the classes for the content of a `munjang.json` of ONNX, as `module:class`.

    Raises:
        KeyError: there is no such class.
    """
    tokenizers = find_tokenizers(card["tokenizer"], card.get("target_tokenizer"))
    return [*tokenizers, INPUTS[card["input"]["kind"]], TASKS[card["task"]]]


def import_classes(names: Iterable[str]) -> None:
    """Import classes, which adds them to the tables of this process."""
    for name in names:
        import_module(name.partition(":")[0])

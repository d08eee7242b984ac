"""Tokenizers as a file of Python of their own, for what `munjang.export.hf.fast` cannot say."""

from typing import Any

from munjang.export.compose import join_modules
from munjang.export.hf.reading import Reading
from munjang.export.tokenizers import describe_tokenizer
from munjang.runners.classes import INPUTS, find_tokenizers

FILE = "tokenization_munjang"
_PARTS = "munjang.export.hf.tokenization"
_TITLE = "The tokenizer of a model that munjang exported, for transformers."
# More tokens than a text has.
_ENDLESS = 10**12


def describe_slow(reading: Reading) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files of a tokenizer, and what tokenizer_config.json says of it.

    Raises:
        ConfigError: the tokenizer needs a package that the file does without.
    """
    described = describe_tokenizer(reading.tokenizer, reading.spelled_words)
    part, name = _choose(reading)
    wanted = [
        *find_tokenizers(described.settings),
        INPUTS[reading.kind],
        f"{_PARTS}.{part}:{name}",
    ]
    settings = {
        "auto_map": {"AutoTokenizer": [f"{FILE}.{name}", None]},
        "tokenizer_class": name,
        "encoder": {**described.settings, "masks": reading.masks},
        "reader": {
            "kind": reading.kind,
            "reading": "joined",
            "max_length": reading.max_length or _ENDLESS,
            "max_tokens": reading.max_tokens,
            "add_go_eos": reading.add_go_eos,
            "line_breaks": reading.line_breaks,
            "added": reading.added,
        },
    }
    return {**described.files(), f"{FILE}.py": join_modules(_TITLE, wanted)}, settings


def _choose(reading: Reading) -> tuple[str, str]:
    """Return the part and the class of the tokenizer."""
    if reading.masks is not None:
        return "masks", "MunjangMaskTokenizer"
    if reading.spelled_words is not None:
        return "spelling", "MunjangSpellingTokenizer"
    return "tokenizer", "MunjangTokenizer"

"""Inputs as settings that the runner reads."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.errors import ConfigError
from munjang.inputs.text import TextInput
from munjang.inputs.two_texts import TwoTextsInput
from munjang.layers.subword_table import SubwordTable
from munjang.model import Model
from munjang.text.words import WordTokenizer


def describe_input(model: Model) -> dict[str, Any]:
    """Return the section `input` of `munjang.json`.

    Raises:
        ConfigError: the runner reads no such rows.
    """
    describe = _DESCRIBED.get(type(model.input))
    if describe is None:
        raise ConfigError(
            f"export onnx: the runner reads texts, and the input of this model is "
            f"{model.recipe.input}"
        )
    return describe(model)


def _describe_text(model: Model) -> dict[str, Any]:
    encoding = model.input.encoding  # type: ignore[attr-defined]
    kept = ("max_length", "max_tokens", "add_go_eos", "line_breaks")
    return {
        "kind": "text",
        **{name: encoding[name] for name in kept},
        "spelled_words": _find_units(model),
    }


def _describe_two_texts(model: Model) -> dict[str, Any]:
    reading = model.recipe.section("two_texts").reading
    return {**_describe_text(model), "kind": "two_texts", "reading": reading}


def _find_units(model: Model) -> str | None:
    """Return the units of character n-grams of words out of the vocabulary; None without any."""
    if not isinstance(model.input.tokenizer, WordTokenizer):  # type: ignore[attr-defined]
        return None
    tables = (m for m in model.network.modules() if isinstance(m, SubwordTable))
    return next((table.units for table in tables), None)


_DESCRIBED: Mapping[type, Callable[[Model], dict[str, Any]]] = {
    TextInput: _describe_text,
    TwoTextsInput: _describe_two_texts,
}

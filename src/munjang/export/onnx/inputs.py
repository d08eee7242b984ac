"""Inputs as settings that the runner reads."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.errors import ConfigError
from munjang.inputs.lines import LinesInput
from munjang.inputs.parallel import ParallelInput
from munjang.inputs.stream import StreamInput
from munjang.inputs.text import TextInput
from munjang.inputs.two_texts import TwoTextsInput
from munjang.layers.subword_table import SubwordTable
from munjang.model import Model
from munjang.text.tokenizer import Tokenizer
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


def source_tokenizer(model: Model) -> Tokenizer:
    """Return the tokenizer of the texts that a model reads."""
    if isinstance(model.input, ParallelInput):
        return model.input.tokenizers.source
    tokenizer: Tokenizer = model.input.tokenizer  # type: ignore[attr-defined]
    return tokenizer


def target_tokenizer(model: Model) -> Tokenizer | None:
    """Return the tokenizer of the texts that a model writes; None if it is the same one."""
    if not isinstance(model.input, ParallelInput) or model.input.tokenizers.shared:
        return None
    return model.input.tokenizers.target


def _describe_text(model: Model) -> dict[str, Any]:
    encoding = model.input.encoding  # type: ignore[attr-defined]
    kept = ("max_length", "max_tokens", "add_go_eos", "line_breaks")
    return {"kind": "text", **{name: encoding[name] for name in kept}}


def _describe_two_texts(model: Model) -> dict[str, Any]:
    reading = model.recipe.section("two_texts").reading
    return {**_describe_text(model), "kind": "two_texts", "reading": reading}


def _describe_stream(model: Model) -> dict[str, Any]:
    """Return no limits: a text of any length is read, in lines."""
    return {"kind": "text"}


def _describe_parallel(model: Model) -> dict[str, Any]:
    settings = model.recipe.section("tokenizer")
    if settings.long_sources == "refuse":
        raise ConfigError(
            "tokenizer.long_sources: export onnx truncates long sources, and this model refuses "
            "them; train with --set tokenizer.long_sources=truncate"
        )
    return {
        "kind": "text",
        "max_length": settings.source.max_length,
        "max_tokens": None,
        "add_go_eos": False,
        "line_breaks": False,
    }


def find_spelling(model: Model) -> str | None:
    """Return the units by which words out of the vocabulary are read; None if they are not."""
    # a tokenizer that reads masks spells no words
    is_spelled = isinstance(model.reader, TextInput) and isinstance(
        model.reader.tokenizer, WordTokenizer
    )
    if not is_spelled:
        return None
    tables = (m for m in model.network.modules() if isinstance(m, SubwordTable))
    return next((table.units for table in tables), None)


_DESCRIBED: Mapping[type, Callable[[Model], dict[str, Any]]] = {
    TextInput: _describe_text,
    LinesInput: _describe_text,
    StreamInput: _describe_stream,
    ParallelInput: _describe_parallel,
    TwoTextsInput: _describe_two_texts,
}

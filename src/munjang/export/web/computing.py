"""Networks on a page, whether its own program or onnxruntime-web computes them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from munjang.export.web.arrays import Arrays
from munjang.export.web.networks import NetworkWriter
from munjang.export.web.rounding import round_tables
from munjang.model import Model


@dataclass(frozen=True)
class Computing:
    """A network on a page.

    Attributes:
        description: of the network, with the numbers of its arrays.
        logits: returns the logits [texts, outputs] that the page computes.
        weights: bytes of the weights.
        library: JavaScript that the program of the page needs; "" if none.
        facts: what is told of the weights and of the library, by the keys of sentences.
    """

    description: dict[str, Any]
    logits: Callable[[list[str]], Tensor]
    weights: int
    library: str
    facts: dict[str, str]


def compute_with_arrays(model: Model, arrays: Arrays) -> Computing:
    """Return a network that the page's own program computes.

    Raises:
        ConfigError: it cannot compute a part of the network.
    """
    shown = replace(model, network=round_tables(model.network)) if arrays.int8 else model
    tokens = model.input.tokenizer.vocabulary.tokens  # type: ignore[attr-defined]
    description = NetworkWriter(arrays, tokens, model.recipe.model).describe(shown.network)
    facts = {"weights": "int8" if arrays.int8 else "float32"}
    return Computing(description, shown.logits, arrays.size, "", facts)

"""Texts of a request, as the model takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from munjang.serving.models import ServedModel
from munjang.serving.request_errors import invalid


@dataclass(frozen=True)
class Inputs:
    """Values of a request.

    Attributes:
        values: a text or a pair of texts each.
        is_single: whether one value was given, and not a list of them.
    """

    values: Sequence[Any]
    is_single: bool

    def like_request(self, results: Sequence[Any]) -> Any:
        """Return the only result of a single value, else the list."""
        return results[0] if self.is_single else list(results)


def read_inputs(served: ServedModel, inputs: Any, *, one_by_one: bool = False) -> Inputs:
    """Return the values of `inputs`.

    Args:
        served: the model.
        inputs: a text or a list; of a model of two texts [first, second] or a list of these.
        one_by_one: the model reads each text on its own, whatever its rows are.

    Raises:
        RequestError: another shape.
    """
    if not one_by_one and served.description.reads_pairs:
        return _read_pairs(inputs)
    if isinstance(inputs, str):
        return Inputs([inputs], is_single=True)
    for place, text in enumerate(inputs):
        if not isinstance(text, str):
            raise invalid(
                f"inputs[{place}]: expected a text, got a list; only a model of two texts per row "
                f"takes lists, and {served.name} is none"
            )
    return Inputs(inputs, is_single=False)


def _read_pairs(inputs: Any) -> Inputs:
    if isinstance(inputs, str):
        raise invalid("inputs: expected two texts [first, second], got one text")
    if len(inputs) == 2 and all(isinstance(text, str) for text in inputs):
        return Inputs([tuple(inputs)], is_single=True)
    for place, pair in enumerate(inputs):
        if isinstance(pair, str) or len(pair) != 2:
            got = "one text" if isinstance(pair, str) else f"{len(pair)} texts"
            raise invalid(f"inputs[{place}]: expected two texts [first, second], got {got}")
    return Inputs([tuple(pair) for pair in inputs], is_single=False)

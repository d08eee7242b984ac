"""Kinds of exported models, by the module that their network ends in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from munjang.errors import ConfigError
from munjang.export.onnx.graph import Array, Graph
from munjang.export.onnx.layers.tokens import add_tokens, add_words
from munjang.export.onnx.munjang_onnx import Model as Runner
from munjang.export.onnx.samples import sample_values
from munjang.export.onnx.writers import WRITERS
from munjang.model import Model
from munjang.models.pair_encoder import PairEncoder
from munjang.tasks.heads import Ensemble, Head, LinearEnsemble, TwoTowers


@dataclass(frozen=True)
class Kind:
    """A kind of exported models.

    Attributes:
        graphs: names of the graphs, as the runner knows them, with the functions that write them:
            (network, whether words are spelled, whether in 8 bits) -> file.
        values: values to check it on: (model, rows of data) -> values.
        expected: outputs of the network [rows, ...], to compare with.
        found: outputs of the exported model [rows, ...].
    """

    graphs: Mapping[str, Callable[[Any, bool, bool], bytes]]
    values: Callable[[Model, Sequence[Any]], Sequence[Any]]
    expected: Callable[[Model, Sequence[Any]], Array]
    found: Callable[[Runner, Sequence[Any]], Array]

    @property
    def files(self) -> dict[str, str]:
        """File of each graph."""
        names = list(self.graphs)
        return {name: "model.onnx" if len(names) == 1 else f"{name}.onnx" for name in names}

    def write(self, network: nn.Module, *, spells_words: bool, int8: bool) -> dict[str, bytes]:
        """Return the graphs as files by name.

        Raises:
            ConfigError: a part of the network cannot be written; it is named.
        """
        files = self.files
        return {
            files[name]: write(network, spells_words, int8) for name, write in self.graphs.items()
        }


def find_kind(network: nn.Module) -> Kind:
    """Return the kind of a network.

    Raises:
        ConfigError: there is none.
    """
    kind = KINDS.get(type(network))
    if kind is None:
        raise ConfigError(
            f"export onnx: networks that end in {type(network).__name__} are not written (yet)"
        )
    return kind


def _write_logits(network: nn.Module, spells_words: bool, int8: bool) -> bytes:
    graph = Graph("logits", WRITERS, int8=int8)
    words = add_words(graph) if spells_words else None
    is_apart = any(isinstance(module, PairEncoder) for module in network.modules())
    prefixes = ("first_", "second_") if is_apart else ("",)
    sides = [add_tokens(graph, prefix, words) for prefix in prefixes]
    logits = graph.write(network, *sides)
    graph.output(logits, "logits", np.float32, ["batch", "outputs"])
    return graph.to_bytes()


def _write_vectors(network: TwoTowers, spells_words: bool, int8: bool) -> bytes:
    graph = Graph("vectors", WRITERS, int8=int8)
    words = add_words(graph) if spells_words else None
    vectors = graph.write(network, add_tokens(graph, words=words))
    graph.output(vectors, "vectors", np.float32, ["batch", "dim"])
    return graph.to_bytes()


LOGITS = Kind(
    {"logits": _write_logits},
    sample_values,
    lambda model, values: model.logits(values).numpy(),
    lambda runner, values: runner.outputs(values)[0],
)
# Each text has a vector of its own, also of a pair.
VECTORS = Kind(
    {"vectors": _write_vectors},
    lambda model, rows: [text for pair in sample_values(model, rows) for text in pair],
    lambda model, values: model.embed(values, normalize=True),
    lambda runner, values: runner.embed(values),
)

KINDS: Mapping[type[nn.Module], Kind] = {
    Head: LOGITS,
    Ensemble: LOGITS,
    LinearEnsemble: LOGITS,
    TwoTowers: VECTORS,
}

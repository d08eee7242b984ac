"""Kinds of exported models, by the module that their network ends in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.export.onnx import language, translation
from munjang.export.onnx.graph import Array, Graph
from munjang.export.onnx.layers.pooling import POOLINGS
from munjang.export.onnx.layers.tokens import Tokens, add_tokens, add_words
from munjang.export.onnx.samples import mask_words, sample_texts, sample_values
from munjang.export.onnx.writers import WRITERS
from munjang.model import Model
from munjang.models.language.gru import GruLanguage
from munjang.models.language.lstm import LstmLanguage
from munjang.models.language.rnn import RnnLanguage
from munjang.models.language.transformer import TransformerLanguage
from munjang.models.pair_encoder import PairEncoder
from munjang.models.sequence_to_sequence.attentive import Attentive
from munjang.models.sequence_to_sequence.seq2seq import Seq2Seq
from munjang.models.sequence_to_sequence.transformer import TransformerEncoderDecoder
from munjang.models.vectors import GivesStates
from munjang.tasks.heads import (
    Ensemble,
    Head,
    LinearEnsemble,
    MaskedHead,
    TwoTowers,
    find_encoders,
)
from munjang.tasks.vectors import resolve_pooling
from munjang.text.columns import values_and_offsets
from munjang.text.masks import MASKED
from munjang.text.vocabulary import GO, RESERVED

# The runner of an exported model, as `munjang_onnx.load` returns it.
Runner = Any
# Poolings of the states of an encoder; see `munjang.models.vectors`.
POOLED_STATES = {name: POOLINGS[name] for name in ("mean", "first", "max")}
# Tokens of the made-up answers that an encoder-decoder reads.
_ANSWER = 6


@dataclass(frozen=True)
class Kind:
    """A kind of exported models.

    Attributes:
        graphs: functions that write the graphs, by the name that the runner knows: (network, graph,
            whether words out of the vocabulary come with their letters).
        values: values to check it on: (model, rows of data) -> values.
        requests: values to answer, whose time is measured: model -> values.
        expected: outputs of the network [rows, ...], to compare with.
        found: outputs of the exported model [rows, ...].
        facts: what the runner knows of the network, for `munjang.json`.
    """

    graphs: Mapping[str, Callable[[Any, Graph, bool], None]]
    values: Callable[[Model, Sequence[Any]], Sequence[Any]]
    requests: Callable[[Model], Sequence[Any]]
    expected: Callable[[Model, Sequence[Any]], Array]
    found: Callable[[Runner, Sequence[Any]], Array]
    facts: Callable[[Any], dict[str, Any]] = lambda network: {}

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
        files, written = self.files, {}
        for name, write in self.graphs.items():
            graph = Graph(name, WRITERS, int8=int8)
            write(network, graph, spells_words)
            written[files[name]] = graph.to_bytes()
        return written


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


# Logits of texts --------------------------------------------------------------------------------


def _find_sides(network: nn.Module) -> list[str]:
    """Return the prefix of the inputs of each text that is read apart."""
    is_apart = any(isinstance(module, PairEncoder) for module in network.modules())
    return ["first_", "second_"] if is_apart else [""]


def _find_poolings(network: nn.Module) -> list[str]:
    """Return the poolings of a network's vectors, the default one first."""
    has_states = all(isinstance(encoder, GivesStates) for encoder in find_encoders(network))
    default = resolve_pooling(network)
    known = [*POOLED_STATES, "pooled"] if has_states else ["pooled"]
    return [default, *(name for name in known if name != default)]


def _output_vectors(graph: Graph, network: nn.Module, tokens: Tokens) -> None:
    """Add the vectors of the texts of one side as outputs, one per pooling."""
    encoded = [graph.first_result(encoder) for encoder in find_encoders(network)]
    for name in _find_poolings(network):
        pool = POOLED_STATES.get(name)
        parts = [
            each.pooled if pool is None else pool(graph, each.states, tokens) for each in encoded
        ]
        joined = graph.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        graph.output(joined, name, np.float32, ["batch", f"{name}_dim"])


def _describe_encoders(network: nn.Module) -> dict[str, Any]:
    return {"sides": _find_sides(network), "poolings": _find_poolings(network)}


def _write_logits(network: nn.Module, graph: Graph, spells_words: bool) -> None:
    words = add_words(graph) if spells_words else None
    sides = [add_tokens(graph, prefix, words) for prefix in _find_sides(network)]
    graph.output(graph.write(network, *sides), "logits", np.float32, ["batch", "outputs"])
    _output_vectors(graph, network, sides[0])


LOGITS = Kind(
    {"logits": _write_logits},
    sample_values,
    sample_values,
    lambda model, values: model.logits(values).numpy(),
    lambda runner, values: runner.outputs(values)[0],
    _describe_encoders,
)


# Vectors of texts -------------------------------------------------------------------------------


def _write_vectors(network: TwoTowers, graph: Graph, spells_words: bool) -> None:
    words = add_words(graph) if spells_words else None
    tokens = add_tokens(graph, words=words)
    graph.output(graph.write(network, tokens), "vectors", np.float32, ["batch", "dim"])
    _output_vectors(graph, network, tokens)


VECTORS = Kind(
    {"vectors": _write_vectors},
    lambda model, rows: sample_texts(model),
    sample_values,
    lambda model, values: np.asarray(model.embed(values, normalize=True)),
    lambda runner, values: runner.embed(values, normalize=True),
    _describe_encoders,
)


# Masked tokens ----------------------------------------------------------------------------------


def _write_masked(network: MaskedHead, graph: Graph, spells_words: bool) -> None:
    tokens = add_tokens(graph)
    places = tuple(graph.input(name, np.int64, ["masks"]) for name in ("rows", "places"))
    logits = graph.write(network, tokens, places)
    graph.output(logits, "logits", np.float32, ["masks", network.vocabulary_size])
    _output_vectors(graph, network, tokens)


@torch.no_grad()
def _mask_logits(model: Model, values: Sequence[Any]) -> Array:
    """Return the logits of the masks of some texts, one after another, [masks, vocabulary]."""
    mask_id = model.task.masking.mask_id  # type: ignore[attr-defined]
    rows = []
    for value in values:
        (batch,) = model.reader.encode_values([value]).dataset().in_order_of_length()
        ids, mask = batch.inputs
        places = (ids == MASKED).flatten().nonzero()[:, 0]
        outputs = model.network(ids.masked_fill(ids == MASKED, mask_id), mask, places)
        rows.append(outputs.tokens.logits())
    return torch.cat(rows).numpy()


MASKS = Kind(
    {"masked": _write_masked},
    lambda model, rows: mask_words(sample_texts(model)),
    lambda model: mask_words(sample_texts(model)),
    _mask_logits,
    lambda runner, values: np.concatenate([runner.mask_logits(value)[0] for value in values]),
    _describe_encoders,
)


# Next tokens ------------------------------------------------------------------------------------


@torch.no_grad()
def _next_logits(model: Model, values: Sequence[Any]) -> Array:
    network: Any = model.network
    rows = []
    for value in values:
        ids = torch.from_numpy(model.input.encode_values([value]).rows[0]).long()[None]  # type: ignore[attr-defined]
        projected, _ = network.read(network.begin(1), ids)
        rows.append(projected.logits()[-1])
    return torch.stack(rows).numpy()


def _read_in_two(runner: Runner, values: Sequence[Any]) -> Array:
    """Return the next tokens of texts that are read in two parts, the last token on its own."""
    rows = []
    for value in values:
        ids = runner.prompt_ids(value)
        reading = runner.next_logits(ids[:-1])[1] if len(ids) > 1 else None
        rows.append(runner.next_logits(ids, reading)[0])
    return np.stack(rows)


def _next_kind(write: Callable[[Any, Graph], None]) -> Kind:
    return Kind(
        {"next": lambda network, graph, spells_words: write(network, graph)},
        lambda model, rows: sample_texts(model),
        sample_texts,
        _next_logits,
        _read_in_two,
        lambda network: {
            "before": network.before,
            "context": getattr(network, "context", None),
        },
    )


# Texts from texts -------------------------------------------------------------------------------


def _sources(model: Model) -> list[str]:
    """Return sample texts of one token or more."""
    texts = sample_texts(model)
    encoded: Any = model.input.encode_values(texts)
    _, offsets = values_and_offsets(encoded.pairs.source_ids)
    return [text for text, count in zip(texts, np.diff(offsets), strict=True) if count]


def _answer_ids(vocabulary: int) -> list[int]:
    """Return GO and some tokens."""
    first = len(RESERVED)
    return [GO, *(first + 7 * n % max(1, vocabulary - first) for n in range(_ANSWER - 1))]


@torch.no_grad()
def _forced_logits(model: Model, values: Sequence[Any]) -> Array:
    """Return logits [rows, time, vocabulary] of made-up answers."""
    network: Any = model.network
    encoded: Any = model.input.encode_values(values)
    given = torch.tensor([_answer_ids(model.input.tokenizers.target.vocabulary.size)])  # type: ignore[attr-defined]
    rows: list[Tensor | None] = [None] * len(values)
    for batch in encoded.pairs.sources_in_order_of_length(1):
        mask = torch.ones_like(given, dtype=torch.bool)
        projected = network(batch.ids, batch.mask, given, mask)
        rows[int(batch.rows[0])] = projected.logits()
    return torch.stack([row for row in rows if row is not None]).numpy()


def _step_logits(runner: Runner, values: Sequence[Any]) -> Array:
    """Return logits [rows, time, vocabulary] of made-up answers, step by step."""
    source, state = runner.begin([runner.reader.row(value)[0][0] for value in values])
    steps = []
    for number in _answer_ids(len(runner.target.tokens)):
        logits, state = runner.step(source, state, [number] * len(values))
        steps.append(logits)
    return np.stack(steps, axis=1)


def _translation_kind(
    encoder: Callable[[Any, Graph], None], step: Callable[[Any, Graph], None]
) -> Kind:
    return Kind(
        {
            "encoder": lambda network, graph, spells_words: encoder(network, graph),
            "step": lambda network, graph, spells_words: step(network, graph),
        },
        lambda model, rows: _sources(model),
        _sources,
        _forced_logits,
        _step_logits,
    )


_RECURRENT = _next_kind(language.write_recurrent_language)

KINDS: Mapping[type[nn.Module], Kind] = {
    Head: LOGITS,
    Ensemble: LOGITS,
    LinearEnsemble: LOGITS,
    TwoTowers: VECTORS,
    MaskedHead: MASKS,
    RnnLanguage: _RECURRENT,
    LstmLanguage: _RECURRENT,
    GruLanguage: _RECURRENT,
    TransformerLanguage: _next_kind(language.write_transformer_language),
    Seq2Seq: _translation_kind(translation.write_seq2seq_encoder, translation.write_seq2seq_step),
    Attentive: _translation_kind(
        translation.write_attentive_encoder, translation.write_attentive_step
    ),
    TransformerEncoderDecoder: _translation_kind(
        translation.write_transformer_encoder, translation.write_transformer_step
    ),
}

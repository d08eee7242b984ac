"""Heads of encoders and ensembles as graphs: token rows to logits or to vectors."""

from munjang.errors import ConfigError
from munjang.export.onnx.encoders import Encoded
from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.layers.activations import write_activation
from munjang.export.onnx.layers.dense import write_linear, write_norm, write_unit_vectors
from munjang.export.onnx.layers.embedding import write_tied_matrix
from munjang.export.onnx.layers.pooling import POOLINGS
from munjang.export.onnx.layers.tokens import Tokens
from munjang.models.pair_encoder import PairEncoder
from munjang.tasks.heads import Ensemble, Head, LinearEnsemble, MaskedHead, TwoTowers


def write_head(graph: Graph, module: Head, *sides: Tokens) -> Value:
    """Return logits [batch, outputs] of one side, or of two."""
    encoded: Encoded = graph.write(module.encoder, *sides, name="encoder")
    return write_linear(graph, module.head, encoded.pooled, "head")


def write_ensemble(graph: Graph, module: Ensemble, *sides: Tokens) -> Value:
    """Return the mean logits [batch, outputs] of several networks."""
    logits = [
        graph.write(network, *sides, name=f"networks.{number}")
        for number, network in enumerate(module.networks)
    ]
    return graph.op("Mean", *logits)


def write_linear_ensemble(graph: Graph, module: LinearEnsemble, *sides: Tokens) -> Value:
    """Return the weighted mean logits [batch, outputs] of a network and a linear model."""
    network = graph.write(module.network, *sides, name="network")
    linear = graph.write(module.linear, *sides, name="linear")
    weight = float(module.linear_weight)
    return graph.op("Add", graph.op("Mul", network, 1.0 - weight), graph.op("Mul", linear, weight))


def write_pair_encoder(graph: Graph, module: PairEncoder, first: Tokens, second: Tokens) -> Encoded:
    """Write an encoder of both texts, and [u, v, |u - v|, u * v, cos(u, v)]."""
    u, v = (
        graph.write(module.encoder, tokens, name=f"encoder.{name}").pooled
        for name, tokens in (("first", first), ("second", second))
    )
    product = graph.op("Mul", u, v)
    sums = graph.op("ReduceSum", product, [1], keepdims=1)
    # as torch's cosine_similarity: each length is at least eps
    lengths = [graph.op("Max", graph.op("ReduceL2", x, [1], keepdims=1), 1e-6) for x in (u, v)]
    cosine = graph.op("Div", sums, graph.op("Mul", *lengths))
    difference = graph.op("Abs", graph.op("Sub", u, v))
    return Encoded(graph.op("Concat", u, v, difference, product, cosine, axis=1))


def write_tower(graph: Graph, module: TwoTowers, tokens: Tokens) -> Value:
    """Return the unit vectors [batch, dim] of the texts of one side; both sides have one tower.

    Raises:
        ConfigError: the encoder has no such states.
    """
    encoded: Encoded = graph.write(module.encoder, tokens, name="encoder")
    if module.pooling == "pooled":
        return write_unit_vectors(graph, encoded.pooled)
    if encoded.states is None:
        raise ConfigError(f"export onnx: the encoder has no states to take the {module.pooling} of")
    return write_unit_vectors(graph, POOLINGS[module.pooling](graph, encoded.states, tokens))


def write_masked_head(
    graph: Graph, module: MaskedHead, tokens: Tokens, places: tuple[Value, Value]
) -> Value:
    """Return logits [chosen, vocabulary] at chosen places: row numbers and places [chosen]."""
    encoded: Encoded = graph.write(module.encoder, tokens, name="encoder")
    assert encoded.states is not None
    pairs = graph.op("Concat", *(graph.op("Unsqueeze", p, [1]) for p in places), axis=1)
    chosen = graph.op("GatherND", encoded.states, pairs)
    hidden = write_activation(
        graph, module.activation, write_linear(graph, module.transform, chosen, "transform")
    )
    hidden = write_norm(graph, module.norm, hidden, "norm")
    with graph.scope("encoder/embedding"):
        matrix = write_tied_matrix(graph, module.encoder.embedding)
    return graph.op("Add", graph.op("MatMul", hidden, matrix), graph.weight("bias", module.bias))

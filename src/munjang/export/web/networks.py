"""Networks as a description for the page: a function per class of layer.

A class that is not in a table is refused, and so is a tensor of a network that nothing describes: a
page answers as the model does, or is not written.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.export.web.arrays import Arrays
from munjang.layers.activations import Activation, get_activation
from munjang.layers.blocks import Block
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fasttext_embedding import FastTextEmbedding
from munjang.layers.masking import last_states
from munjang.layers.pooling import Pooling
from munjang.layers.position import LearnedPositions
from munjang.layers.subword_embedding import RESERVED, SubwordEmbedding
from munjang.layers.subword_table import with_oov_words
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.models.cnn import Cnn
from munjang.models.gru import Gru
from munjang.models.lstm import Lstm
from munjang.models.mean import Mean
from munjang.models.recurrent import Recurrent
from munjang.models.rnn import Rnn
from munjang.models.transformer import Transformer
from munjang.tasks.heads import Ensemble, Head, LinearEnsemble

Description = dict[str, Any]
Ints = npt.NDArray[np.int64]


class NetworkWriter:
    """Writer of the description of a network.

    Args:
        arrays: gets the weights.
        tokens: tokens of the vocabulary, in the order of their ids.
        settings: settings of the architecture.
    """

    def __init__(self, arrays: Arrays, tokens: tuple[str, ...], settings: Any) -> None:
        self.arrays = arrays
        self.tokens = tokens
        self.settings = settings

    def describe(self, network: nn.Module) -> Description:
        """Return the description of a whole network.

        Raises:
            ConfigError: the page cannot compute a part of it.
        """
        description = self.part(network)
        for name, tensor in network.state_dict(keep_vars=True).items():
            if id(tensor) not in self.arrays.used and tensor.numel():
                raise ConfigError(
                    f"a page cannot hold this model: it does not know the weights {name}"
                )
        return description

    def part(self, module: nn.Module) -> Description:
        """Return the description of a part of a network."""
        write = PARTS.get(type(module))
        if write is None:
            raise ConfigError(_refuse(module))
        return write(self, module)


def _refuse(module: nn.Module) -> str:
    return (
        f"a page cannot compute {type(module).__name__}; expected a model of mean, cnn, rnn, lstm, "
        "gru or transformer with one text per row; others are computed by onnxruntime-web "
        "(--onnxruntime-web FOLDER)"
    )


def _head(writer: NetworkWriter, head: Head) -> Description:
    return {
        "kind": "head",
        "encoder": writer.part(head.encoder),
        "weight": writer.arrays.add(head.head.weight),
        "bias": writer.arrays.add(head.head.bias),
    }


def _ensemble(writer: NetworkWriter, ensemble: Ensemble) -> Description:
    return {"kind": "ensemble", "networks": [writer.part(each) for each in ensemble.networks]}


def _linear_ensemble(writer: NetworkWriter, ensemble: LinearEnsemble) -> Description:
    return {
        "kind": "linear_ensemble",
        "network": writer.part(ensemble.network),
        "linear": writer.part(ensemble.linear),
        "weight": ensemble.linear_weight,
    }


def _tfidf(writer: NetworkWriter, linear: TfidfLinear) -> Description:
    # a term without a document frequency has no value
    held = np.flatnonzero(linear.idf.cpu().numpy())
    writer.arrays.used.add(id(linear.idf))
    return {
        "ngrams": linear.ngrams,
        "buckets": len(linear.idf) - linear.vocabulary_size,
        "idf": writer.arrays.add_table(linear.idf[:, None], held),
        "weight": writer.arrays.add_table(linear.weight, held),
        "bias": writer.arrays.add(linear.bias),
    }


def _mean(writer: NetworkWriter, encoder: Mean) -> Description:
    return {
        "kind": "mean",
        "combiner": encoder.combiner,
        "embedding": writer.part(encoder.embedding),
    }


def _wide(writer: NetworkWriter, encoder: Any) -> Description:
    return {
        "embedding": writer.part(encoder.embedding),
        "bag": None if encoder.bag is None else writer.part(encoder.bag),
        "pooling": writer.part(encoder.pooling),
    }


def _cnn(writer: NetworkWriter, encoder: Cnn) -> Description:
    activation: Activation = writer.settings.activation
    assert encoder.activation is get_activation(activation)
    layers = [
        {
            "width": layer.width,
            "left": layer.left,
            "dim": layer.weight.shape[1],
            "filters": len(layer.bias),
            "weight": writer.arrays.add(layer.weight),
            "bias": writer.arrays.add(layer.bias),
        }
        for layer in encoder.convolutions.layers()
    ]
    wide = _wide(writer, encoder)
    return {"kind": "cnn", **wide, "activation": activation, "convolutions": layers}


def _recurrent(writer: NetworkWriter, encoder: Recurrent) -> Description:
    stacked = encoder.recurrent
    pairs = zip(stacked.forwards, stacked.backwards or [None] * len(stacked.forwards), strict=True)
    return {
        "kind": "recurrent",
        **_wide(writer, encoder),
        "cell": _CELLS[type(encoder)],
        "hidden": encoder.recurrent.forwards[0].hidden_size,
        "ngrams_end": encoder.ngrams_end,
        "layers": [
            [_direction(writer, layer) for layer in layers if layer is not None] for layers in pairs
        ],
    }


def _transformer(writer: NetworkWriter, encoder: Transformer) -> Description:
    activation: Activation = writer.settings.activation
    blocks = cast(list[Block], list(encoder.blocks))
    assert all(block.activation is get_activation(activation) for block in blocks)
    return {
        "kind": "transformer",
        **_wide(writer, encoder),
        "positions": _positions(writer, encoder),
        "heads": blocks[0].attention.heads,
        "activation": activation,
        "blocks": [_block(writer, block) for block in blocks],
        "norm": _norm(writer, encoder.norm),
    }


def _positions(writer: NetworkWriter, encoder: Transformer) -> Description:
    positions = encoder.positions
    if positions is None:
        return {"kind": "rotary"}
    if isinstance(positions, LearnedPositions):
        return {"kind": "learned", "weight": writer.arrays.add(positions.weight)}
    return {"kind": "sinusoidal", "scale": positions.scale}


def _block(writer: NetworkWriter, block: Block) -> Description:
    assert block.norm_first
    attention = block.attention
    projections = {"in_proj": attention.in_proj, "out_proj": attention.out_proj}
    layers = {**projections, "up": block.up, "down": block.down}
    return {
        "attention_norm": _norm(writer, block.attention_norm),
        "feed_forward_norm": _norm(writer, block.feed_forward_norm),
        **{name: _linear(writer, layer) for name, layer in layers.items()},
    }


def _norm(writer: NetworkWriter, norm: nn.LayerNorm) -> Description:
    add = writer.arrays.add
    return {"weight": add(norm.weight), "bias": add(norm.bias), "eps": norm.eps}


def _linear(writer: NetworkWriter, linear: nn.Linear) -> Description:
    return {
        "weight": writer.arrays.add(linear.weight),
        "bias": None if linear.bias is None else writer.arrays.add(linear.bias),
        "count": linear.weight.shape[0],
    }


def _direction(writer: NetworkWriter, layer: Any) -> Description:
    """Return one direction of one layer; the names are those of `munjang.layers.cells`."""
    weights = (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0)
    return dict(zip("wubd", map(writer.arrays.add, weights), strict=True))


def _pooling(writer: NetworkWriter, pooling: Pooling) -> Description:
    attention = None
    if pooling.attention is not None:
        attention = {
            "keys": writer.arrays.add(pooling.attention.keys.weight),
            "bias": writer.arrays.add(pooling.attention.keys.bias),
            "query": writer.arrays.add(pooling.attention.query.weight),
        }
    return {
        "names": pooling.names,
        "directions": 2 if pooling.functions["last"] is last_states else 1,
        "attention": attention,
    }


def _embedding(writer: NetworkWriter, embedding: TokenEmbedding) -> Description:
    rows, first = embedding.rows, embedding.vocabulary_size
    kept, held = None, None
    if rows.min_frequency > 1 and rows.longest > 1:
        cells = _set_bits(rows.kept)
        writer.arrays.used.add(id(rows.kept))
        kept = writer.arrays.add_ascending(cells)
        # the rows of n-grams that no text can reach are left out
        reached = np.unique(cells % rows.buckets) + first
        held = np.concatenate([np.arange(first), reached])
    return {
        "ngrams": embedding.ngrams,
        "buckets": embedding.buckets,
        "kept": kept,
        "table": writer.arrays.add_table(embedding.weight, held),
        "subwords": None if embedding.subwords is None else writer.part(embedding.subwords),
    }


def _sum_of_ngrams(writer: NetworkWriter, subwords: SubwordEmbedding) -> Description:
    _check_ngrams(writer.tokens, subwords)
    cells, buckets = _set_bits(subwords.shared), len(subwords.weight) - 1
    writer.arrays.used |= {id(subwords.shared), id(subwords.ngram_rows)}
    held = np.concatenate([[0], np.unique(cells % buckets) + 1])
    return {
        "kind": "sum",
        **_ngram_settings(subwords),
        "shared": writer.arrays.add_ascending(cells),
        "table": writer.arrays.add_table(subwords.weight, held),
    }


def _check_ngrams(tokens: tuple[str, ...], subwords: SubwordEmbedding) -> None:
    """Refuse rows that the page, which hashes the n-grams of every word, would not find."""
    hashed: Any = with_oov_words(subwords, tokens[RESERVED:])
    if not torch.equal(hashed.oov_ngram_rows, subwords.ngram_rows[RESERVED:]):
        raise ConfigError(
            "a page cannot hold this model: its character n-grams are not those of its vocabulary"
        )


def _mean_of_ngrams(writer: NetworkWriter, subwords: FastTextEmbedding) -> Description:
    return {
        "kind": "fasttext",
        **_ngram_settings(subwords),
        "table": writer.arrays.add_table(subwords.weight),
    }


def _ngram_settings(subwords: Any) -> Description:
    buckets = len(subwords.weight) - 1
    return {"max_n": subwords.max_n, "units": subwords.units, "buckets": buckets}


def _set_bits(bits: Tensor) -> Ints:
    """Return the numbers of the bits that are set in a set of `munjang.layers.fast.bits`."""
    return np.flatnonzero(np.unpackbits(bits.cpu().numpy()))


_CELLS: Mapping[type[nn.Module], str] = {Rnn: "rnn", Lstm: "lstm", Gru: "gru"}

PARTS: Mapping[type[nn.Module], Callable[[NetworkWriter, Any], Description]] = {
    Head: _head,
    Ensemble: _ensemble,
    LinearEnsemble: _linear_ensemble,
    TfidfLinear: _tfidf,
    Mean: _mean,
    Cnn: _cnn,
    Rnn: _recurrent,
    Lstm: _recurrent,
    Gru: _recurrent,
    Transformer: _transformer,
    Pooling: _pooling,
    TokenEmbedding: _embedding,
    SubwordEmbedding: _sum_of_ngrams,
    FastTextEmbedding: _mean_of_ngrams,
}
"""The parts of a network that a page can compute, each with its description."""

"""Networks as the modelling file describes them: its parts, and sizes for config.json.

One function per class of munjang. A class that is in no table is refused, a subclass of one that is
in a table too, since it may compute something else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from munjang.errors import ConfigError
from munjang.layers.embedding import STD, TokenEmbedding
from munjang.layers.subword_embedding import SubwordEmbedding
from munjang.models.bert import Bert
from munjang.models.cnn import Cnn
from munjang.models.gru import Gru
from munjang.models.language.gru import GruLanguage
from munjang.models.language.lstm import LstmLanguage
from munjang.models.language.rnn import RnnLanguage
from munjang.models.language.transformer import TransformerLanguage
from munjang.models.lstm import Lstm
from munjang.models.mean import Mean
from munjang.models.rnn import Rnn
from munjang.models.sequence_to_sequence.attentive import Attentive
from munjang.models.sequence_to_sequence.seq2seq import Seq2Seq
from munjang.models.sequence_to_sequence.transformer import TransformerEncoderDecoder
from munjang.models.transformer import Transformer

Values = dict[str, Any]


@dataclass(frozen=True)
class Described:
    """A network, or a part of one.

    Attributes:
        values: what config.json says of it.
        instead: the part of the modelling file that stands in for an interface, by the name of the
            interface.
        parts: other parts that it needs.
    """

    values: Values
    instead: Mapping[str, str]
    parts: tuple[str, ...] = ()


def describe_embedding(embedding: TokenEmbedding) -> Values:
    """Return the section of config.json of an embedding.

    Raises:
        ConfigError: its n-grams are not those that the modelling file has.
    """
    subwords = embedding.subwords
    values = {
        "kind": "tokens",
        "tokens": embedding.vocabulary_size,
        "dim": embedding.dim,
        "ngrams": embedding.ngrams,
        "buckets": embedding.buckets,
        "counted": embedding.rows.min_frequency > 1,
    }
    if subwords is None:
        return values
    if type(subwords) is not SubwordEmbedding:
        raise ConfigError(
            "model.subword_scheme: export hf has no n-grams as fastText hashes them; train with "
            "--set model.subword_scheme=sum"
        )
    buckets = len(subwords.weight) - 1
    return {**values, "kind": "subwords", "longest": subwords.max_n, "subword_buckets": buckets}


def describe_encoder(encoder: nn.Module, config: Any) -> Described:
    """Describe the encoder of a text.

    Args:
        encoder: the encoder.
        config: the settings `model` of the recipe.

    Raises:
        ConfigError: the modelling file has no such encoder; it is named.
    """
    found = _ENCODERS.get(type(encoder))
    if found is None:
        raise _unknown(encoder)
    part, read = found
    embedding = describe_embedding(encoder.embedding)  # type: ignore[arg-type]
    bag = getattr(encoder, "bag", None)
    values = {
        "embedding": embedding,
        "bag": None if bag is None else describe_embedding(bag),
        "vocab_size": embedding["tokens"],
        **read(config),
    }
    parts = ("subwords",) if embedding["kind"] == "subwords" else ()
    return Described(values, {"encoder": part}, parts)


def describe_language(network: nn.Module, config: Any) -> Described:
    """Describe a language model.

    Raises:
        ConfigError: the modelling file has no such network; it is named.
    """
    found = _DECODERS.get(type(network))
    if found is None:
        raise _unknown(network)
    part, read = found
    values = {
        "embedding": describe_embedding(network.embedding),  # type: ignore[arg-type]
        "vocab_size": network.vocabulary_size,
        "states_dim": network.states_dim,
        "tie_embeddings": config.tie_embeddings,
        **read(config),
    }
    return Described(values, {"decoder": part})


def describe_translation(network: nn.Module, config: Any) -> Described:
    """Describe an encoder-decoder.

    Raises:
        ConfigError: the modelling file has no such network; it is named.
    """
    found = _ENCODER_DECODERS.get(type(network))
    if found is None:
        raise _unknown(network)
    part, read = found
    tables: Any = network.embedding
    shared = tables.source_table is None
    values = {
        "vocab_size": len(tables.target_table),
        "source_size": len(tables.target_table if shared else tables.source_table),
        "dim": tables.dim,
        "out_dim": tables.out_dim,
        "share_embeddings": shared,
        "tie_embeddings": tables.output_table is None,
        **read(config),
    }
    return Described(values, {"encoder_decoder": part})


def _unknown(module: nn.Module) -> ConfigError:
    return ConfigError(f"export hf has no {type(module).__name__} in its modelling files (yet)")


def _picked(config: Any, *names: str) -> Values:
    return {name: getattr(config, name) for name in names}


def _mean(config: Any) -> Values:
    return _picked(config, "combiner")


def _cnn(config: Any) -> Values:
    kernels = list(config.kernel_sizes)
    return {"kernel_sizes": kernels, **_picked(config, "filters", "activation", "pooling")}


def _recurrent(config: Any) -> Values:
    names = ("hidden_dim", "layers", "directions", "ngrams_end", "pooling")
    return {"cell": config.name, **_picked(config, *names)}


def _attention(config: Any, factor: int = 4) -> Values:
    """Return the sizes of self-attention layers; `factor` x dim is the default of the hidden."""
    return {
        **_picked(config, "dim", "layers", "heads", "activation"),
        "feed_forward_dim": config.feed_forward_dim or factor * config.dim,
    }


def _transformer(config: Any) -> Values:
    names = ("positions", "max_positions", "pooling")
    return {**_attention(config), **_picked(config, *names), "position_scale": STD, "norm": "pre"}


def _bert(config: Any) -> Values:
    names = ("segments", "max_positions", "norm_eps", "pooling", "pooler")
    return {
        **_attention(config),
        **_picked(config, *names),
        "positions": "learned",
        "norm": "post",
    }


def _recurrent_language(config: Any) -> Values:
    return {"cell": config.name, "layers": config.layers}


def _transformer_language(config: Any) -> Values:
    own = {"positions": "rotary", "norm": "pre", "context": config.context}
    return {**_attention(config), **own}


def _seq2seq(config: Any) -> Values:
    values = _picked(config, "cell", "hidden_dim", "layers", "directions")
    return {**values, "reverse_source": config.reverse_source}


def _attentive(config: Any) -> Values:
    values = _picked(config, "cell", "hidden_dim", "layers", "directions", "input_feeding")
    is_additive = config.attention in ("concat", "additive")
    return {
        **values,
        "reverse_source": False,
        "score": "additive" if is_additive else config.attention,
        "attends_before_cell": config.attention == "additive",
    }


def _transformer_translation(config: Any) -> Values:
    return {
        **_attention(config, factor=2),
        **_picked(config, "positions", "max_positions", "norm"),
        "decoder_layers": config.decoder_layers or config.layers,
        "position_scale": 1.0,
    }


_Table = Mapping[type[nn.Module], tuple[str, Callable[[Any], Values]]]

_ENCODERS: _Table = {
    Mean: ("mean", _mean),
    Cnn: ("cnn", _cnn),
    Rnn: ("recurrent", _recurrent),
    Lstm: ("recurrent", _recurrent),
    Gru: ("recurrent", _recurrent),
    Transformer: ("transformer", _transformer),
    Bert: ("bert", _bert),
}
_DECODERS: _Table = {
    RnnLanguage: ("recurrent_decoder", _recurrent_language),
    LstmLanguage: ("recurrent_decoder", _recurrent_language),
    GruLanguage: ("recurrent_decoder", _recurrent_language),
    TransformerLanguage: ("transformer_decoder", _transformer_language),
}
_ENCODER_DECODERS: _Table = {
    Seq2Seq: ("seq2seq", _seq2seq),
    Attentive: ("attentive", _attentive),
    TransformerEncoderDecoder: ("transformer_encoder_decoder", _transformer_translation),
}

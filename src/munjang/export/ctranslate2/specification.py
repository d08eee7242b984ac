"""An encoder-decoder `transformer` in the words of CTranslate2: its layers and their weights."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.layers.activations import Activation
from munjang.layers.attention import CrossAttention, SelfAttention
from munjang.layers.blocks import Block, DecoderBlock, TransformerLayer
from munjang.layers.position import LearnedPositions, SinusoidalPositions
from munjang.models.sequence_to_sequence.transformer import (
    TransformerEncoderDecoder,
    TransformerEncoderDecoderConfig,
)

Floats = npt.NDArray[np.float32]

# Names of our activations in `ctranslate2.specs.Activation`.
ACTIVATIONS: dict[Activation, str] = {
    "relu": "RELU",
    "gelu": "GELU",
    "gelu_tanh": "GELUTanh",
    "silu": "SWISH",
    "swish": "SWISH",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}


def describe_network(
    network: TransformerEncoderDecoder, config: TransformerEncoderDecoderConfig, places: int
) -> Any:
    """Return a `ctranslate2.specs.TransformerSpec` that has the weights of a network.

    Args:
        network: the encoder-decoder.
        config: its settings.
        places: tokens of the longest text of either side; sinusoidal positions become a table.

    Raises:
        ConfigError: CTranslate2 lacks the activation.
    """
    from ctranslate2.specs import TransformerDecoderSpec, TransformerEncoderSpec, TransformerSpec

    options = {
        "pre_norm": config.norm == "pre",
        "activation": _find_activation(config.activation),
        # our pairs of features are (i, i + width / 2)
        "rotary_dim": network.rotary_dim,
        "rotary_interleave": False,
    }
    encoder = TransformerEncoderSpec(len(network.encoder), config.heads, **options)
    decoder = TransformerDecoderSpec(len(network.decoder), config.heads, **options)
    _fill_ends(encoder, network.source_positions, network.encoder_norm, config.dim, places)
    _fill_ends(decoder, network.target_positions, network.decoder_norm, config.dim, places)
    for spec, block in zip(encoder.layer, network.encoder, strict=True):
        _fill_self_attention(spec, cast(Block, block))
        _fill_feed_forward(spec, cast(Block, block))
    for spec, block in zip(decoder.layer, network.decoder, strict=True):
        _fill_decoder_layer(spec, cast(DecoderBlock, block))
    _fill_embeddings(encoder, decoder, network)
    return TransformerSpec(encoder, decoder)


def _find_activation(name: Activation) -> Any:
    from ctranslate2.specs import Activation as Theirs

    if name not in ACTIVATIONS:
        raise ConfigError(
            f"model.activation: CTranslate2 has no {name}; train with one of "
            f"{', '.join(ACTIVATIONS)}"
        )
    return Theirs[ACTIVATIONS[name]]


def _fill_ends(
    spec: Any,
    positions: SinusoidalPositions | LearnedPositions | None,
    norm: nn.Module,
    dim: int,
    places: int,
) -> None:
    """Fill what comes before the first layer, and the norm after the last."""
    spec.scale_embeddings = True  # by √dim, as in `TransformerEncoderDecoder`
    if isinstance(positions, LearnedPositions):
        spec.position_encodings.encodings = _array(positions.weight)
    elif positions is not None:
        spec.position_encodings.encodings = _array(positions(torch.zeros(1, places, dim), None)[0])
    if isinstance(norm, nn.LayerNorm):
        _fill_norm(spec.layer_norm, norm)


def _fill_embeddings(encoder: Any, decoder: Any, network: TransformerEncoderDecoder) -> None:
    """Fill both embeddings and the output layer; equal tables are stored once."""
    tables = network.embedding
    target = _array(tables.target_table)
    source = target if tables.source_table is None else _array(tables.source_table)
    encoder.embeddings[0].weight = source
    decoder.embeddings.weight = target
    shares_output = tables.output_table is None
    decoder.projection.weight = target if shares_output else _array(tables.output_table)
    decoder.projection.bias = _array(tables.bias)


def _fill_decoder_layer(spec: Any, block: DecoderBlock) -> None:
    _fill_self_attention(spec, block)
    cross: CrossAttention = block.cross
    _fill_norm(spec.attention.layer_norm, block.cross_norm)
    parts = (cross.query, cross.in_proj, cross.out_proj)
    for linear, part in zip(spec.attention.linear, parts, strict=True):
        _fill_linear(linear, part)
    _fill_feed_forward(spec, block)


def _fill_self_attention(spec: Any, block: Block | DecoderBlock) -> None:
    attention: SelfAttention = block.attention
    _fill_norm(spec.self_attention.layer_norm, block.attention_norm)
    parts = (attention.in_proj, attention.out_proj)
    for linear, part in zip(spec.self_attention.linear, parts, strict=True):
        _fill_linear(linear, part)


def _fill_feed_forward(spec: Any, block: TransformerLayer) -> None:
    _fill_norm(spec.ffn.layer_norm, block.feed_forward_norm)
    _fill_linear(spec.ffn.linear_0, block.up)
    _fill_linear(spec.ffn.linear_1, block.down)


def _fill_norm(spec: Any, norm: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _array(norm.weight), _array(norm.bias)


def _fill_linear(spec: Any, linear: nn.Linear) -> None:
    spec.weight = _array(linear.weight)
    if linear.bias is not None:
        spec.bias = _array(linear.bias)


def _array(tensor: Tensor | None) -> Floats:
    assert tensor is not None
    return tensor.detach().float().cpu().contiguous().numpy()

"""Transformer encoder-decoder.

Papers: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020) for the norm before
each sublayer; Press and Wolf (2017) for the output layer that shares the embedding. Use with some
thousands of pairs or more. Use `attentive` instead where they are few or short.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeVar, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation
from munjang.layers.attention import KeysValues, visible_keys
from munjang.layers.beams import join_rows
from munjang.layers.blocks import Block, DecoderBlock, Norm
from munjang.layers.fast.dropout import Dropout
from munjang.layers.key_value_cache import KeyValueCache
from munjang.layers.position import (
    LearnedPositions,
    Positions,
    Rotary,
    SinusoidalPositions,
    make_positions,
    rotary_tables,
)
from munjang.layers.projection import Projected
from munjang.models.attention_weights import AttentionWeights
from munjang.models.decoder import StepOutput
from munjang.models.dropout_rate import DropoutRate
from munjang.models.heads import check_heads
from munjang.models.sequence_to_sequence.model import (
    EncoderDecoderConfig,
    Vocabularies,
    pair_embedding,
)

AnyBlock = TypeVar("AnyBlock", Block, DecoderBlock)


class TransformerEncoderDecoderConfig(EncoderDecoderConfig):
    """Settings of the encoder-decoder `transformer`."""

    name: Literal["transformer"] = "transformer"
    layers: int = Field(4, ge=1, le=DEEPEST, description="layers of the encoder")
    decoder_layers: int | None = Field(
        None,
        ge=1,
        le=DEEPEST,
        description="layers of the decoder; as many as of the encoder when left out",
    )
    heads: int = Field(4, ge=1, le=1024, description="attention heads; they share dim")
    feed_forward_dim: int | None = Field(
        None,
        ge=1,
        le=4 * WIDEST,
        description="hidden dimension of the feed-forward layers; 2 x dim when left out",
    )
    activation: Activation = Field("relu", description="of the feed-forward layers")
    norm: Norm = Field("pre", description="layer norm before (pre) or after (post) each sublayer")
    positions: Positions = Field("rotary", description="sinusoidal, learned or rotary")
    max_positions: int = Field(512, ge=1, le=LONGEST, description="number of learned positions")
    dropout: DropoutRate = Field(0.3, description="dropout of embeddings and of each sublayer")

    @model_validator(mode="after")
    def _heads_share_dim(self) -> Self:
        check_heads(self.dim, self.heads, self.positions)
        return self

    @property
    def most_tokens(self) -> int | None:
        """`longest` with learned positions; None: no limit."""
        return self.max_positions if self.positions == "learned" else None


@dataclass(frozen=True)
class TransformerState:
    """State of the decoder.

    Attributes:
        cache: keys and values of the tokens read so far.
        encoder: per decoder layer, keys and values of the source, each [rows, heads, source time,
            dim / heads].
        source_mask: [rows, source time], True = real token.
        visible: source tokens that may be attended to, [rows, 1, 1, source time]; None: all.
    """

    cache: KeyValueCache
    encoder: tuple[KeysValues, ...]
    source_mask: Tensor
    visible: Tensor | None

    def pick(self, parents: Tensor) -> "TransformerState":
        """Return the state of new hypotheses: see `State.pick`."""
        return replace(self, cache=self.cache.pick(parents))

    def keep(self, rows: Tensor) -> "TransformerState":
        """Return the state of some rows: see `State.keep`."""
        return TransformerState(
            cache=self.cache.keep(rows),
            encoder=tuple((keys[rows], values[rows]) for keys, values in self.encoder),
            source_mask=self.source_mask[rows],
            visible=None if self.visible is None else self.visible[rows],
        )

    def join(self, others: Sequence["TransformerState"]) -> "TransformerState":
        """Return one state of all rows: see `State.join`."""
        states = [self, *others]
        source_mask = join_rows([state.source_mask for state in states])
        layers = zip(*(state.encoder for state in states), strict=True)
        return TransformerState(
            cache=self.cache.join([other.cache for other in others]),
            encoder=tuple(
                (join_rows([keys for keys, _ in layer], 2), join_rows([v for _, v in layer], 2))
                for layer in layers
            ),
            source_mask=source_mask,
            visible=visible_keys(source_mask),
        )


class TransformerEncoderDecoder(nn.Module):
    """Encoder and decoder, over the embeddings of both sides."""

    def __init__(self, config: TransformerEncoderDecoderConfig, vocabularies: Vocabularies) -> None:
        super().__init__()
        self.embedding = pair_embedding(config, vocabularies)
        self.scale = config.dim**0.5
        self.source_positions = make_positions(config.positions, config.max_positions, config.dim)
        self.target_positions = make_positions(config.positions, config.max_positions, config.dim)
        self.rotary_dim = config.dim // config.heads if config.positions == "rotary" else None
        self.dropout = Dropout(config.dropout)
        self.encoder = nn.ModuleList(_layer(Block, config) for _ in range(config.layers))
        self.decoder = nn.ModuleList(
            _layer(DecoderBlock, config) for _ in range(config.decoder_layers or config.layers)
        )
        # a layer with post-norm returns normalized states already
        final_norm = nn.LayerNorm if config.norm == "pre" else nn.Identity
        self.encoder_norm = final_norm(config.dim)
        self.decoder_norm = final_norm(config.dim)

    def forward(
        self, source: Tensor, source_mask: Tensor, decoder_inputs: Tensor, decoder_mask: Tensor
    ) -> Projected:
        """Predict the token after each decoder input: see `EncoderDecoder.__call__`."""
        encoder, visible = self._encode(source, source_mask)
        vectors = self.embedding.embed_target(decoder_inputs)
        states = self._add_positions(vectors, decoder_mask, self.target_positions)
        rotary = self._rotary(decoder_inputs.shape[1], states)
        for block, keys_values in zip(self._decoder, encoder, strict=True):
            states = block(states, keys_values, visible, rotary)
        return self.embedding.project(self.decoder_norm(states[decoder_mask]))

    def begin(self, source: Tensor, source_mask: Tensor) -> TransformerState:
        """Return the state before the first step, of beam 1."""
        encoder, visible = self._encode(source, source_mask)
        return TransformerState(KeyValueCache(len(source)), encoder, source_mask, visible)

    def step(self, state: TransformerState, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam].

        The attention is the mean over the heads of the last layer but one, or of the only layer,
        since that one aligns best (Garg et al. 2019, "Jointly learning to align and translate with
        Transformer models").
        """
        cache = state.cache
        states = self._embed_next(ids.reshape(-1, 1), cache).view(*ids.shape, -1)
        rotary, past_visible = self._next_rotary(cache, states), cache.visible()
        columns: list[KeysValues] = []
        attention: list[Tensor] = []
        for number, block in enumerate(self._decoder):
            states, keys_values, weights = block.step(
                states,
                cache.past(number),
                state.encoder[number],
                state.visible,
                rotary,
                past_visible,
            )
            columns.append(keys_values)
            attention.append(weights)
        logits = self.embedding.project(self.decoder_norm(states)).logits()
        after = replace(state, cache=cache.append(columns))
        return StepOutput(logits, after, attention[max(0, len(attention) - 2)].mean(1))

    def forward_with_attention(
        self, source: Tensor, source_mask: Tensor, decoder_inputs: Tensor, decoder_mask: Tensor
    ) -> tuple[Projected, list[AttentionWeights]]:
        """Project as `forward` does, with the weights of every layer and head."""
        maps: list[AttentionWeights] = []
        states, visible, rotary = self._embed_source(source, source_mask)
        for number, block in enumerate(self._encoder):
            states, weights = block.forward_with_attention(states, visible, rotary)
            maps.append(AttentionWeights("source", number, _mask_queries(weights, source_mask)))
        states = self.encoder_norm(states)
        encoder = [block.cross.project_keys_values(states) for block in self._decoder]
        vectors = self.embedding.embed_target(decoder_inputs)
        states = self._add_positions(vectors, decoder_mask, self.target_positions)
        time = decoder_inputs.shape[1]
        rotary = self._rotary(time, states)
        causal = torch.ones(time, time, dtype=torch.bool, device=decoder_inputs.device).tril()
        for number, (layer, keys_values) in enumerate(zip(self._decoder, encoder, strict=True)):
            states, target, cross = layer.forward_with_attention(
                states, keys_values, visible, rotary, causal
            )
            maps.append(AttentionWeights("target", number, _mask_queries(target, decoder_mask)))
            maps.append(AttentionWeights("cross", number, _mask_queries(cross, decoder_mask)))
        return self.embedding.project(self.decoder_norm(states[decoder_mask])), maps

    def side_vectors(self, *sides: Tensor) -> Tensor:
        """Return the vectors of source and answer, see `munjang.models.given_vectors`."""
        return self.embedding.embed_sides(*sides)

    @property
    def _encoder(self) -> list[Block]:
        return cast(list[Block], list(self.encoder))

    @property
    def _decoder(self) -> list[DecoderBlock]:
        return cast(list[DecoderBlock], list(self.decoder))

    def _encode(
        self, source: Tensor, source_mask: Tensor
    ) -> tuple[tuple[KeysValues, ...], Tensor | None]:
        """Return keys and values of the source per decoder layer, and the visible source tokens."""
        states, visible, rotary = self._embed_source(source, source_mask)
        for block in self._encoder:
            states = block(states, visible, rotary)
        states = self.encoder_norm(states)
        return tuple(block.cross.project_keys_values(states) for block in self._decoder), visible

    def _embed_source(
        self, source: Tensor, source_mask: Tensor
    ) -> tuple[Tensor, Tensor | None, Rotary | None]:
        """Return the inputs of the first encoder layer."""
        vectors = self.embedding.embed_source(source)
        states = self._add_positions(vectors, source_mask, self.source_positions)
        return states, visible_keys(source_mask), self._rotary(source.shape[1], states)

    def _add_positions(
        self,
        vectors: Tensor,
        mask: Tensor | None,
        positions: SinusoidalPositions | LearnedPositions | None,
        first: int = 0,
    ) -> Tensor:
        """Scale vectors [batch, time, dim] as the paper does, and add positions from `first` on."""
        states = vectors * self.scale
        if positions is not None:
            states = positions(states, mask, first)
        return cast(Tensor, self.dropout(states))

    def _embed_next(self, ids: Tensor, cache: KeyValueCache) -> Tensor:
        """Embed the next token of each hypothesis, `ids` [rows x beam, 1]."""
        vectors, places = self.embedding.embed_target(ids), cache.positions()
        if places is None or self.target_positions is None:
            return self._add_positions(vectors, None, self.target_positions, cache.width)
        # all positions so far, from which each hypothesis takes its own
        table = vectors.new_zeros(1, cache.width + 1, vectors.shape[2])
        added = self.target_positions(table, None)[0, places]
        return cast(Tensor, self.dropout(vectors * self.scale + added[:, None]))

    def _rotary(self, time: int, like: Tensor, first: int = 0) -> Rotary | None:
        """Return cosines and sines of positions, each [time, rotary dim / 2]; None: not rotary."""
        return (
            None if self.rotary_dim is None else rotary_tables(time, self.rotary_dim, like, first)
        )

    def _next_rotary(self, cache: KeyValueCache, like: Tensor) -> Rotary | None:
        """Return cosines and sines of the next token of each hypothesis."""
        places = cache.positions()
        if places is None:
            return self._rotary(1, like, cache.width)
        rotary = self._rotary(cache.width + 1, like)
        if rotary is None:
            return None
        # [rows x beam, 1 for all heads, 1 token, rotary dim / 2]
        return Rotary(rotary.cos[places, None, None], rotary.sin[places, None, None])


def _layer(kind: type[AnyBlock], config: TransformerEncoderDecoderConfig) -> AnyBlock:
    return kind(
        config.dim,
        config.heads,
        hidden_dim=config.feed_forward_dim or 2 * config.dim,
        activation=config.activation,
        dropout=config.dropout,
        norm=config.norm,
    )


def _mask_queries(weights: Tensor, mask: Tensor) -> Tensor:
    """Return `weights` [batch, heads, queries, keys], 0 where the query is padding."""
    return weights.masked_fill(~mask[:, None, :, None], 0.0)

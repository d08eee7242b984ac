"""The whole Transformer: an encoder that sees all of the source, a decoder that sees what it wrote.

Papers: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020) for the norm before
each part; Press and Wolf (2017) for the output that shares the embedding. Use when there are some
thousands of pairs or more. Use `attentive` instead when they are few or short.
"""

from dataclasses import dataclass
from typing import Literal, Self, TypeVar, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation
from munjang.layers.attention import KeysValues, visible_keys
from munjang.layers.blocks import Block, DecoderBlock, Norm
from munjang.layers.fast.dropout import Dropout
from munjang.layers.position import (
    LearnedPositions,
    Positions,
    Rotary,
    SinusoidalPositions,
    make_positions,
    rotary_tables,
)
from munjang.layers.projection import Projected
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder_decoder import (
    EncoderDecoderConfig,
    Look,
    Stepped,
    Vocabularies,
    pair_embedding,
)
from munjang.models.heads import check_heads

AnyBlock = TypeVar("AnyBlock", Block, DecoderBlock)


class TransformerPairsConfig(EncoderDecoderConfig):
    """Settings of `transformer` from text to text."""

    name: Literal["transformer"] = "transformer"
    layers: int = Field(4, ge=1, le=DEEPEST, description="layers of the encoder")
    decoder_layers: int | None = Field(
        None,
        ge=1,
        le=DEEPEST,
        description="layers of the decoder; as many as of the encoder when left out",
    )
    heads: int = Field(4, ge=1, le=1024, description="ways to look, side by side; they share dim")
    feed_forward: int | None = Field(
        None,
        ge=1,
        le=4 * WIDEST,
        description="width inside the feed-forward parts; 2 x dim when left out",
    )
    activation: Activation = Field("relu", description="inside the feed-forward parts")
    norm: Norm = Field("pre", description="where the norms stand: pre or post")
    positions: Positions = Field(
        "rotary", description="how a place is told: sinusoidal, learned, rotary"
    )
    longest: int = Field(512, ge=1, le=LONGEST, description="places that learned positions know")
    dropout: DropoutRate = Field(0.3, description="of the embeddings and of what each part adds")

    @model_validator(mode="after")
    def _heads_share_dim(self) -> Self:
        check_heads(self.dim, self.heads, self.positions)
        return self

    @property
    def most_tokens(self) -> int | None:
        """Learned positions end with `longest`."""
        return self.longest if self.positions == "learned" else None


@dataclass(frozen=True)
class TransformerState:
    """Keys and values of every layer: of the source, and of what was written so far.

    Attributes:
        beam: hypotheses a sentence.
        place: tokens read so far.
        memory: a layer each; keys and values [sentences, heads, source time, dim / heads].
        visible: source tokens that may be looked at, [sentences, 1, 1, source time]; None = all.
        past: a layer each; [sentences x beam, heads, place, dim / heads]; empty before the first
            step.
    """

    beam: int
    place: int
    memory: tuple[KeysValues, ...]
    visible: Tensor | None
    past: tuple[KeysValues, ...] = ()

    def pick(self, parents: Tensor) -> "TransformerState":
        """Hypothesis by hypothesis, the past of its parent."""
        sentences, beam = parents.shape
        if self.beam == beam == 1:
            return self
        first = torch.arange(sentences, device=parents.device)[:, None] * self.beam
        return self._with_past((first + parents).flatten(), beam)

    def keep(self, sentences: Tensor) -> "TransformerState":
        """Some sentences alone."""
        memory = tuple((k[sentences], v[sentences]) for k, v in self.memory)
        visible = None if self.visible is None else self.visible[sentences]
        kept = TransformerState(self.beam, self.place, memory, visible, self.past)
        places = torch.arange(self.beam, device=sentences.device)
        return kept._with_past((sentences[:, None] * self.beam + places).flatten(), self.beam)

    def _with_past(self, rows: Tensor, beam: int) -> "TransformerState":
        past = tuple((k.index_select(0, rows), v.index_select(0, rows)) for k, v in self.past)
        return TransformerState(beam, self.place, self.memory, self.visible, past)


class TransformerPairs(nn.Module):
    """Encoder and decoder, over the embeddings of both sides."""

    def __init__(self, config: TransformerPairsConfig, vocabularies: Vocabularies) -> None:
        super().__init__()
        self.embedding = pair_embedding(config, vocabularies)
        self.scale = config.dim**0.5
        self.source_positions = make_positions(config.positions, config.longest, config.dim)
        self.target_positions = make_positions(config.positions, config.longest, config.dim)
        self.rotary_dim = config.dim // config.heads if config.positions == "rotary" else None
        self.dropout = Dropout(config.dropout)
        self.encoder = nn.ModuleList(_layer(Block, config) for _ in range(config.layers))
        self.decoder = nn.ModuleList(
            _layer(DecoderBlock, config) for _ in range(config.decoder_layers or config.layers)
        )
        # behind layers of post-norm all is normed already
        last = nn.LayerNorm if config.norm == "pre" else nn.Identity
        self.encoder_norm = last(config.dim)
        self.decoder_norm = last(config.dim)

    def forward(
        self, source: Tensor, source_mask: Tensor, given: Tensor, given_mask: Tensor
    ) -> Projected:
        """Teacher forcing; see `munjang.models.encoder_decoder.EncoderDecoder`."""
        memory, visible = self._memory(source, source_mask)
        states = self._embedded(self.embedding.target(given), given_mask, self.target_positions)
        turned = self._rotary(given.shape[1], states)
        for block, seen in zip(self._decoder, memory, strict=True):
            states = block(states, seen, visible, turned)
        return self.embedding.project(self.decoder_norm(states[given_mask]))

    def begin(self, source: Tensor, source_mask: Tensor) -> TransformerState:
        """The source as keys and values of every layer of the decoder."""
        memory, visible = self._memory(source, source_mask)
        return TransformerState(beam=1, place=0, memory=memory, visible=visible)

    def step(self, state: TransformerState, ids: Tensor) -> Stepped:
        """One token; attention is the mean over the heads of the layer that aligns best.

        That is the last but one where there are two or more (Garg et al. 2019, "Jointly learning
        to align and translate with Transformer models").
        """
        place, beam = state.place, ids.shape[1]
        states = self._embedded(
            self.embedding.target(ids.reshape(-1, 1)), None, self.target_positions, place
        ).view(*ids.shape, -1)
        here = self._rotary(1, states, place)
        pasts: list[KeysValues] = []
        looked: list[Tensor] = []
        for layer, block in enumerate(self._decoder):
            past = state.past[layer] if state.past else None
            states, seen, weights = block.step(
                states, past, state.memory[layer], state.visible, here
            )
            pasts.append(seen)
            looked.append(weights)
        logits = self.embedding.project(self.decoder_norm(states)).logits()
        new = TransformerState(beam, place + 1, state.memory, state.visible, tuple(pasts))
        return Stepped(logits, new, looked[max(0, len(looked) - 2)].mean(1))

    def looks(
        self, source: Tensor, source_mask: Tensor, given: Tensor, given_mask: Tensor
    ) -> list[Look]:
        """The weights of every layer and head."""
        found: list[Look] = []
        states, visible, turned = self._read(source, source_mask)
        for layer, encoding in enumerate(self._encoder):
            states, weights = encoding.forward_with_attention(states, visible, turned)
            found.append(Look("source", layer, _real(weights, source_mask)))
        states = self.encoder_norm(states)
        memory = [block.cross.project_keys_values(states) for block in self._decoder]
        written = self._embedded(self.embedding.target(given), given_mask, self.target_positions)
        turned = self._rotary(given.shape[1], written)
        earlier = torch.ones(2 * given.shape[1:], dtype=torch.bool, device=given.device).tril()
        for layer, (block, seen) in enumerate(zip(self._decoder, memory, strict=True)):
            written, target, cross = block.forward_with_attention(
                written, seen, visible, turned, earlier
            )
            found.append(Look("target", layer, _real(target, given_mask)))
            found.append(Look("cross", layer, _real(cross, given_mask)))
        return found

    @property
    def _encoder(self) -> list[Block]:
        return cast(list[Block], list(self.encoder))

    @property
    def _decoder(self) -> list[DecoderBlock]:
        return cast(list[DecoderBlock], list(self.decoder))

    def _memory(
        self, source: Tensor, source_mask: Tensor
    ) -> tuple[tuple[KeysValues, ...], Tensor | None]:
        """Keys and values of the source for each layer of the decoder, and which may be seen."""
        states, visible, turned = self._read(source, source_mask)
        for block in self._encoder:
            states = block(states, visible, turned)
        states = self.encoder_norm(states)
        return tuple(block.cross.project_keys_values(states) for block in self._decoder), visible

    def _read(
        self, source: Tensor, source_mask: Tensor
    ) -> tuple[Tensor, Tensor | None, Rotary | None]:
        """The source before its first layer."""
        vectors = self.embedding.source(source)
        states = self._embedded(vectors, source_mask, self.source_positions)
        return states, visible_keys(source_mask), self._rotary(source.shape[1], states)

    def _embedded(
        self,
        vectors: Tensor,
        mask: Tensor | None,
        positions: SinusoidalPositions | LearnedPositions | None,
        place: int = 0,
    ) -> Tensor:
        """Vectors as large as the paper's, with their places where those are added."""
        states = vectors * self.scale
        if positions is not None:
            states = positions(states, mask, place)
        return cast(Tensor, self.dropout(states))

    def _rotary(self, time: int, like: Tensor, first: int = 0) -> Rotary | None:
        width = self.rotary_dim
        return None if width is None else rotary_tables(time, width, like, first)


def _layer(kind: type[AnyBlock], config: TransformerPairsConfig) -> AnyBlock:
    return kind(
        config.dim,
        config.heads,
        hidden_dim=config.feed_forward or 2 * config.dim,
        activation=config.activation,
        dropout=config.dropout,
        norm=config.norm,
    )


def _real(weights: Tensor, queries: Tensor) -> Tensor:
    """Weights [batch, heads, queries, keys] with zeros for padded queries."""
    return weights.masked_fill(~queries[:, None, :, None], 0.0)

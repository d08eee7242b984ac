"""Causal Transformer: a language model of self-attention.

Papers: Vaswani et al. (2017), "Attention is all you need"; Radford et al. (2018), "Improving
language understanding by generative pre-training"; Su et al. (2021), "RoFormer", for rotary
positions. Use with much text and time. Use `lstm` instead with a megabyte of text and minutes.

A token sees at most `context` tokens, itself included. Texts are read in windows of that many
tokens, each begun half a window after the last one:

    window 1   |--------|--------|
    window 2            |--------|--------|
    window 3                     |--------|--------|

The states of a window's second half are used, of the first window's both halves. Every token but
those of the first window thus sees at least half a context. It is the same whether a text is scored
or written token by token.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation
from munjang.layers.attention import KeysValues
from munjang.layers.causal_block import CausalBlock
from munjang.layers.fast.causal_row_weights import Affine
from munjang.layers.fast.causal_step import can_step_layers, step_layers
from munjang.layers.fast.derived import DerivedWeights
from munjang.layers.fast.key_value_buffer import BufferedLayers, KeyValueBuffer, make_buffer
from munjang.layers.key_value_cache import KeyValueCache
from munjang.layers.position import Rotary, rotary_tables
from munjang.layers.projection import Projected
from munjang.models.decoder import StepOutput
from munjang.models.heads import check_heads
from munjang.models.language.lone_text import LoneText, open_text, output_head
from munjang.models.language.model import (
    LanguageModel,
    LanguageModelConfig,
    losses_of,
    pad_previous,
)
from munjang.models.language.transformer_state import TransformerLanguageState

# Windows that are scored at a time.
_WINDOWS = 32


class TransformerLanguageConfig(LanguageModelConfig):
    """Settings of the language model `transformer`."""

    without_encoder: ClassVar[str] = (
        "its tokens attend only to those before them, and those of the encoder transformer to all"
    )

    name: Literal["transformer"] = "transformer"
    layers: int = Field(4, ge=1, le=DEEPEST, description="number of stacked layers")
    heads: int = Field(4, ge=1, le=1024, description="number of attention heads; must divide dim")
    feed_forward_dim: int | None = Field(
        None,
        ge=1,
        le=4 * WIDEST,
        description="hidden width of the feed-forward sublayers; 4 x dim if omitted",
    )
    activation: Activation = Field("gelu", description="activation of the feed-forward sublayers")
    context: int = Field(
        128, ge=2, le=LONGEST, multiple_of=2, description="most tokens that a token sees"
    )

    @property
    def evaluated_context(self) -> str:
        """Tokens that a token of a text is predicted from in an evaluation, in words."""
        return f"the last {self.context // 2:,} to {self.context:,} tokens, by sliding windows"

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        check_heads(self.dim, self.heads, "rotary")
        return self


class TransformerLanguage(LanguageModel):
    """Causal self-attention layers with rotary positions over token vectors.

    Attributes:
        encoder_modules: see `munjang.models.encoder_source`.
    """

    encoder_modules: ClassVar[tuple[str, ...]] = ("embedding", "blocks", "norm")

    def __init__(self, config: TransformerLanguageConfig, vocabulary_size: int) -> None:
        super().__init__(config, vocabulary_size, config.dim)
        self.context = config.context
        self.heads = config.heads
        self.rotary_dim = config.dim // config.heads
        self.blocks = nn.ModuleList(
            CausalBlock(
                config.dim,
                config.heads,
                hidden_dim=config.feed_forward_dim or 4 * config.dim,
                activation=config.activation,
                dropout=config.dropout,
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self._head: DerivedWeights[Affine] = DerivedWeights()

    def forward(self, ids: Tensor, previous: Tensor, begins: Tensor) -> Projected:
        """Predict the token after each of `ids` [batch, time].

        Args:
            ids: tokens of windows, of at most `context` each.
            previous: the tokens before them, [batch, `before`].
            begins: not used: windows do not depend on each other.

        Returns:
            States [batch x time, dim] with the output layer.
        """
        return self.project(self._read_window(ids, previous)[0].flatten(0, 1))

    def begin(self, rows: int) -> TransformerLanguageState:
        """Return the state before the first token of `rows` texts, of beam 1."""
        like = torch.zeros(0, dtype=torch.int64, device=self.norm.weight.device)
        recent = pad_previous(rows, self.context + self.before, like)
        return TransformerLanguageState(KeyValueCache(rows), recent[:, None])

    def read(
        self, state: TransformerLanguageState, ids: Tensor
    ) -> tuple[Projected, TransformerLanguageState]:
        """Read tokens of every row at once.

        Args:
            state: of beam 1, before the first token of its rows.
            ids: [rows, time].

        Returns:
            States of the last window's tokens with the output layer, those of the last token of
            each row last: [rows x window, dim] in the order of the rows; and the state after them.
        """
        start = self._window_start(ids.shape[1] - 1)
        padded = torch.cat([state.recent[:, 0], ids], dim=1)
        first = state.recent.shape[2] + start
        previous = padded[:, first - self.before : first]
        states, layers = self._read_window(ids[:, start:], previous)
        cache = KeyValueCache(len(ids), 1, ids.shape[1] - start, tuple(layers))
        recent = padded[:, padded.shape[1] - state.recent.shape[2] :]
        after = TransformerLanguageState(cache, recent[:, None])
        return self.project(states.flatten(0, 1)), after

    def step(self, state: TransformerLanguageState, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam]."""
        state = self._begin_windows(state)
        if ids.numel() == 1:
            state = self._begin_text(state)
            if state.text is not None:
                return self._step_text(state, state.text, int(ids))
        rows, beam = ids.shape
        recent = state.recent
        previous = recent.flatten(0, 1)[:, recent.shape[2] - self.before :]
        vectors = self.token_vectors(ids.reshape(-1, 1), previous)
        states, cache = self._step_blocks(vectors, state.cache)
        logits = self.project(self.norm(states[:, 0])).logits()
        recent = torch.cat([recent[..., 1:], ids[..., None]], dim=2)
        return StepOutput(logits.view(rows, beam, -1), TransformerLanguageState(cache, recent))

    def read_vectors(self, vectors: Tensor) -> Tensor:
        """Return the states [batch, time, dim] of the token vectors of one window."""
        return self._run_blocks(vectors)[0]

    def negative_log_likelihoods(self, ids: Tensor) -> Tensor:
        """Return that of each token but the first of a text, [tokens - 1], by windows."""
        inputs, half = ids[:-1], self.context // 2
        padded = torch.cat([pad_previous(1, self.before, ids)[0], inputs])
        count = len(inputs)
        losses = [self._window_losses(padded, ids, [0], min(count, self.context), 0)[0]]
        starts = list(range(half, count - half, half))
        for place in range(0, len(starts), _WINDOWS):
            some = starts[place : place + _WINDOWS]
            whole = [start for start in some if start + self.context <= count]
            if whole:
                losses.append(self._window_losses(padded, ids, whole, self.context, half).flatten())
            if len(whole) < len(some):
                start = some[-1]
                losses.append(self._window_losses(padded, ids, [start], count - start, half)[0])
        return torch.cat(losses)

    def _window_losses(
        self, padded: Tensor, ids: Tensor, starts: Sequence[int], time: int, skip: int
    ) -> Tensor:
        """Return losses [windows, time - skip] of windows, without their first `skip` tokens.

        Args:
            padded: the tokens with `before` PAD in front of them.
            ids: the tokens.
            starts: first token of each window.
            time: tokens of each.
            skip: tokens of each that are not scored.
        """
        rows = torch.tensor(starts, device=ids.device)[:, None]
        places = rows + torch.arange(self.before + time, device=ids.device)
        window = padded[places]
        states, _ = self._read_window(window[:, self.before :], window[:, : self.before])
        targets = ids[rows + torch.arange(1 + skip, 1 + time, device=ids.device)]
        projected = self.project(states[:, skip:].flatten(0, 1))
        return losses_of(projected, targets.flatten()).view_as(targets)

    def _step_text(self, state: TransformerLanguageState, text: LoneText, token: int) -> StepOutput:
        """Read a token of the only hypothesis."""
        logits = text.step(token)
        cache = state.cache.append(BufferedLayers(text.buffer, text.buffer.filled))
        after = TransformerLanguageState(cache, state.earlier, text, state.read + 1)
        return StepOutput(logits[None], after)

    def _begin_text(self, state: TransformerLanguageState) -> TransformerLanguageState:
        """Return the state of one hypothesis with a `LoneText` that continues it, if one can."""
        embedding, text = self.embedding, state.text
        if text is not None and text.continues(state.cache):
            if can_step_layers(text.row.states, self.training):
                return state
        elif embedding.can_read_next() and can_step_layers(embedding.weight, self.training):
            head = output_head(self, self.norm, self._head)
            buffer = None if head is None else self._buffer_of(state.cache)
            if head is not None and buffer is not None and buffer.row is not None:
                text = open_text(self, buffer, head, self.norm.eps, state.recent)
                layers = BufferedLayers(buffer, buffer.filled)
                cache = replace(state.cache, layers=layers)
                return TransformerLanguageState(cache, state.recent, text)
        if state.text is None:
            return state
        return TransformerLanguageState(state.cache, state.recent)

    def _step_blocks(self, states: Tensor, cache: KeyValueCache) -> tuple[Tensor, KeyValueCache]:
        """Return the states of one more token [hypotheses, 1, dim], and the cache with it."""
        buffer = self._buffer_of(cache) if can_step_layers(states, self.training) else None
        if buffer is not None:
            states = step_layers(states[:, 0], buffer)[:, None]
            return states, cache.append(BufferedLayers(buffer, buffer.filled))
        rotary, visible = self._next_rotary(cache, states), cache.visible()
        columns: list[KeysValues] = []
        for number, block in enumerate(self._blocks):
            states, keys_values = block.step(states, cache.past(number), rotary, visible)
            columns.append(keys_values)
        return states, cache.append(columns)

    def _buffer_of(self, cache: KeyValueCache) -> KeyValueBuffer | None:
        """Return a buffer that holds a cache and has room; None if a layer cannot step with one."""
        layers = cache.layers
        if isinstance(layers, BufferedLayers) and layers.has_room:
            return layers.buffer
        if cache.rows * cache.beam == 1 and cache.lengths is None:
            of_row = [block.row_weights() for block in self._blocks]
            rows = [each for each in of_row if each is not None]
            whole = len(rows) == len(of_row)
            return make_buffer(cache, rows, self.heads, self.context) if whole else None
        weights = [block.step_weights() for block in self._blocks]
        plain = [each for each in weights if each is not None]
        if len(plain) < len(weights):
            return None
        return make_buffer(cache, plain, self.heads, self.context)

    @property
    def _blocks(self) -> list[CausalBlock]:
        return cast(list[CausalBlock], list(self.blocks))

    def _window_start(self, position: int) -> int:
        """Return the first token of the window in which the token at a position is read."""
        half = self.context // 2
        return max(0, -(-(position + 1 - self.context) // half)) * half

    def _read_window(self, ids: Tensor, previous: Tensor) -> tuple[Tensor, list[KeysValues]]:
        """Return states [batch, time, dim], and keys and values of every layer."""
        return self._run_blocks(self.token_vectors(ids, previous))

    def _run_blocks(self, states: Tensor) -> tuple[Tensor, list[KeysValues]]:
        """Return states [batch, time, dim] of vectors, and keys and values of every layer."""
        rotary = rotary_tables(states.shape[1], self.rotary_dim, states)
        layers = []
        for block in self._blocks:
            states, keys_values = block.read(states, rotary)
            layers.append(keys_values)
        return self.norm(states), layers

    def _begin_windows(self, state: TransformerLanguageState) -> TransformerLanguageState:
        """Return the state with the rows whose window is full at the beginning of the next one."""
        cache = state.cache
        if cache.width < self.context:
            return state
        if cache.lengths is None:
            return replace(state, cache=self._read_again(state.recent))
        is_full = cache.lengths >= self.context
        if not bool(is_full.any()):
            return state
        full, others = is_full.nonzero()[:, 0], (~is_full).nonzero()[:, 0]
        joined = self._read_again(state.recent[full]).join([cache.keep(others)])
        order = torch.argsort(torch.cat([full, others]))
        return replace(state, cache=joined.keep(order))

    def _read_again(self, recent: Tensor) -> KeyValueCache:
        """Return the cache of the last half window of `recent` [rows, beam, tokens]."""
        rows, beam, width = recent.shape
        flat, half = recent.flatten(0, 1), self.context // 2
        first = width - half
        states = self.token_vectors(flat[:, first:], flat[:, first - self.before : first])
        rotary = rotary_tables(half, self.rotary_dim, states)
        layers = []
        for block in self._blocks[:-1]:
            states, keys_values = block.read(states, rotary)
            layers.append(keys_values)
        # no token is predicted, so that the last layer's own states are not needed
        layers.append(self._blocks[-1].keys_values(states, rotary))
        return KeyValueCache(rows, beam, half, tuple(layers))

    def _next_rotary(self, cache: KeyValueCache, like: Tensor) -> Rotary:
        """Return cosines and sines of the next token of each hypothesis."""
        places = cache.positions()
        if places is None:
            return rotary_tables(1, self.rotary_dim, like, cache.width)
        rotary = rotary_tables(cache.width + 1, self.rotary_dim, like)
        return Rotary(rotary.cos[places, None, None], rotary.sin[places, None, None])

"""Networks as functions of token vectors, which gradients are taken with respect to."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.explain.recurrent_layers import find_layers, whole_states
from munjang.models.encoder import TokenVectors
from munjang.models.language.model import LanguageModel
from munjang.models.vectors import GivesStates
from munjang.names import join_names
from munjang.registry import ARCHITECTURES
from munjang.tasks.heads import find_encoders
from munjang.text.vocabulary import PAD


class TokenNetwork(Protocol):
    """A network that gives one state per token, in evaluation mode."""

    @property
    def module(self) -> Any:
        """The encoder, or the language model."""

    @property
    def longest(self) -> int | None:
        """Most tokens that it reads at once; None = no limit."""

    def embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the token vectors [batch, time, dim] of `ids` and `mask` [batch, time]."""

    def states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return the states of token vectors [batch, time, dim], [batch, time, states dim].

        Those of an lstm are hidden states and memory cells.
        """


@dataclass(frozen=True)
class EncoderStates:
    """A text encoder as a `TokenNetwork`. Its bag of n-grams reaches no state, and is left out.

    Attributes:
        encoder: the encoder.
        longest: None: rows are truncated when they are encoded.
    """

    encoder: Any
    longest: int | None = None

    @property
    def module(self) -> Any:
        """The encoder."""
        return self.encoder

    def embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the token vectors [batch, time, dim] of `ids` and `mask` [batch, time]."""
        vectors: Tensor = self.encoder.embed(ids, mask).tokens
        return vectors

    def states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return the states [batch, time, states dim] of token vectors [batch, time, dim]."""
        layers = find_layers(self.encoder)
        if layers is not None and layers.cell == "lstm":
            return whole_states(layers, vectors, mask)
        states: Tensor = self.encoder.encode(TokenVectors(vectors), mask).states
        return states


@dataclass(frozen=True)
class LanguageStates:
    """A language model as a `TokenNetwork`, of rows without padding.

    Attributes:
        network: the language model.
        longest: context of a Transformer; None = no limit.
    """

    network: LanguageModel
    longest: int | None = None

    @property
    def module(self) -> Any:
        """The language model."""
        return self.network

    def embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the token vectors [batch, time, dim] of `ids` [batch, time]."""
        del mask
        previous = ids.new_full((len(ids), self.network.before), PAD)
        return self.network.token_vectors(ids, previous)

    def states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return the states [batch, time, states dim] of token vectors [batch, time, dim]."""
        layers = find_layers(self.network)
        if layers is not None and layers.cell == "lstm":
            return whole_states(layers, vectors, mask)
        return self.network.read_vectors(vectors)


def open_network(network: nn.Module) -> TokenNetwork:
    """Return a network as a function of token vectors; of several members the first.

    Args:
        network: in evaluation mode.

    Raises:
        ConfigError: it has no state per token.
    """
    if isinstance(network, LanguageModel):
        return LanguageStates(network, getattr(network, "context", None))
    encoders = find_encoders(network)
    encoder = encoders[0] if encoders else None
    if not isinstance(encoder, GivesStates) or not hasattr(encoder, "embed"):
        kind = type(network if encoder is None else encoder).__name__.lower()
        raise ConfigError(
            f"this model ({kind}) has no state per token to look at; expected an encoder such as "
            f"{join_names(_architectures_with_states(), 'or')}, or a language model"
        )
    return EncoderStates(encoder)


def _architectures_with_states() -> list[str]:
    rows = [row for row in ARCHITECTURES.rows if "states" in row.gives and "text" in row.takes]
    return sorted({row.name for row in rows})


@torch.no_grad()
def embed_rows(network: TokenNetwork, ids: Tensor, mask: Tensor) -> Tensor:
    """Return token vectors [batch, time, dim] that a gradient can be taken with respect to."""
    with torch.inference_mode(False):
        return network.embed(ids.clone(), mask.clone()).clone()

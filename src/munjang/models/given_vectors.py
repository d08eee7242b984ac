"""Networks that read given token vectors instead of ids, for derivatives with respect to them.

The modules that turn ids into vectors are replaced by others whose ids are places in a table:

    ids      [batch, time]           a place from 1 up per token; 0 is padding
    table    [batch, places, dim]    the vector of each place

So the rest of the network, whatever head it has and however often it calls the encoder, is run as
it is. The copy shares all other modules, so that a network is safe to use meanwhile.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from munjang.models.encoder import EncoderOutput, TokenVectors


@runtime_checkable
class EmbedsSides(Protocol):
    """A network without an encoder, whose module `embedding` makes all of its token vectors.

    Attributes:
        embedding: the module.
    """

    embedding: nn.Module

    def side_vectors(self, *sides: Tensor) -> Tensor:
        """Return the vectors of all `sides`, one side after another: [1, places, dim].

        They are what `embedding` returns, before any scaling. A side has ids [1, time].
        """
        ...


@runtime_checkable
class DecomposesPooled(Protocol):
    """An encoder whose pooled vector is a sum of shares of its token vectors.

    Attributes:
        can_decompose: whether its settings allow that.
    """

    @property
    def can_decompose(self) -> bool:
        """True if `decomposed_pooled` is available."""

    def decomposed_pooled(self, vectors: TokenVectors, mask: Tensor) -> Tensor:
        """Return a vector [batch, pooled dim] that is linear in the token vectors.

        Its value is the pooled vector minus that of zero vectors, and its derivatives, times the
        token vectors, are the shares of the tokens.
        """


def take_places(table: Tensor, places: Tensor) -> Tensor:
    """Return the vectors [..., dim] of a table [batch, places, dim] at places [batch, ...].

    Places count from 1; 0 gives zeros.
    """
    flat = places.flatten(1)
    index = (flat - 1).clamp(min=0)[..., None].expand(-1, -1, table.shape[2])
    vectors = table.gather(1, index).masked_fill((flat == 0)[..., None], 0.0)
    return vectors.view(*places.shape, table.shape[2])


class GivenEncoder(nn.Module):
    """An encoder whose ids are places in tables of token vectors.

    Args:
        encoder: the encoder.
        tables: vectors of all places, [batch, places, dim].
        decomposed: whether the pooled vector is that of `DecomposesPooled`.
    """

    def __init__(self, encoder: Any, tables: TokenVectors, *, decomposed: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        self.tables = tables
        self.decomposed = decomposed
        self.training = False

    @property
    def embedding(self) -> Any:
        """The embedding of the encoder, which an output layer may share."""
        return self.encoder.embedding

    def forward(self, ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encode the vectors at the places `ids`, with `mask`, both [batch, time]."""
        bag = self.tables.bag
        vectors = TokenVectors(
            take_places(self.tables.tokens, ids), None if bag is None else take_places(bag, ids)
        )
        if self.decomposed:
            return EncoderOutput(self.encoder.decomposed_pooled(vectors.masked(mask), mask), mask)
        output: EncoderOutput = self.encoder.encode(vectors, mask)
        return output

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return one state per token, [batch, time, states dim]."""
        states = self.forward(ids, mask).states
        assert states is not None
        return states


class GivenEmbedding(nn.Module):
    """An embedding whose ids are places in a table of token vectors.

    It has all other attributes of the embedding that it replaces.

    Args:
        module: the embedding.
        table: vectors of all places, [batch, places, dim].
    """

    def __init__(self, module: nn.Module, table: Tensor) -> None:
        super().__init__()
        self.module = module
        self.table = table
        self.training = False

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("module"), name)

    def forward(self, ids: Tensor, mask: Tensor, row: Any = None) -> Tensor:
        """Return the vectors [batch, time, dim] at the places `ids` [batch, time]."""
        return take_places(self.table, ids)

    def embed_source(self, ids: Tensor) -> Tensor:
        """Return the vectors at the places `ids` [batch, time]."""
        return take_places(self.table, ids)

    def embed_target(self, ids: Tensor) -> Tensor:
        """Return the vectors at the places `ids` [batch, time]."""
        return take_places(self.table, ids)


def replace_modules(network: nn.Module, others: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """Return a network with some of its modules replaced; it shares all others.

    Args:
        network: any module.
        others: the new module for each one that is replaced.
    """
    if network in others:
        return others[network]
    children = {
        name: child if child is None else replace_modules(child, others)
        for name, child in network._modules.items()
    }
    if all(child is network._modules[name] for name, child in children.items()):
        return network
    copied = object.__new__(type(network))
    copied.__dict__ = {**network.__dict__, "_modules": children}
    return copied


@torch.no_grad()
def embed_sides(encoder: Any, sides: tuple[Tensor, ...]) -> TokenVectors:
    """Return the vectors that an encoder makes of ids [1, time] each, one after another."""
    parts = [encoder.embed(ids, torch.ones_like(ids, dtype=torch.bool)) for ids in sides]
    bags = [part.bag for part in parts if part.bag is not None]
    return TokenVectors(
        torch.cat([part.tokens for part in parts], dim=1), torch.cat(bags, dim=1) if bags else None
    )

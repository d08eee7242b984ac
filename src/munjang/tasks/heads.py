"""Heads of encoders, deep ensembles, and ensembles with a linear model."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.linear import Linear
from munjang.layers.projection import Projected
from munjang.models.encoder_source import EncoderSource
from munjang.models.pair_encoder import PairEncoder
from munjang.models.vectors import choose_pooling, pool_vectors
from munjang.registry import Gives
from munjang.tasks.word_head import WordHead


class Head(nn.Module):
    """An encoder and a linear layer on its pooled vector.

    Attributes:
        reads: what it reads of the encoder, and so trains.
    """

    reads: ClassVar[Gives] = "pooled"

    def __init__(self, encoder: Any, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.pooled_dim, outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return logits [batch, outputs]."""
        return self.head(self.encoder(*inputs).pooled)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class MaskedOutputs:
    """Outputs of a `MaskedHead`.

    Attributes:
        tokens: states of the chosen places, and the output layer over the vocabulary.
        pairs: logits that the second text of a row does not, and does, follow the first,
            [batch, 2]; None if pairs are not judged.
    """

    tokens: Projected
    pairs: Tensor | None = None


class MaskedHead(nn.Module):
    """An encoder, and predictions of tokens at chosen places.

    As in BERT's `cls.predictions`: a linear layer, GELU (or what the encoder names as
    `head_activation`) and a norm, then the transposed token embedding ("tied" weights, Press and
    Wolf 2017) with a bias per token. Only the states of the chosen places pass through it.

    With `pairs`, the first state of a row passes through BERT's pooler, a linear layer and tanh,
    and `cls.seq_relationship` to the logits of two classes.

    Args:
        encoder: gives one state per token.
        vocabulary_size: number of ids.
        pairs: whether pairs of texts are judged too.
    """

    reads: ClassVar[Gives] = "states"

    def __init__(self, encoder: Any, vocabulary_size: int, *, pairs: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        self.vocabulary_size = vocabulary_size
        dim = encoder.embedding.dim
        self.transform = Linear(encoder.states_dim, dim)
        self.activation = getattr(encoder, "head_activation", F.gelu)
        self.norm = nn.LayerNorm(dim, eps=getattr(encoder, "norm_eps", 1e-5))
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        width = encoder.states_dim
        self.pair_pooler = nn.Linear(width, width) if pairs else None
        self.pair_output = nn.Linear(width, 2) if pairs else None

    def forward(self, ids: Tensor, mask: Tensor, places: Tensor) -> MaskedOutputs:
        """Return states [chosen, dim] of the chosen places of the flattened `ids`, to project."""
        states = self.encoder.states(ids, mask)
        chosen = self.norm(self.activation(self.transform(states.flatten(0, 1)[places])))
        weight = self.encoder.embedding.tied_weight()
        pairs = None
        if self.pair_pooler is not None and self.pair_output is not None:
            pairs = self.pair_output(self.pair_pooler(states[:, 0]).tanh())
        return MaskedOutputs(Projected(chosen, weight, self.bias), pairs)


@dataclass(frozen=True)
class Towers:
    """Vectors of both texts of some pairs.

    Attributes:
        first: unit vectors [batch, dim].
        second: unit vectors [batch, dim].
        first_keys: equal numbers for equal first texts, [batch].
        second_keys: equal numbers for equal second texts, [batch].
    """

    first: Tensor
    second: Tensor
    first_keys: Tensor
    second_keys: Tensor

    def cosines(self) -> Tensor:
        """Return the cosine of each pair, [batch]."""
        return (self.first * self.second).sum(1)


class TwoTowers(nn.Module):
    """One encoder that reads both texts of a pair, each on its own ("siamese" networks).

    As in Sentence-BERT (Reimers and Gurevych 2019). There are no weights besides the encoder's.

    Args:
        encoder: reads one text.
        pooling: pooling of its vectors; None for its default (`munjang.models.vectors`).

    Raises:
        ConfigError: the encoder does not have that pooling.
    """

    def __init__(self, encoder: Any, pooling: str | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = choose_pooling(encoder, pooling)
        self.reads: Gives = "pooled" if self.pooling == "pooled" else "states"

    def forward(
        self, first: Tensor, first_mask: Tensor, second: Tensor, second_mask: Tensor
    ) -> Towers:
        """Return the vectors of the texts `first` and `second`, ids and masks [batch, time]."""
        return Towers(
            F.normalize(pool_vectors(self.encoder, self.pooling, first, first_mask), dim=1),
            F.normalize(pool_vectors(self.encoder, self.pooling, second, second_mask), dim=1),
            hash_rows(first),
            hash_rows(second),
        )


def hash_rows(ids: Tensor) -> Tensor:
    """Return a number per row of `ids` [batch, time] that padding does not change, [batch].

    Rows of equal ids have equal numbers; others differ but by an accident of 1 in 2^63.
    """
    # odd multipliers, as those of a linear congruential generator; sums wrap around
    places = torch.arange(1, ids.shape[1] + 1, device=ids.device)
    multipliers = (places * 6364136223846793005 + 1442695040888963407) | 1
    mixed = (ids * 0x9E3779B1) ^ (ids << 17)
    return (mixed * multipliers).sum(1)


class Ensemble(nn.Module):
    """A deep ensemble: networks that learn from the same batches, with averaged logits.

    "Simple and scalable predictive uncertainty estimation using deep ensembles" (Lakshminarayanan
    et al. 2017). Initial weights and dropout masks differ, so that their errors do.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        """Return the mean logits [batch, outputs]; in training a list with the logits of each."""
        logits = [network(*inputs) for network in self.networks]
        return logits if self.training else torch.stack(logits).mean(0)


class LinearEnsemble(nn.Module):
    """A network and a linear model of the same inputs, whose logits are averaged in evaluation.

    Args:
        network: trained as it would be alone.
        linear: a fitted model, which is not trained further.
        linear_weight: weight w of its logits, 0 <= w < 1: (1 - w) network + w linear.
    """

    def __init__(self, network: nn.Module, linear: nn.Module, linear_weight: float) -> None:
        super().__init__()
        self.network = network
        self.linear = linear
        self.linear_weight = linear_weight

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        """Return the weighted mean logits [batch, outputs]; in training the output of `network`."""
        logits = self.network(*inputs)
        if self.training:
            return logits  # type: ignore[no-any-return]
        return torch.lerp(logits, self.linear(*inputs), self.linear_weight)


# Modules with an attribute `encoder`.
_HEADS = (Head, MaskedHead, TwoTowers, WordHead)


def find_heads(network: nn.Module) -> list[Any]:
    """Return every head in `network`, each with its encoder, in their order."""
    return [module for module in network.modules() if isinstance(module, _HEADS)]


def find_encoders(network: nn.Module) -> list[Any]:
    """Return the encoder of every head in `network`, in their order."""
    found = [head.encoder for head in find_heads(network)]
    return [body.encoder if isinstance(body, PairEncoder) else body for body in found]


def find_members(network: nn.Module) -> list[Any]:
    """Return the parts of `network` that are trained from one set of weights each, in their order.

    They are its heads; a network without a head that has modules of an encoder is one itself.
    """
    heads = find_heads(network)
    return [network] if not heads and isinstance(network, EncoderSource) else heads


def member_weights(member: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a member by name; those of its encoder begin with `encoder.`.

    An encoder that reads the texts of a row apart has the names that it has alone.
    """
    weights = member.state_dict()
    if isinstance(member, EncoderSource):
        shared = tuple(f"{name}." for name in member.encoder_modules)
        return {f"encoder.{n}" if n.startswith(shared) else n: t for n, t in weights.items()}
    if not isinstance(getattr(member, "encoder", None), PairEncoder):
        return weights
    return {name.replace("encoder.encoder.", "encoder.", 1): t for name, t in weights.items()}


def find_trained_pooling(network: nn.Module) -> str | None:
    """Return the pooling of the vectors that a network was trained to give; None without such."""
    poolings = (module.pooling for module in network.modules() if isinstance(module, TwoTowers))
    return next(poolings, None)

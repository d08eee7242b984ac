"""One row whose scores are explained: as a function of its tokens, and of their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.explain.located import LocatedRow
from munjang.models.encoder import TokenVectors
from munjang.models.given_vectors import (
    DecomposesPooled,
    EmbedsSides,
    GivenEmbedding,
    GivenEncoder,
    embed_sides,
    replace_modules,
)
from munjang.tasks.explained import ExplainedScores, ExplainsScores, ScoreSides
from munjang.tasks.heads import Head, LinearEnsemble, find_encoders, find_heads
from munjang.tasks.inference import device_of, evaluating
from munjang.text.vocabulary import OOV

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# Most tokens of variants of a row that a network reads at once.
_MOST_TOKENS = 4096


@dataclass(frozen=True, eq=False)
class ExplainedRow:
    """One row and its scores.

    Attributes:
        network: in evaluation mode, adapted to the OOV words of the row.
        located: the row.
        scores: what is explained.
    """

    network: nn.Module = field(repr=False)
    located: LocatedRow
    scores: ExplainedScores

    @classmethod
    def of(cls, model: Any, value: Any, wanted: str | None, target: str | None) -> "ExplainedRow":
        """Return one value of a model as a row.

        Args:
            model: a `munjang.model.Model`.
            value: as for `Model.predict`.
            wanted: class, label or token to explain; None for the answer.
            target: answer to explain, of models that write text; None for the model's own.

        Raises:
            ConfigError: the model's answers have no words or no scores; or there is no such class.
            DataError: the value has no token.
        """
        if not can_explain(model):
            raise ConfigError(
                "the answers of this model are not explained by words: expected a model of texts, "
                "trained by munjang train"
            )
        task = model.task
        located = model.reader.locate(model.network, task, value, target)
        network = located.encoded.adapt(model.network)
        device = device_of(network)
        sides = [torch.from_numpy(side)[None].to(device) for side in located.sides]
        return cls(network, located, task.explain_scores(network, sides, wanted))

    @property
    def size(self) -> int:
        """Number of scores."""
        return len(self.scores.names)

    @cached_property
    def places(self) -> tuple[Tensor, ...]:
        """Places of each side, from 1 through all of them, [1, time] each."""
        begins = np.cumsum([1, *map(len, self.located.sides)]).tolist()
        device = device_of(self.network)
        return tuple(
            torch.arange(begin, begin + len(side), device=device)[None]
            for begin, side in zip(begins, self.located.sides, strict=False)
        )

    @cached_property
    def ids(self) -> tuple[Tensor, ...]:
        """Ids of each side as the network reads them, [1, time] each."""
        device = device_of(self.network)
        sides = (torch.from_numpy(side)[None].to(device) for side in self.located.sides)
        return tuple(self.scores.visible(side) for side in sides)

    @cached_property
    def oov_ids(self) -> tuple[Tensor, ...]:
        """The ids with OOV for every token of a text that may be left out, [1, time] each."""
        droppable = torch.from_numpy(self.droppable).to(self.ids[0].device)
        parts = torch.split(droppable, [side.shape[1] for side in self.ids])
        return tuple(
            side.masked_fill(part[None], OOV) for side, part in zip(self.ids, parts, strict=True)
        )

    @cached_property
    def droppable(self) -> Bools:
        """True for each place of a token of a text that may be left out, [places]."""
        table = np.zeros(self.located.places, dtype=np.bool_)
        for text in self.located.texts:
            table[text.places] = True
        table[list(self.scores.kept)] = False
        return table

    def score(
        self, absent: Bools, *, deleted: bool = False, compute: ScoreSides | None = None
    ) -> Floats:
        """Return the scores of variants of the row, in each of which some tokens are absent.

        Args:
            absent: True for each place that is absent, [variants, places]; those that are always
                kept stay.
            deleted: delete these tokens; else OOV stands in their places.
            compute: computes something else instead of the scores, such as probabilities.

        Returns:
            [variants, scores].
        """
        absent = absent & self.droppable
        compute = compute or self.scores.compute
        results = np.empty((len(absent), self.size))
        with evaluating(self.network), torch.no_grad():
            for rows in self._groups(absent, deleted=deleted):
                ids, places = self._sides(absent[rows], deleted=deleted)
                results[rows] = compute(self.network, ids, places).double().cpu().numpy()
        return results

    def _groups(self, absent: Bools, *, deleted: bool) -> list[npt.NDArray[np.int64]]:
        """Return indices of variants with sides of equal lengths, so that none needs padding."""
        lengths = np.zeros((len(absent), len(self.ids)), dtype=np.int64)
        if deleted:
            bounds = np.cumsum([0, *(side.shape[1] for side in self.ids)])
            lengths = np.add.reduceat(~absent, bounds[:-1], axis=1, dtype=np.int64)
        most = max(1, _MOST_TOKENS // max(1, self.located.places))
        groups = []
        for shape in np.unique(lengths, axis=0):
            rows = np.flatnonzero((lengths == shape).all(1))
            groups += [rows[start : start + most] for start in range(0, len(rows), most)]
        return groups

    def _sides(self, absent: Bools, *, deleted: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Return ids and places of each side, [variants, time] each."""
        device = self.ids[0].device
        all_ids, all_places, begin = [], [], 0
        for side, numbers in zip(self.ids, self.places, strict=True):
            part = torch.from_numpy(absent[:, begin : begin + side.shape[1]]).to(device)
            begin += side.shape[1]
            ids, places = side.expand(len(part), -1), numbers.expand(len(part), -1)
            if not deleted:
                ids = ids.masked_fill(part, OOV)
            else:
                # of an empty text one place of padding is read
                time = max(1, int((~part[0]).sum()))
                order = part.int().argsort(dim=1, stable=True)[:, :time]
                ids = ids.masked_fill(part, 0).gather(1, order)
                places = places.masked_fill(part, 0).gather(1, order)
            all_ids.append(ids)
            all_places.append(places)
        return all_ids, all_places


@dataclass(frozen=True, eq=False)
class VectorScores:
    """The scores of a row as a function of its token vectors.

    An n-gram model that reads ids beside a network (`munjang.layers.tfidf_linear`) has no token
    vectors; the scores are those without it.

    Attributes:
        row: the row.
        network: the network without such a model.
        weight: of that network's scores.
        encoders: those of all members of an ensemble, in the order of the tables; a single one that
            is the network itself where there is no encoder.
        decomposed: whether the pooled vectors are decomposed exactly.
    """

    row: ExplainedRow
    network: nn.Module
    weight: float
    encoders: tuple[Any, ...]
    decomposed: bool = False

    @classmethod
    def of(cls, row: ExplainedRow, *, decomposed: bool = False) -> "VectorScores":
        """Return the scores of a row as a function of its token vectors.

        Raises:
            ConfigError: the network makes its vectors in a way that is not known.
        """
        network, weight = row.network, 1.0
        if isinstance(network, LinearEnsemble):
            weight = 1.0 - network.linear_weight
            network = network.network
        encoders = tuple(find_encoders(network))
        if not encoders and isinstance(network, EmbedsSides):
            encoders = (network,)
        if not encoders or not all(_takes_vectors(encoder) for encoder in encoders):
            name = type(encoders[0] if encoders else network).__name__
            raise ConfigError(
                f"method: {name} has no token vectors that derivatives could be taken of; choose "
                "leave_one_out"
            )
        return cls(row, network, weight, encoders, decomposed)

    def vectors(self, ids: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the tables of vectors of all places [1, places, dim], one or two per encoder."""
        with evaluating(self.network), torch.no_grad():
            parts = [_embed(encoder, tuple(ids)) for encoder in self.encoders]
        return tuple(
            table for part in parts for table in (part.tokens, part.bag) if table is not None
        )

    @cached_property
    def has_bag(self) -> tuple[bool, ...]:
        """True if each encoder has a second table: that of its bag of n-grams."""
        return tuple(getattr(encoder, "bag", None) is not None for encoder in self.encoders)

    def __call__(self, tables: Sequence[Tensor]) -> Tensor:
        """Return the scores [batch, scores] of tables [batch, places, dim].

        What the model without vectors adds is left out, and so are offsets that it shares in.
        """
        remaining, others = iter(tables), {}
        for encoder, has_bag in zip(self.encoders, self.has_bag, strict=True):
            given = TokenVectors(next(remaining), next(remaining) if has_bag else None)
            others.update(_given_modules(encoder, given, decomposed=self.decomposed))
        network = replace_modules(self.network, others)
        places = [side.expand(len(tables[0]), -1) for side in self.row.places]
        return self.row.scores.compute(network, places, places)


def can_explain(model: Any) -> bool:
    """Return whether the answers of a model can be divided among the words of a text."""
    reader, task = getattr(model, "reader", None), getattr(model, "task", None)
    return hasattr(reader, "locate") and isinstance(task, ExplainsScores)


def can_decompose(network: nn.Module) -> bool:
    """Return whether the logits of a network are sums of shares of its token vectors.

    They are if each head is linear, and its encoder is one of `DecomposesPooled`.
    """
    heads = find_heads(network)
    return bool(heads) and all(
        type(head) is Head
        and isinstance(head.encoder, DecomposesPooled)
        and head.encoder.can_decompose
        for head in heads
    )


def _takes_vectors(encoder: Any) -> bool:
    is_encoder = hasattr(encoder, "embed") and hasattr(encoder, "encode")
    return isinstance(encoder, EmbedsSides) or is_encoder


def _embed(encoder: Any, sides: tuple[Tensor, ...]) -> TokenVectors:
    if isinstance(encoder, EmbedsSides):
        return TokenVectors(encoder.side_vectors(*sides))
    return embed_sides(encoder, sides)


def _given_modules(
    encoder: Any, vectors: TokenVectors, *, decomposed: bool
) -> dict[nn.Module, nn.Module]:
    """Return the module that stands in for one of a network, so that it reads vectors."""
    if isinstance(encoder, EmbedsSides):
        return {encoder.embedding: GivenEmbedding(encoder.embedding, vectors.tokens)}
    return {encoder: GivenEncoder(encoder, vectors, decomposed=decomposed)}

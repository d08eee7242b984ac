"""Hypotheses that ended, as tensors until their row is done."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.decoding.hypotheses import Hypothesis
from munjang.layers.beams import pick_hypotheses
from munjang.text.vocabulary import EOS


@dataclass(frozen=True)
class Answers:
    """Several answers per row. A score of -inf marks an empty place.

    Attributes:
        ids: [rows, answers, time], EOS from the end on; an answer without EOS was cut.
        score: [rows, answers] float64.
        log_probability: [rows, answers] float64.
        attention: [rows, answers, time, source time], or None.
    """

    ids: Tensor
    score: Tensor
    log_probability: Tensor
    attention: Tensor | None

    @staticmethod
    def empty(like: Tensor, places: int, attention: Tensor | None) -> "Answers":
        """Return empty places for each row of `like` [rows, ...] int64.

        `attention` [rows, beam, time, source time] decides whether attention is kept, and its
        width.
        """
        scores = torch.full((len(like), places), -math.inf, device=like.device).double()
        if attention is not None:
            attention = attention.new_zeros(len(like), places, 0, attention.shape[3])
        return Answers(like.new_zeros(len(like), places, 0), scores, scores, attention)

    def keep(self, rows: Tensor) -> "Answers":
        """Return the answers of some rows, `rows` [kept] int64."""
        return self._map(lambda tensor: tensor[rows])

    def merge(self, later: "Answers", places: int) -> "Answers":
        """Return the best `places` answers of both, best first; `later` has no fewer time steps.

        Finished answers come before cut ones, then higher scores, then those of `self`.
        """
        longer = later.ids.shape[2] - self.ids.shape[2]
        attention = None
        if self.attention is not None and later.attention is not None:
            padded = F.pad(self.attention, (0, 0, 0, longer))
            attention = torch.cat([padded, later.attention], dim=1)
        both = Answers(
            ids=torch.cat([F.pad(self.ids, (0, longer), value=EOS), later.ids], dim=1),
            score=torch.cat([self.score, later.score], dim=1),
            log_probability=torch.cat([self.log_probability, later.log_probability], dim=1),
            attention=attention,
        )
        return both.rank(places)

    def rank(self, places: int) -> "Answers":
        """Return the first `places` answers in the order of `merge`."""
        by_score = self.score.argsort(dim=1, descending=True, stable=True)
        # 0 finished, 1 cut, 2 empty
        group = (self.ids != EOS).all(2).long().masked_fill(self.score == -math.inf, 2)
        by_group = group.gather(1, by_score).argsort(dim=1, stable=True)
        order = by_score.gather(1, by_group)[:, :places]
        return self._map(lambda tensor: pick_hypotheses(tensor, order))

    def to_hypotheses(
        self, source_lengths: Tensor | None, places: int, with_attention: bool
    ) -> list[list[Hypothesis]]:
        """Return the first `places` answers of each row at most, without empty places.

        Attention is cut at the row's own source length, [rows], so that a batch does not show in
        it.
        """
        lengths = (self.ids != EOS).sum(2)
        columns = (self.ids, lengths, self.score, self.log_probability)
        ids, tokens, scores, sums = (column.tolist() for column in columns)
        time = self.ids.shape[2]
        attention = self.attention if with_attention and source_lengths is not None else None
        widths = None if attention is None or source_lengths is None else source_lengths.tolist()
        answers: list[list[Hypothesis]] = []
        for row in range(len(ids)):
            answers.append([])
            for place, score in enumerate(scores[row][:places]):
                if score == -math.inf:
                    break
                length = tokens[row][place]
                weights = None
                if attention is not None and widths is not None:
                    weights = attention[row, place, :length, : widths[row]].clone().cpu()
                answer = tuple(ids[row][place][:length])
                answers[-1].append(
                    Hypothesis(answer, score, sums[row][place], length < time, weights)
                )
        return answers

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Answers":
        return Answers(
            ids=change(self.ids),
            score=change(self.score),
            log_probability=change(self.log_probability),
            attention=None if self.attention is None else change(self.attention),
        )

"""Answers that have ended, as tensors until their sentence is done."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.decoding.hypotheses import Hypothesis
from munjang.text.vocabulary import EOS


@dataclass(frozen=True)
class Answers:
    """Some answers to each sentence. Those of score -inf are empty places.

    Attributes:
        ids: [sentences, answers, time], with EOS from the end on; an answer without EOS was cut.
        score: [sentences, answers] float64.
        log_probability: [sentences, answers] float64.
        attention: [sentences, answers, time, source time], or None.
    """

    ids: Tensor
    score: Tensor
    log_probability: Tensor
    attention: Tensor | None

    @staticmethod
    def none(like: Tensor, places: int, attention: Tensor | None) -> "Answers":
        """Empty places for the sentences of `like` [sentences, ...] int64.

        `attention` [sentences, beam, time, source time] says whether it is kept, and how wide.
        """
        empty = torch.full((len(like), places), -math.inf, device=like.device).double()
        if attention is not None:
            attention = attention.new_zeros(len(like), places, 0, attention.shape[3])
        return Answers(like.new_zeros(len(like), places, 0), empty, empty, attention)

    def keep(self, sentences: Tensor) -> "Answers":
        """Those of some sentences, `sentences` [kept] int64."""
        return self._each(lambda tensor: tensor[sentences])

    def best(self, more: "Answers", places: int) -> "Answers":
        """The best of both, best first; `more` is not shorter in time.

        Finished ones come before cut ones, then higher scores, then those of `self`, then order.
        """
        longer = more.ids.shape[2] - self.ids.shape[2]
        attention = None
        if self.attention is not None and more.attention is not None:
            grown = F.pad(self.attention, (0, 0, 0, longer))
            attention = torch.cat([grown, more.attention], dim=1)
        both = Answers(
            ids=torch.cat([F.pad(self.ids, (0, longer), value=EOS), more.ids], dim=1),
            score=torch.cat([self.score, more.score], dim=1),
            log_probability=torch.cat([self.log_probability, more.log_probability], dim=1),
            attention=attention,
        )
        return both.ranked(places)

    def ranked(self, places: int) -> "Answers":
        """The first `places` in the order of `best`."""
        by_score = self.score.argsort(dim=1, descending=True, stable=True)
        kind = (self.ids != EOS).all(2).long().masked_fill(self.score == -math.inf, 2)
        by_kind = kind.gather(1, by_score).argsort(dim=1, stable=True)
        order = by_score.gather(1, by_kind)[:, :places]
        return self._each(lambda tensor: choose(tensor, order))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Answers":
        return Answers(
            ids=change(self.ids),
            score=change(self.score),
            log_probability=change(self.log_probability),
            attention=None if self.attention is None else change(self.attention),
        )

    def hypotheses(
        self, source_lengths: Tensor, places: int, with_attention: bool
    ) -> list[list[Hypothesis]]:
        """Of each sentence the first `places` at most; empty places are left out.

        Attention is cut at the sentence's own length, so that a batch does not show in it.
        """
        lengths = (self.ids != EOS).sum(2)
        columns = (self.ids, lengths, self.score, self.log_probability)
        ids, words, scores, sums = (column.tolist() for column in columns)
        time = self.ids.shape[2]
        found: list[list[Hypothesis]] = []
        for sentence, width in enumerate(source_lengths.tolist()):
            found.append([])
            for place, score in enumerate(scores[sentence][:places]):
                if score == -math.inf:
                    break
                said = words[sentence][place]
                attention = None
                if with_attention and self.attention is not None:
                    attention = self.attention[sentence, place, :said, :width].clone().cpu()
                answer = tuple(ids[sentence][place][:said])
                found[-1].append(
                    Hypothesis(answer, score, sums[sentence][place], said < time, attention)
                )
        return found


def choose(tensor: Tensor, places: Tensor) -> Tensor:
    """`tensor` [sentences, some, ...] at `places` [sentences, chosen]: [sentences, chosen, ...]."""
    return tensor[torch.arange(len(tensor), device=tensor.device)[:, None], places]

"""Beam search.

Each row has up to `beam` active hypotheses. A step considers all of their continuations:

1. Candidates are the 2 · beam with the highest log P(Y | X). At most `beam` of them end with EOS,
   so `beam` others are left wherever there are so many.
2. Of the first `beam` candidates, those that end with EOS are finished. They are ranked by the
   score of `munjang.decoding.penalties`, and as many are kept as answers are asked for. EOS further
   down is dropped.
3. The first `beam` candidates without EOS stay active.

A row is done when no active hypothesis can come before the last of the answers kept, when none is
active, or at its limit of steps. The first rule is exact: log P only falls as a hypothesis grows,
lp only rises, and cp is never above 0, so any continuation of an active hypothesis has a score

    s ≤ log P(Y | X) / lp(limit)

and more steps would change nothing. With `early_stopping` a row is also done as soon as `beam`
answers have finished, which is quicker and may miss a better one ("first come, first served" in
Kasai et al. 2022, "A call for clarity in beam search: how it works and when it stops").

Hypotheses that are active at the limit are cut there. Cut answers are ranked by the same score and
come after all finished ones, where these are fewer than asked for. Of equal candidates, the one of
the lower parent comes first, then that of the lower id; of equal answers, the one that finished
earlier.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from munjang.decoding.active import (
    ActiveHypotheses,
    NextTokens,
    next_state,
    predict_next,
    split_done,
    start,
)
from munjang.decoding.answers import Answers
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.penalties import length_penalty, score
from munjang.decoding.settings import DecodingSettings
from munjang.decoding.top_k import top_k
from munjang.layers.beams import pick_hypotheses
from munjang.models.decoder import State, Step
from munjang.text.vocabulary import EOS


@dataclass(frozen=True)
class Candidates:
    """Best continuations of each row, best first: all [rows, candidates].

    Attributes:
        parents: the active hypothesis that each one continues.
        ids: its new token.
        log_probability: float64; -inf where there are no more.
    """

    parents: Tensor
    ids: Tensor
    log_probability: Tensor

    def first(self, number: int) -> "Candidates":
        """Return the first `number` candidates of each row."""
        return Candidates(
            self.parents[:, :number], self.ids[:, :number], self.log_probability[:, :number]
        )

    def select(self, is_wanted: Tensor, number: int) -> "Candidates":
        """Return the first `number` candidates where `is_wanted` [rows, candidates].

        Where there are fewer, the rest have -inf and EOS, as a finished hypothesis would.
        """
        order = (~is_wanted).byte().argsort(dim=1, stable=True)[:, :number]
        sums = pick_hypotheses(self.log_probability, order)
        sums = sums.masked_fill(~is_wanted.gather(1, order), -math.inf)
        ids = pick_hypotheses(self.ids, order).masked_fill(sums == -math.inf, EOS)
        return Candidates(pick_hypotheses(self.parents, order), ids, sums)


def beam_search(
    step: Step,
    state: State,
    limits: Tensor,
    settings: DecodingSettings,
    *,
    first_ids: Tensor | None = None,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Return 1 to `nbest` answers per row, best first.

    Args:
        step: of a model in evaluation mode.
        state: before the first step, of beam 1.
        limits: steps after which each row is cut, [rows] int64.
        settings: with a beam of 1, `early_stopping` makes it greedy.
        first_ids: the token that each row reads first, [rows]; None: GO.
        with_attention: return `Hypothesis.attention`, where the state has a source.
    """
    active = start(state, limits, settings, first_ids=first_ids, with_attention=with_attention)
    places = settings.beam if settings.early_stopping else settings.nbest
    answers = Answers.empty(active.prefix, places, active.attention)
    found: list[list[Hypothesis]] = [[] for _ in range(len(limits))]
    while len(active.keys):
        output = predict_next(step, state, active, settings)
        candidates = _candidates(output, active, settings.beam)
        answers = _add_finished(answers, candidates, output, active, settings)
        chosen = candidates.select(candidates.ids != EOS, settings.beam)
        active = active.extend(output, chosen.parents, chosen.ids, chosen.log_probability)
        leaving, staying = split_done(_is_done(active, answers, settings))
        if len(leaving):
            done = active.keep(leaving)
            final = _add_cut(answers.keep(leaving), done, settings)
            hypotheses = final.to_hypotheses(done.source_lengths(), settings.nbest, with_attention)
            for key, best in zip(done.keys.tolist(), hypotheses, strict=True):
                found[key] = best
            active, answers = active.keep(staying), answers.keep(staying)
        state = next_state(output.state, chosen.parents, leaving, staying)
    return found


def _candidates(output: NextTokens, active: ActiveHypotheses, beam: int) -> Candidates:
    """Return the 2 · beam best continuations, or all; no more than these are of one parent."""
    number = min(2 * beam, output.log_probabilities.shape[2])
    values, ids = top_k(output.log_probabilities, number)
    sums = (active.log_probability[..., None] + values.double()).flatten(1)
    order = sums.argsort(dim=1, descending=True, stable=True)[:, : 2 * beam]
    return Candidates(order // number, ids.flatten(1).gather(1, order), sums.gather(1, order))


def _add_finished(
    answers: Answers,
    candidates: Candidates,
    output: NextTokens,
    active: ActiveHypotheses,
    settings: DecodingSettings,
) -> Answers:
    """Merge the first `beam` candidates that end with EOS into `answers`."""
    first = candidates.first(settings.beam)
    has_ended = (first.ids == EOS) & (first.log_probability > -math.inf)
    most = int(has_ended.sum(1).max())
    if most == 0:
        return answers
    ended = first.select(has_ended, most)
    ids = torch.cat([pick_hypotheses(active.prefix, ended.parents), ended.ids[..., None]], dim=2)
    attention = output.attention
    if attention is not None:
        attention = pick_hypotheses(attention, ended.parents)
    later = _scored(ids, ended.log_probability, attention, active, settings)
    return answers.merge(later, answers.score.shape[1])


def _is_done(active: ActiveHypotheses, answers: Answers, settings: DecodingSettings) -> Tensor:
    """Return which rows are done, [rows], by the rules of the module's docstring."""
    highest = active.log_probability.amax(1)
    reachable = highest / length_penalty(active.limits, settings.length_penalty)
    worst = answers.score[:, -1]
    is_full = worst > -math.inf
    is_beaten = is_full & ((reachable <= worst) | settings.early_stopping)
    return is_beaten | (highest == -math.inf) | active.is_at_limit()


def _add_cut(answers: Answers, active: ActiveHypotheses, settings: DecodingSettings) -> Answers:
    """Merge the hypotheses of rows at their limit into `answers`."""
    is_running = ~active.is_at_limit()[:, None]
    sums = active.log_probability.masked_fill(is_running, -math.inf)
    later = _scored(active.prefix, sums, active.attention, active, settings)
    return answers.merge(later, answers.score.shape[1])


def _scored(
    ids: Tensor,
    log_probability: Tensor,
    attention: Tensor | None,
    active: ActiveHypotheses,
    settings: DecodingSettings,
) -> Answers:
    """Return answers `ids` [rows, beam, time] with their scores; |Y| is `time`."""
    length = torch.tensor(ids.shape[2], device=ids.device)
    scores = score(log_probability, length, attention, active.source_mask, settings)
    return Answers(ids, scores, log_probability, attention)

"""Beam search.

Each sentence has up to `beam` live hypotheses. A step looks at all of their continuations:

1. Candidates are the 2 · beam with the highest log P(Y | X). At most `beam` of them say EOS, so
   `beam` others are left wherever there are so many.
2. Of the first `beam` candidates, those that say EOS have ended. They are ranked by the score of
   `munjang.decoding.penalties`, and as many are kept as answers are asked for. EOS further down
   is dropped.
3. The first `beam` candidates without EOS live on.

A sentence is done when no live hypothesis can come before the last of the answers kept, when none
is alive, or at its limit of steps. The first is exact: log P only falls as a hypothesis grows, lp
only rises, and cp is never above 0, so what comes of a live one scores

    s ≤ log P(Y | X) / lp(limit)

and waiting longer would change nothing. With `early_stop` a sentence is also done as soon as `beam`
answers have ended, which is quicker and may miss a better one ("first come, first served" in
Kasai et al. 2022, "A call for clarity in beam search: how it works and when it stops").

What still lives at the limit is cut there. Cut answers are ranked by the same score and come after
all that ended, where these are fewer than asked for. Of equal candidates, the one of the lower
parent comes first, then that of the lower id; of equal answers, the one that ended earlier.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from munjang.decoding.answers import Answers, choose
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.live import Live, Reading, begin, divide, go_on, read
from munjang.decoding.penalties import length_penalty, score
from munjang.decoding.settings import DecodingSettings
from munjang.decoding.top import top
from munjang.models.encoder_decoder import EncoderDecoder
from munjang.text.vocabulary import EOS


@dataclass(frozen=True)
class Candidates:
    """The best continuations of each sentence, best first: all [sentences, candidates].

    Attributes:
        parents: which live hypothesis it goes on from.
        ids: what it says.
        log_probability: float64; -inf: there are no more.
    """

    parents: Tensor
    ids: Tensor
    log_probability: Tensor

    def at(self, places: Tensor) -> "Candidates":
        """Some of them, `places` [sentences, chosen]."""
        return Candidates(
            choose(self.parents, places),
            choose(self.ids, places),
            choose(self.log_probability, places),
        )


def beam_search(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    *,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Up to `nbest` answers to each source, best first; one at least.

    Args:
        model: in evaluation mode.
        source: [batch, source time] ids.
        source_mask: True = real token.
        settings: `beam` is 2 or more for what is said above; of 1, `early_stop` makes greedy.
        with_attention: keep what each token took from the source.
    """
    state, live = begin(model, source, source_mask, settings, with_attention)
    places = settings.beam if settings.early_stop else settings.nbest
    answers = Answers.none(live.said, places, live.attention)
    found: list[list[Hypothesis]] = [[] for _ in range(len(source))]
    while len(live.places):
        reading = read(model, state, live, settings)
        candidates = _candidates(reading, live, settings.beam)
        answers = _with_ended(answers, candidates, reading, live, settings)
        living = _first(candidates, candidates.ids != EOS, settings.beam)
        live = live.grow(reading, living.parents, living.ids, living.log_probability)
        leaving, staying = divide(_done(live, answers, settings))
        if len(leaving):
            leavers = live.keep(leaving)
            last = _with_cut(answers.keep(leaving), leavers, settings)
            leavers.hand_over(last, settings.nbest, with_attention, found)
            live, answers = live.keep(staying), answers.keep(staying)
        state = go_on(reading.state, living.parents, leaving, staying)
    return found


def _candidates(reading: Reading, live: Live, beam: int) -> Candidates:
    """The 2 · beam best, or all where there are fewer: of each parent no more can be among them."""
    each = min(2 * beam, reading.log_chances.shape[2])
    values, ids = top(reading.log_chances, each)
    sums = (live.log_probability[..., None] + values.double()).flatten(1)
    order = sums.argsort(dim=1, descending=True, stable=True)[:, : 2 * beam]
    return Candidates(order // each, ids.flatten(1).gather(1, order), sums.gather(1, order))


def _with_ended(
    answers: Answers,
    candidates: Candidates,
    reading: Reading,
    live: Live,
    settings: DecodingSettings,
) -> Answers:
    """`answers` and those of the first `beam` candidates that say EOS; the best of both."""
    first = Candidates(
        candidates.parents[:, : settings.beam],
        candidates.ids[:, : settings.beam],
        candidates.log_probability[:, : settings.beam],
    )
    ended = (first.ids == EOS) & (first.log_probability > -math.inf)
    most = int(ended.sum(1).max())
    if most == 0:
        return answers
    first = _first(first, ended, most)
    said = torch.cat([choose(live.said, first.parents), first.ids[..., None]], dim=2)
    attention = None if reading.attention is None else choose(reading.attention, first.parents)
    return answers.best(
        _scored(said, first.log_probability, attention, live, settings), answers.score.shape[1]
    )


def _first(candidates: Candidates, wanted: Tensor, most: int) -> Candidates:
    """The first `most` of those `wanted` [sentences, candidates].

    Where there are fewer, -inf and EOS: a place without a hypothesis says what an ended one would.
    """
    order = (~wanted).byte().argsort(dim=1, stable=True)[:, :most]
    chosen = candidates.at(order)
    sums = chosen.log_probability.masked_fill(~wanted.gather(1, order), -math.inf)
    return Candidates(chosen.parents, chosen.ids.masked_fill(sums == -math.inf, EOS), sums)


def _done(live: Live, answers: Answers, settings: DecodingSettings) -> Tensor:
    """[sentences]: as said at the top."""
    highest = live.log_probability.amax(1)
    reachable = highest / length_penalty(live.limits, settings.length_penalty)
    worst = answers.score[:, -1]
    full = worst > -math.inf
    beaten = full & ((reachable <= worst) | settings.early_stop)
    return beaten | (highest == -math.inf) | live.at_limit()


def _with_cut(answers: Answers, live: Live, settings: DecodingSettings) -> Answers:
    """`answers`, and the hypotheses of sentences at their limit, cut."""
    cut = live.log_probability.masked_fill(~live.at_limit()[:, None], -math.inf)
    return answers.best(
        _scored(live.said, cut, live.attention, live, settings), answers.score.shape[1]
    )


def _scored(
    said: Tensor,
    log_probability: Tensor,
    attention: Tensor | None,
    live: Live,
    settings: DecodingSettings,
) -> Answers:
    """Answers of as many tokens as `said` [sentences, beam, time] has, EOS among them."""
    length = torch.tensor(said.shape[2], device=said.device)
    ranked = score(log_probability, length, attention, live.source_mask, settings)
    return Answers(said, ranked, log_probability, attention)

"""Hypotheses that never compete: at each step each of them says one token, and goes on from itself.

What is said is a matter of `Chooser`: the likeliest token (greedy) or one drawn by lot (sampling).
"""

from collections.abc import Callable

from torch import Tensor

from munjang.decoding.answers import Answers
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.live import Live, Reading, begin, divide, go_on, read
from munjang.decoding.penalties import score
from munjang.decoding.settings import DecodingSettings
from munjang.models.encoder_decoder import EncoderDecoder
from munjang.text.vocabulary import EOS

# log-probabilities [sentences, hypotheses, vocabulary], places of the sentences in the batch, steps
# taken before -> ids [sentences, hypotheses]
Chooser = Callable[[Tensor, Tensor, int], Tensor]


def walk(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    chooser: Chooser,
    *,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """`nbest` answers to each source, ranked as those of beam search.

    A sentence leaves when all of its hypotheses have said EOS, or at its limit; those that have
    said it earlier say it again until then, which costs them nothing.

    Args:
        model: in evaluation mode.
        source: [batch, source time] ids.
        source_mask: True = real token.
        settings: all but those of beam search count.
        chooser: see `Chooser`.
        with_attention: keep what each token took from the source.
    """
    state, live = begin(model, source, source_mask, settings, with_attention)
    found: list[list[Hypothesis]] = [[] for _ in range(len(source))]
    while len(live.places):
        reading = read(model, state, live, settings)
        parents = _parents(live, settings.nbest)
        live = _step(reading, parents, live, settings.nbest, chooser)
        leaving, staying = divide((live.said[..., -1] == EOS).all(1) | live.at_limit())
        if len(leaving):
            leavers = live.keep(leaving)
            last = _ranked(leavers, settings)
            leavers.hand_over(last, settings.nbest, with_attention, found)
            live = live.keep(staying)
        state = go_on(reading.state, parents, leaving, staying)
    return found


def _parents(live: Live, hypotheses: int) -> Tensor | None:
    """The model gives one hypothesis a sentence at the first step: all the others begin there."""
    if live.said.shape[1] == hypotheses:
        return None
    return live.places.new_zeros(len(live.places), hypotheses)


def _step(
    reading: Reading, parents: Tensor | None, live: Live, hypotheses: int, chooser: Chooser
) -> Live:
    log_chances = reading.log_chances.expand(-1, hypotheses, -1)
    ids = chooser(log_chances, live.places, live.time)
    added = log_chances.gather(2, ids[..., None])[..., 0].double()
    if live.time:
        ended = live.said[..., -1] == EOS
        ids, added = ids.masked_fill(ended, EOS), added.masked_fill(ended, 0.0)
        if reading.attention is not None:
            reading.attention[:, :, -1].masked_fill_(ended[..., None], 0.0)
    return live.grow(reading, parents, ids, live.log_probability + added)


def _ranked(live: Live, settings: DecodingSettings) -> Answers:
    ended = live.said == EOS
    # EOS counts once: see `munjang.decoding.penalties`
    length = (~ended).sum(2) + ended.any(2)
    sums = live.log_probability
    ranked = score(sums, length, live.attention, live.source_mask, settings)
    return Answers(live.said, ranked, sums, live.attention).ranked(settings.nbest)

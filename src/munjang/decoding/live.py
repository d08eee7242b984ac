"""Hypotheses that go on, and one step of the model on all of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from munjang.decoding.answers import Answers, choose
from munjang.decoding.constraints import forbid, most_steps
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, MunjangError
from munjang.models.encoder_decoder import EncoderDecoder, State, source_lengths
from munjang.text.vocabulary import GO


@dataclass(frozen=True)
class Live:
    """[sentences, beam] hypotheses of those sentences of a batch that are not done.

    Attributes:
        said: [sentences, beam, time], without GO.
        log_probability: of what was said, [sentences, beam] float64; -inf where there is no
            hypothesis.
        attention: [sentences, beam, time, source time]; None where it is not kept.
        places: [sentences], where each stands in the batch.
        limits: [sentences], after how many steps it is cut.
        source_mask: [sentences, source time].
    """

    said: Tensor
    log_probability: Tensor
    attention: Tensor | None
    places: Tensor
    limits: Tensor
    source_mask: Tensor

    @property
    def time(self) -> int:
        """Steps taken."""
        return self.said.shape[2]

    def at_limit(self) -> Tensor:
        """Which sentences may not say more: [sentences]."""
        return self.limits <= self.time

    def grow(
        self, reading: "Reading", parents: Tensor | None, ids: Tensor, log_probability: Tensor
    ) -> "Live":
        """New hypotheses: each of `parents` [sentences, new beam] has said `ids`.

        `log_probability` is of the new ones; `parents` None: each goes on from itself.
        """
        said, attention = self.said, reading.attention
        if parents is not None:
            said = choose(said, parents)
            attention = None if attention is None else choose(attention, parents)
        return Live(
            said=torch.cat([said, ids[..., None]], dim=2),
            log_probability=log_probability,
            attention=attention,
            places=self.places,
            limits=self.limits,
            source_mask=self.source_mask,
        )

    def keep(self, sentences: Tensor) -> "Live":
        """Some sentences alone, `sentences` [kept] int64: the others are done."""
        return Live(
            said=self.said[sentences],
            log_probability=self.log_probability[sentences],
            attention=None if self.attention is None else self.attention[sentences],
            places=self.places[sentences],
            limits=self.limits[sentences],
            source_mask=self.source_mask[sentences],
        )

    def hand_over(
        self,
        answers: Answers,
        places: int,
        with_attention: bool,
        found: list[list[Hypothesis]],
    ) -> None:
        """Put the first `places` answers to these sentences into `found` [batch]."""
        lengths = source_lengths(self.source_mask)
        hypotheses = answers.hypotheses(lengths, places, with_attention)
        for place, some in zip(self.places.tolist(), hypotheses, strict=True):
            found[place] = some


@dataclass(frozen=True)
class Reading:
    """What the model says of the next token of each live hypothesis.

    Attributes:
        log_chances: logarithms of probabilities, [sentences, beam, vocabulary]; -inf where a token
            may not be said. What is forbidden keeps its share: the others do not grow.
        state: with the token that was read.
        attention: [sentences, beam, time + 1, source time], with this step's; None where it is not
            kept.
    """

    log_chances: Tensor
    state: State
    attention: Tensor | None


def begin(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    with_attention: bool,
) -> tuple[State, Live]:
    """One hypothesis a sentence, which has said nothing; and the model's state of it."""
    sentences = len(source)
    lengths = source_lengths(source_mask)
    attention = None
    if with_attention or settings.coverage_penalty:
        attention = torch.zeros(sentences, 1, 0, source.shape[1], device=source.device)
    live = Live(
        said=torch.zeros(sentences, 1, 0, dtype=torch.int64, device=source.device),
        log_probability=torch.zeros(sentences, 1, dtype=torch.float64, device=source.device),
        attention=attention,
        places=torch.arange(sentences, device=source.device),
        limits=most_steps(lengths, settings),
        source_mask=source_mask,
    )
    return model.begin(source, source_mask), live


def read(model: EncoderDecoder, state: State, live: Live, settings: DecodingSettings) -> Reading:
    """Let the model read the last token of each hypothesis; GO comes first.

    Raises:
        ConfigError: coverage is to be counted, and the model attends to nothing.
        MunjangError: the model's numbers are broken.
    """
    last = live.said[..., -1] if live.time else torch.full_like(live.said.sum(2), GO)
    stepped = model.step(state, last)
    # a tensor of our own, so that what is forbidden may be written into it
    log_chances = stepped.logits.log_softmax(-1, dtype=torch.float32)
    if bool(log_chances.amax(-1).isnan().any()):
        raise MunjangError(
            f"expected logits that are numbers, got NaN or infinity at step {live.time + 1} of "
            "decoding: the weights are broken; train again with a smaller learning_rate"
        )
    forbid(log_chances, live.said, settings)
    attention = None
    if live.attention is not None and stepped.attention is not None:
        now = stepped.attention[:, :, None].to(live.attention.dtype)
        attention = torch.cat([live.attention, now], dim=2)
    elif settings.coverage_penalty:
        raise ConfigError(
            f"decoding.coverage_penalty is {settings.coverage_penalty:g}, but this model attends "
            "to nothing, so no coverage can be counted; set it to 0, or take a model with attention"
        )
    return Reading(log_chances, stepped.state, attention)


def divide(done: Tensor) -> tuple[Tensor, Tensor]:
    """Which of `done` [sentences] leave, and which stay: both int64."""
    return done.nonzero()[:, 0], (~done).nonzero()[:, 0]


def go_on(state: State, parents: Tensor | None, leaving: Tensor, staying: Tensor) -> State:
    """The state of the new hypotheses of those sentences that stay.

    Args:
        state: of all sentences.
        parents: [sentences, new beam]; None: each hypothesis goes on from itself.
        leaving, staying: as `divide` gives them.
    """
    if not len(staying):
        return state
    if len(leaving):
        state = state.keep(staying)
        parents = None if parents is None else parents[staying]
    return state if parents is None else state.pick(parents)

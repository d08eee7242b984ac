"""A text to one vector, and the vector to another text: the encoder-decoder in its first form.

Papers: Sutskever et al. (2014), "Sequence to sequence learning with neural networks", with LSTM
cells and the source read backwards, so that the first words of both sides stand close; Cho et al.
(2014), "Learning phrase representations using RNN encoder-decoder for statistical machine
translation", with GRU cells. Use to see what one vector can hold, and for texts of a few words.
Use `attentive` instead for sentences: all that a long one says does not fit into the vector.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor

from munjang.layers.masking import reverse_rows
from munjang.layers.recurrent_decoder import closed, opened
from munjang.models.encoder_decoder import Stepped, Vocabularies
from munjang.models.recurrent_pairs import (
    RecurrentPair,
    RecurrentPairConfig,
    directions_field,
    of_parents,
)


class Seq2SeqConfig(RecurrentPairConfig):
    """Settings of `seq2seq`."""

    name: Literal["seq2seq"] = "seq2seq"
    directions: Literal[1, 2] = directions_field(1)
    reverse_source: bool = Field(
        True, description="read the source from its last token to its first"
    )

    @property
    def attends(self) -> bool:
        """The decoder sees the source in its first state alone."""
        return False


@dataclass(frozen=True)
class Seq2SeqState:
    """What every layer of the decoder remembers, [sentences, beam, layers, parts, hidden]."""

    hidden: Tensor

    def pick(self, parents: Tensor) -> "Seq2SeqState":
        """The state of new hypotheses: `State.pick`."""
        return Seq2SeqState(of_parents(self.hidden, parents))

    def keep(self, sentences: Tensor) -> "Seq2SeqState":
        """The state of some sentences alone: `State.keep`."""
        return Seq2SeqState(self.hidden[sentences])


class Seq2Seq(RecurrentPair):
    """The source reaches the decoder only in the state with which it begins."""

    def __init__(self, config: Seq2SeqConfig, vocabularies: Vocabularies) -> None:
        super().__init__(config, vocabularies)
        self.reverse_source = config.reverse_source

    def begin(self, source: Tensor, source_mask: Tensor) -> Seq2SeqState:
        """The state before the first step, with one hypothesis a sentence."""
        if self.reverse_source:
            source = reverse_rows(source[..., None], source_mask)[..., 0]
        _, begin = self.encoded(source, source_mask)
        return Seq2SeqState(begin[:, None])

    def taught(self, state: Seq2SeqState, given: Tensor) -> Tensor:
        """States [batch, time, hidden] when `given` [batch, time] is read from `state`."""
        states: Tensor = self.decoder(self.target_vectors(given), state.hidden[:, 0])
        return states

    def step(self, state: Seq2SeqState, ids: Tensor) -> Stepped:
        """Read one token of each hypothesis, `ids` [sentences, beam]."""
        read = self.decoder.read(self.target_vectors(ids.flatten()))
        after = self.decoder.step(read, None, opened(state.hidden.flatten(0, 1)))
        state = Seq2SeqState(closed(after).view_as(state.hidden))
        return Stepped(self.next_logits(after[-1][0], ids), state)

"""Small recurrent encoder-decoders, and the slow way through them: a token at a time."""

from typing import Any

import torch
from torch import Tensor

from munjang.models.sequence_to_sequence.attentive import Attentive, AttentiveConfig
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.models.sequence_to_sequence.recurrent import RecurrentEncoderDecoder
from munjang.models.sequence_to_sequence.seq2seq import Seq2Seq, Seq2SeqConfig
from munjang.text.vocabulary import GO
from tests.synthetic import Rows, pad_rows, random_rows

WORDS = 14
SMALL = {"dim": 6, "hidden_dim": 8}
SOURCES = [[], [5], *random_rows(4, vocabulary=WORDS, shortest=2, longest=6)]
TARGETS = [
    [GO, *row]
    for row in [[7], [], *random_rows(4, vocabulary=WORDS, shortest=1, longest=5, seed=1)]
]
Pair = tuple[Tensor, Tensor, Tensor, Tensor]


def make_model(
    name: str,
    *,
    dropout: float = 0.0,
    seed: int = 3,
    sources: int | None = None,
    **model_settings: Any,
) -> RecurrentEncoderDecoder:
    """A small model in training mode, every dropout at the share given.

    With `sources` the source has a vocabulary of its own, of so many ids.
    """
    dropouts = {"dropout": dropout, "embedding_dropout": dropout}
    values = {**SMALL, **dropouts, **model_settings}
    vocabularies = Vocabularies(sources or WORDS, WORDS, shared=sources is None)
    torch.manual_seed(seed)
    if name == "seq2seq":
        return Seq2Seq(Seq2SeqConfig.parse(values), vocabularies)
    return Attentive(AttentiveConfig.parse(values), vocabularies)


def make_pair(sources: Rows = SOURCES, targets: Rows = TARGETS, **padding: int) -> Pair:
    """Ids and masks of both sides, as the models take them."""
    return (*pad_rows(sources, **padding), *pad_rows(targets, **padding))


def run_steps(model: RecurrentEncoderDecoder, pair: Pair) -> tuple[Tensor, Tensor | None]:
    """Logits [batch, time, words] and attention [batch, time, source time] of `begin`, `step`."""
    source, source_mask, decoder_ids, _ = pair
    state, logits, attention = model.begin(source, source_mask), [], []
    for ids in decoder_ids.unbind(1):
        stepped = model.step(state, ids[:, None])
        state = stepped.state
        logits.append(stepped.logits)
        attention.append(stepped.attention)
    attended = attention[0] is not None
    return torch.cat(logits, dim=1), torch.cat(attention, dim=1) if attended else None

"""Entry points of decoding: from a first `State`, or from source texts, to answers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from munjang.decoding.beam import beam_search
from munjang.decoding.constraints import max_steps
from munjang.decoding.continuous import extend_independently
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.models.decoder import State, Step
from munjang.models.sequence_to_sequence.model import EncoderDecoder


@torch.inference_mode()
def decode(
    step: Step,
    state: State,
    limits: Tensor,
    settings: DecodingSettings,
    *,
    first_ids: Tensor | None = None,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Return answers for each row of `state`, best first: 1 to `settings.nbest`.

    Finished answers come before cut ones, then those of higher score. A beam of 1 is greedy
    decoding. The answers for a row do not depend on the other rows.

    Args:
        step: of a model in evaluation mode.
        state: before the first step, of beam 1: made of a source, a prompt, or nothing.
        limits: steps after which each row is cut, EOS included, [rows] int64, 1 or more, on the
            device of the model. `settings.max_length` and its like are the caller's affair: see
            `munjang.decoding.constraints.max_steps`.
        settings: method, beam, penalties and constraints.
        first_ids: the token that each row reads first, [rows] int64, such as the last one of a
            prompt; None: GO. It is no part of the answer.
        seed: of sampling: any whole number.
        rows: of sampling: a number per row, from which its random draws follow, so that batches
            may be cut anywhere; None: its place in this batch.
        with_attention: return `Hypothesis.attention`, where the state has a source.

    Raises:
        ConfigError: a coverage penalty for a model that attends to no source.
        MunjangError: the model's logits are NaN or infinite.
        ValueError: `limits`, `first_ids` and `rows` differ in length, or a limit is below 1.
    """
    if not len(limits):
        return []
    if settings.method != "beam" or settings.beam == 1:
        return extend_independently(
            step,
            state,
            limits,
            settings,
            first_ids=first_ids,
            seed=seed,
            rows=rows,
            with_attention=with_attention,
        )
    return beam_search(
        step, state, limits, settings, first_ids=first_ids, with_attention=with_attention
    )


@torch.inference_mode()
def decode_sources(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    *,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Return answers of an encoder-decoder to source texts: see `decode`.

    Args:
        model: in evaluation mode, as dropout would change the answers.
        source: [batch, source time] ids.
        source_mask: [batch, source time], True = real token; padding on the right.
        settings: as for `decode`; `max_length`, `max_length_ratio` and `extra_steps` give the
            limits.
        seed: as for `decode`.
        rows: as for `decode`.
        with_attention: as for `decode`.
    """
    if not len(source):
        return []
    return decode(
        model.step,
        model.begin(source, source_mask),
        max_steps(source_mask.sum(1), settings),
        settings,
        seed=seed,
        rows=rows,
        with_attention=with_attention,
    )

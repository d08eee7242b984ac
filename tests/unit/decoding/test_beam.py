"""Beam search is the one of the reference: ids, scores, order; and nothing is lost by stopping."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.decoding.beam import beam_search
from munjang.decoding.constraints import max_steps
from munjang.decoding.decode import decode_sources
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from tests.unit.decoding import reference
from tests.unit.decoding.small_models import TableModel, pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

SOURCES = [(5, 6, 7), (8,), (5, 6, 4, 9, 9), (7, 7), (4,), (9, 5, 8)]


def assert_same_answers(actual: list[Hypothesis], expected: list[reference.Answer]) -> None:
    assert [h.ids for h in actual] == [answer[0] for answer in expected]
    assert [h.finished for h in actual] == [answer[3] for answer in expected]
    for hypothesis, (_, score, total, _) in zip(actual, expected, strict=True):
        assert hypothesis.score == pytest.approx(score, rel=1e-6, abs=1e-6)
        assert hypothesis.log_probability == pytest.approx(total, rel=1e-9, abs=1e-9)


@st.composite
def decoding_options(draw: Any) -> DecodingSettings:
    beam = draw(st.integers(2, 7))
    longest = draw(st.integers(1, 9))
    return DecodingSettings(
        beam=beam,
        nbest=draw(st.integers(1, beam)),
        length_penalty=draw(st.sampled_from([0.0, 0.3, 0.6, 1.0, 2.0])),
        coverage_penalty=draw(st.sampled_from([0.0, 0.0, 0.2, 1.0])),
        early_stopping=draw(st.booleans()),
        no_repeat_ngram_size=draw(st.integers(0, 3)),
        min_length=draw(st.integers(0, min(longest, 4))),
        max_length=longest,
        max_length_ratio=draw(st.sampled_from([0.0, 0.5, 1.0, 5.0])),
        extra_steps=draw(st.integers(1, 6)),
        allow_unknown=draw(st.booleans()),
    )


@settings(max_examples=80)
@given(
    options=decoding_options(),
    vocabulary=st.integers(4, 30),
    ending=st.sampled_from([-2.0, 0.0, 1.0, 3.0]),
    tied=st.booleans(),
    seed=st.integers(0, 999),
    sources=st.integers(1, len(SOURCES)),
)
def test_beam_search_equals_reference(
    options: DecodingSettings, vocabulary: int, ending: float, tied: bool, seed: int, sources: int
) -> None:
    model = TableModel(vocabulary, seed, ending=ending, tied=tied)
    result = decode_sources(model, *pad_rows(SOURCES[:sources], 2), options)
    assert len(result) == sources
    for source, hypotheses in zip(SOURCES, result, strict=False):
        assert 1 <= len(hypotheses) <= options.nbest
        assert_same_answers(hypotheses, reference.beam_search(model, source, options))


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("seed", range(4))
def test_exhaustive_beam_equals_exhaustive_search(alpha: float, seed: int) -> None:
    """Three words and three steps: 1 + 3 + 9 that end and 27 that are cut."""
    options = DecodingSettings(beam=40, nbest=40, length_penalty=alpha, max_length=3)
    model = TableModel(7, seed)
    actual = decode_sources(model, *pad_rows(SOURCES), options)
    for source, hypotheses in zip(SOURCES, actual, strict=True):
        expected = reference.exhaustive_search(model, source, options)
        assert len(expected) == 40
        assert_same_answers(hypotheses, expected)


def test_beam_of_one_with_early_stopping_is_greedy() -> None:
    options = DecodingSettings(beam=1, early_stopping=True, max_length=12)
    for seed in range(20):
        model = TableModel(9, seed, ending=0.5)
        state = model.begin(*pad_rows(SOURCES))
        result = beam_search(
            model.step, state, max_steps(state.source_mask.sum(1), options), options
        )
        for source, hypotheses in zip(SOURCES, result, strict=True):
            assert_same_answers(hypotheses, [reference.greedy(model, source, options)])


def test_finished_rows_leave_the_batch() -> None:
    """A model that ends at once, but for a source of token 9: the others do not pay for it."""

    class Uneven(TableModel):
        def _logits(self, source: tuple[int, ...], prefix: tuple[int, ...]) -> torch.Tensor:
            logits = super()._logits(source, prefix)
            logits[3] += -50.0 if 9 in source else 50.0
            return logits

    model = Uneven(12)
    result = decode_sources(
        model, *pad_rows([(5,), (9,), (6,), (9, 9)]), DecodingSettings(beam=3, max_length=13)
    )
    assert [len(hypotheses[0].ids) for hypotheses in result] == [0, 13, 0, 13]
    assert model.steps == [4] + [2] * 12
    # no copy of rows that leave, and none at the end, where no row is left
    assert model.calls == ["keep"] + ["pick"] * 12


def test_search_stops_when_no_hypothesis_can_improve() -> None:
    """Every live hypothesis pays 5 or more; the one that has ended paid next to nothing."""
    sure = DecodingSettings(beam=3, length_penalty=0.0, max_length=100)
    model = TableModel(12, ending=30.0)
    decode_sources(model, *pad_rows([(5,)]), sure)
    assert model.steps == [1]


def test_unfinished_hypotheses_rank_behind_finished_ones() -> None:
    options = DecodingSettings(beam=4, nbest=4, max_length=3, length_penalty=0.0)
    seen = set()
    for seed in range(30):
        for hypotheses in decode_sources(TableModel(8, seed), *pad_rows(SOURCES), options):
            ends = [h.finished for h in hypotheses]
            assert ends == sorted(ends, reverse=True)
            scores = [h.score for h in hypotheses]
            seen.add(scores == sorted(scores, reverse=True))
    assert seen == {True, False}


def test_row_without_allowed_token_ends_with_eos() -> None:
    """One word, never twice, and five wanted: it may end after all."""
    options = DecodingSettings(beam=3, nbest=3, min_length=5, no_repeat_ngram_size=1)
    [[only]] = decode_sources(TableModel(5), *pad_rows([(4, 4)]), options)
    assert only.ids == (4,)
    assert only.finished
    assert math.isfinite(only.score)

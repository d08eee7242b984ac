"""Scores of language models: nats, bits, and what is comparable between tokenizers."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.cli.tables import summary_table
from munjang.comparison.margins import default_margin
from munjang.tasks.language_scores import LanguageScores
from munjang.tasks.metric_table import METRICS
from munjang.tasks.score_details import HasBaselineMetrics

TEXT = "나는 밥을 먹는다"
SIZES = {"rows": 1, "characters": len(TEXT), "bytes": len(TEXT.encode())}


def test_a_text_that_nothing_predicts_has_8_bits_per_byte() -> None:
    count = SIZES["bytes"]
    scores = LanguageScores.from_nats(count * math.log(256), tokens=count, **SIZES)
    assert scores.cross_entropy == pytest.approx(math.log(256))
    assert scores.perplexity == pytest.approx(256)
    assert scores.bits_per_byte == pytest.approx(8)
    assert scores.bits_per_character == pytest.approx(8 * count / len(TEXT))


@given(nats=st.floats(0.1, 1e6), tokens=st.integers(1, 1000), more=st.integers(1, 1000))
def test_bits_do_not_depend_on_the_number_of_tokens(nats: float, tokens: int, more: int) -> None:
    few = LanguageScores.from_nats(nats, tokens=tokens, **SIZES)
    many = LanguageScores.from_nats(nats, tokens=tokens + more, **SIZES)
    assert few.cross_entropy > many.cross_entropy
    assert few.bits_per_character == many.bits_per_character
    assert few.bits_per_byte == many.bits_per_byte
    assert few.bits_per_byte * SIZES["bytes"] == pytest.approx(nats / math.log(2))


def test_what_is_outside_of_the_vocabulary_is_written_out_byte_by_byte() -> None:
    # a model that knows no token predicts "unknown" without a loss
    scores = LanguageScores.from_nats(0.0, tokens=9, unknown_bytes=SIZES["bytes"], **SIZES)
    assert scores.cross_entropy == 0
    assert scores.bits_per_byte == 8


def test_an_empty_text_has_scores() -> None:
    scores = LanguageScores.from_nats(0.0, rows=0, tokens=0, characters=0, bytes=0)
    assert scores.is_finite
    assert scores.bits_per_byte == 0


@pytest.mark.parametrize("nats", [math.nan, math.inf, 1e6])
def test_what_json_cannot_hold_is_null(nats: float) -> None:
    scores = LanguageScores.from_nats(nats, tokens=9, **SIZES)
    assert scores.is_finite is math.isfinite(nats)
    values = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert values["perplexity"] is None
    assert values["tokens"] == 9


def test_every_metric_is_in_the_table_and_has_a_margin() -> None:
    scores = LanguageScores.from_nats(9.0, tokens=9, **SIZES)
    for name in scores.metrics:
        assert not METRICS[name].larger_is_better
        assert name == "perplexity" or 0 < default_margin(name) < 1
    assert not isinstance(scores, HasBaselineMetrics), "no empty column beside it"


def test_a_baseline_stands_beside_it() -> None:
    scores = LanguageScores.from_nats(9.0, tokens=9, unknown_bytes=3, **SIZES)
    beside = scores.with_baseline("Kneser-Ney, 5 tokens", 18.0)
    assert isinstance(beside, HasBaselineMetrics)
    assert beside.metrics == scores.metrics
    assert beside.baseline_metrics["cross_entropy"] == 2
    assert beside.baseline_metrics.keys() == beside.metrics.keys()
    values = json.loads(json.dumps(beside.to_json()))
    assert values["baseline"] == "Kneser-Ney, 5 tokens"
    assert values["baseline_bits_per_byte"] == pytest.approx(
        (18 / math.log(2) + 24) / SIZES["bytes"]
    )
    assert scores.to_json().items() <= values.items()
    assert len(summary_table(beside, "language").columns) == 3


def test_scores_of_a_text_name_their_tokens() -> None:
    scores = LanguageScores.from_nats(1.0, tokens=9, **{**SIZES, "rows": 9})
    assert scores.summary().startswith("9 tokens, ")
    assert summary_table(scores, "score").columns[1].head == "9 tokens"

"""Alerts: each is raised by what it names, and by nothing else; each has its sentences."""

from dataclasses import replace
from typing import Any

import pytest

from munjang.diagnosis.alerts import RowFacts, find_alerts
from munjang.diagnosis.calibration_report import CalibrationReport
from munjang.diagnosis.errors import ErrorReport
from munjang.diagnosis.slices import Slice
from munjang.report.korean import KOREAN
from munjang.report.model_report_words import _ALERTS, describe_alert
from munjang.report.wording import translator

ERRORS = ErrorReport(
    task="classify",
    labels=("bad", "good"),
    rows=1000,
    score_name="accuracy",
    loss_name="log loss",
    score=0.9,
    low=0.88,
    high=0.92,
    cells=(),
    slices=(),
    worst=(),
)
FACTS = RowFacts(
    rows=1000,
    sure_and_wrong=9,
    most_frequent=500,
    contradicting=0,
    truncated=0,
    oov_rate=0.05,
    label_issues=9,
)
CALIBRATION = CalibrationReport(
    rows=1000,
    accuracy=0.9,
    temperature=1.0,
    error_before=0.02,
    error_after=0.01,
    log_loss_before=0.3,
    log_loss_after=0.3,
    before=(),
    after=(),
    aurc=0.02,
    coverage=(),
)
VALIDATION = {"accuracy": 0.9, "rows": 1000}
WORSE = Slice("label", "{bad}", 100, 0.5, 0.4, 0.6, 0.95, 0.001, is_worse=True)


def kinds(
    errors: ErrorReport = ERRORS,
    calibration: CalibrationReport | None = CALIBRATION,
    facts: RowFacts = FACTS,
    validation: dict[str, Any] = VALIDATION,
) -> list[str]:
    return [alert.kind for alert in find_alerts(errors, calibration, facts, validation)]


def test_good_model_has_no_alert() -> None:
    assert kinds() == []
    assert kinds(calibration=None, validation={}) == []


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("no_better_than_majority", {"facts": replace(FACTS, most_frequent=890)}),
        ("worse_than_validation", {"validation": {"accuracy": 0.96, "rows": 5000}}),
        ("better_than_validation", {"validation": {"accuracy": 0.8, "rows": 5000}}),
        ("slice_is_worse", {"errors": replace(ERRORS, slices=(WORSE,))}),
        ("labels_likely_wrong", {"facts": replace(FACTS, sure_and_wrong=10)}),
        ("labels_contradict", {"facts": replace(FACTS, contradicting=2)}),
        ("too_sure", {"calibration": replace(CALIBRATION, error_before=0.06, temperature=1.5)}),
        ("too_unsure", {"calibration": replace(CALIBRATION, error_before=0.06, temperature=0.7)}),
        ("texts_truncated", {"facts": replace(FACTS, truncated=50)}),
        ("some_texts_truncated", {"facts": replace(FACTS, truncated=1)}),
        ("many_oov_tokens", {"facts": replace(FACTS, oov_rate=0.2)}),
    ],
)
def test_alert_is_raised_alone(kind: str, changed: dict[str, Any]) -> None:
    assert kinds(**changed) == [kind]


def test_slices_beyond_the_first_are_counted() -> None:
    slices = tuple(replace(WORSE, name=str(number)) for number in range(8))
    found = find_alerts(replace(ERRORS, slices=slices), None, FACTS, {})
    assert [alert.kind for alert in found] == ["slice_is_worse"] * 5 + ["more_slices"]
    assert found[-1].values["count"] == 3


def test_severe_alerts_come_first() -> None:
    facts = replace(FACTS, most_frequent=900, contradicting=4, truncated=1)
    far_off = replace(CALIBRATION, error_before=0.2, temperature=3.0)
    found = find_alerts(ERRORS, far_off, facts, {})
    assert [alert.severity for alert in found] == ["high", "high", "medium", "low"]


def test_numbers_have_no_majority_and_no_validation_accuracy() -> None:
    errors = replace(ERRORS, score_name="mean absolute error", labels=())
    facts = replace(FACTS, most_frequent=None, label_issues=None, sure_and_wrong=None)
    assert kinds(errors=errors, calibration=None, facts=facts) == []


def every_alert() -> list[Any]:
    facts = replace(FACTS, contradicting=3, truncated=60, oov_rate=0.5, sure_and_wrong=99)
    slices = tuple(replace(WORSE, name=f"{{x}} {number}") for number in range(7))
    errors = replace(ERRORS, slices=slices)
    sure, unsure = (replace(CALIBRATION, error_before=0.1, temperature=t) for t in (2.0, 0.5))
    low = {"accuracy": 0.5, "rows": 9000}
    high = {"accuracy": 0.99, "rows": 9000}
    return [
        *find_alerts(errors, sure, replace(facts, most_frequent=950), low),
        *find_alerts(errors, unsure, replace(facts, truncated=1), high),
    ]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_alert_has_sentences(language: str) -> None:
    alerts = every_alert()
    assert {alert.kind for alert in alerts} == set(_ALERTS)
    for alert in alerts:
        sentences = describe_alert(alert, translator(language))
        assert all(sentences)
        assert "{rows" not in "".join(sentences)
        alert.to_json()
    assert any("{x} 0" in describe_alert(alert, translator(language))[0] for alert in alerts)


def test_every_sentence_of_alerts_has_a_korean_one() -> None:
    sentences = {sentence for pair in _ALERTS.values() for sentence in pair}
    assert sentences <= set(KOREAN)


def test_korean_sentences_have_the_same_values() -> None:
    import string

    def fields(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    for sentence, korean in KOREAN.items():
        assert fields(sentence) == fields(korean), sentence

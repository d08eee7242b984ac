"""The pairs whose answers differ most in quality."""

import numpy as np

from munjang.comparison.diverging_answers import Answered, diverging_answers

SOURCES, REFERENCES = ["a", "b", "c"], ["1", "2", "3"]


def make_answered(chrf: list[list[float]], *, decides: bool = True) -> Answered:
    return Answered([f"answer {n}" for n in range(3)], np.array(chrf), decides)


def test_diverging_answers_are_sorted_by_spread_with_answers_of_every_model() -> None:
    models = {
        "one": make_answered([[100.0, 100.0, 50.0]]),
        "two": make_answered([[100.0, 0.0, 10.0], [100.0, 20.0, 10.0]]),
        "nearest": make_answered([[0.0, 100.0, 0.0]], decides=False),
    }
    result = diverging_answers(models, SOURCES, REFERENCES)
    assert [(one.source, one.reference) for one in result] == [("b", "2"), ("c", "3")], (
        "in the first one the networks agree, whatever the baseline says"
    )
    assert result[0].spread == 45.0, "of the means over seeds, 100 and 10"
    assert [(a.name, a.text, a.chrf) for a in result[0].answers] == [
        ("one", "answer 1", 100.0),
        ("two", "answer 1", 0.0),
        ("nearest", "answer 1", 100.0),
    ]
    assert len(diverging_answers(models, SOURCES, REFERENCES, most=1)) == 1


def test_single_network_has_no_diverging_answers() -> None:
    models = {
        "one": make_answered([[1.0, 2.0, 3.0]]),
        "nearest": make_answered([[3.0] * 3], decides=False),
    }
    assert diverging_answers(models, SOURCES, REFERENCES) == ()

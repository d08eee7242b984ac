"""The texts that models disagree on most."""

import numpy as np

from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.disagreements import disagreements


def test_disagreements_are_sorted_by_spread_with_predictions_of_every_model() -> None:
    agreed, apart, half = [0.9, 0.1], [0.1, 0.9], [0.5, 0.5]
    runs = {
        "a": [np.array([agreed, agreed, agreed])],
        "b": [np.array([agreed, apart, half]), np.array([agreed, apart, agreed])],
    }
    targets = np.array([0, 1, 0])
    answers = {
        name: [ClassAnswers.of(probabilities, targets) for probabilities in seeds]
        for name, seeds in runs.items()
    }
    result = disagreements(answers, ["same", "other", "some"], targets, ["x", "y"], most=2)
    assert [example.text for example in result] == ["other", "some"]
    assert result[0].label == "y"
    assert [(g.name, g.label, round(g.probability, 2)) for g in result[0].predictions] == [
        ("a", "x", 0.9),
        ("b", "y", 0.9),
    ]
    assert result[1].predictions[1].probability == 0.7, "the mean of the seeds"


def test_single_model_has_no_disagreements() -> None:
    runs = {"a": [ClassAnswers.of(np.array([[0.5, 0.5]]), np.array([0]))]}
    assert disagreements(runs, ["t"], np.array([0]), ["x", "y"]) == ()

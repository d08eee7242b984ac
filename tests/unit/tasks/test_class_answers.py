"""Answers of classification: dictionaries are made when asked for, and compare as before."""

import json
import pickle
from dataclasses import asdict, dataclass

import numpy as np
import pytest
import torch

from munjang.tasks.class_answers import Prediction
from munjang.tasks.classify import Classify


@dataclass(frozen=True)
class Plain:
    """A prediction with a dictionary, as the JSON is documented."""

    label: str
    probability: float
    probabilities: dict[str, float]
    truncated: bool


def make_answers(labels: tuple[str, ...], rows: int, seed: int = 0) -> list[Prediction]:
    logits = torch.randn(rows, len(labels), generator=torch.Generator().manual_seed(seed))
    return Classify(labels).answers_of(logits, np.arange(rows) % 2 == 0)


def test_json_and_probabilities_equal_a_dictionary() -> None:
    labels = ("가", "b", "c")
    for answer in make_answers(labels, 6):
        named = dict(zip(labels, answer.row.tolist(), strict=True))
        plain = Plain(answer.label, max(named.values()), named, answer.truncated)
        assert answer.label == max(named, key=named.__getitem__)
        assert json.dumps(answer.to_json()) == json.dumps(asdict(plain))
        assert answer.probabilities == named
        assert type(answer.probabilities) is dict
        assert repr(answer) == repr(plain).replace("Plain", "Prediction")


def test_probabilities_are_created_lazily() -> None:
    (answer,) = make_answers(("a", "b", "c"), 1)
    assert "probabilities" not in vars(answer)
    first = answer.probabilities
    assert answer.probabilities is first


def test_equality_is_by_value() -> None:
    labels = ("a", "b", "c")
    assert make_answers(labels, 5) == make_answers(labels, 5)
    assert make_answers(labels, 5) != make_answers(labels, 5, seed=1)
    one = make_answers(labels, 1)[0]
    assert one != Prediction(one.label, one.probability, labels, one.row, not one.truncated)
    assert one != one.to_json()
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_kept_answer_does_not_keep_the_batch_in_memory() -> None:
    kept = make_answers(tuple(map(str, range(50))), 40)[7]
    assert kept.row.base is None
    assert kept.row.nbytes == 50 * 8

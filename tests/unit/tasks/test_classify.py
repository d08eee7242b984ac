"""The task: which classes there are, what a row weighs, and logits to probabilities."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from munjang.errors import ConfigError
from munjang.tasks.classify import Classify, ClassifySettings
from tests.unit.text.strategies import hostile_text

AUTO = ClassifySettings()
BALANCED = ClassifySettings(class_weights="balanced")


class Pooled(nn.Module):
    """An encoder of width 3 that a head can stand on."""

    pooled_dim = 3


@given(st.lists(hostile_text(2), min_size=1))
def test_labels_are_sorted_and_unique(labels: list[str]) -> None:
    task = Classify.from_labels(labels, AUTO)
    assert set(task.labels) == set(labels)
    assert len(task.labels) == len(set(labels))
    assert task == Classify.from_labels(labels[::-1], AUTO)


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "9", "-1", "9"], ("-1", "9", "10")),
        (["neg", "pos", "10", "9"], ("10", "9", "neg", "pos")),
        (["--5", "-", "5"], ("-", "--5", "5")),
        (["9" * 5000, "1"], ("1", "9" * 5000)),
        (["부정", "긍정"], ("긍정", "부정")),
        (["a\x00", "a"], ("a", "a\x00")),
    ],
)
def test_labels_are_sorted_by_number_or_alphabet(labels: list[str], order: tuple[str, ...]) -> None:
    assert Classify.from_labels(labels, AUTO).labels == order


def test_known_labels_need_no_rows() -> None:
    task = Classify.from_labels(["b", "a", "b"], BALANCED, known=["c", "b", "a"])
    assert task.labels == ("a", "b", "c")
    assert task.weights == pytest.approx((1.0, 0.5, 1.0))


@given(st.lists(st.sampled_from("abcd"), min_size=1))
def test_balanced_weights_equal_scikit_learn(labels: list[str]) -> None:
    task = Classify.from_labels(labels, BALANCED)
    expected = compute_class_weight("balanced", classes=np.asarray(task.labels), y=labels)
    assert task.weights == pytest.approx(tuple(expected))


def test_balanced_weights_count_rows_with_known_labels() -> None:
    labels = ["a"] * 9 + ["b"]
    known = Classify.from_labels(labels, BALANCED, known=["a", "b"])
    assert known == Classify.from_labels(labels, BALANCED)
    assert known.weights == pytest.approx((10 / 18, 5.0))


def test_class_weights_by_label() -> None:
    settings = ClassifySettings(class_weights={"b": 3.0, "a": 0.5})
    assert Classify.from_labels(["b", "a"], settings).weights == (0.5, 3.0)
    with pytest.raises(
        ConfigError, match=r"one weight per label \(a, c\); missing: c; not a label: b"
    ):
        Classify.from_labels(["a", "c"], settings)


@pytest.mark.parametrize(
    ("labels", "loss", "name", "outputs"),
    [
        ("ab", "auto", "binary_crossentropy", 1),
        ("abc", "auto", "sparse_categorical_crossentropy", 3),
        ("ab", "categorical_crossentropy", "categorical_crossentropy", 2),
        ("ab", "focal", "focal", 2),
    ],
)
def test_loss_sets_number_of_outputs(labels: str, loss: str, name: str, outputs: int) -> None:
    task = Classify.from_labels(list(labels), ClassifySettings(loss=loss))
    assert (task.loss_name, task.outputs) == (name, outputs)
    assert task.network(Pooled()).head.out_features == outputs


def test_binary_loss_with_three_classes_is_refused() -> None:
    task = Classify(("a", "b", "c"), ClassifySettings(loss="binary_crossentropy"))
    with pytest.raises(ConfigError, match="for two classes, the data has 3; use sparse_cat"):
        task.network(Pooled())


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_probabilities_sum_to_one_and_equal_softmax(outputs: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(20, outputs) * 30
    task = Classify(tuple("abcde"[: max(outputs, 2)]))
    probabilities = task.probabilities(logits)
    assert probabilities.shape == (20, max(outputs, 2))
    assert probabilities.sum(1) == pytest.approx(np.ones(20))
    assert (probabilities >= 0).all()
    picked = logits.argmax(1) if outputs > 1 else (logits[:, 0] > 0).long()
    assert probabilities.argmax(1).tolist() == picked.tolist()


def test_loss_is_weighted_mean_over_rows() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 1, 0, 0])
    plain = Classify(("a", "b", "c"))
    expected = torch.nn.functional.cross_entropy(logits, targets)
    torch.testing.assert_close(plain.loss(logits, targets), expected)
    weighed = Classify(("a", "b", "c"), AUTO, (1.0, 3.0, 0.5))
    expected = torch.nn.functional.cross_entropy(
        logits, targets, weight=torch.tensor([1.0, 3.0, 0.5])
    )
    torch.testing.assert_close(weighed.loss(logits, targets), expected)


def test_settings_reach_the_loss() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 1, 0, 0])

    def loss(**settings: object) -> float:
        return float(Classify(("a", "b", "c"), ClassifySettings(**settings)).loss(logits, targets))

    smooth = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.2)
    assert loss(label_smoothing=0.2) == pytest.approx(float(smooth))
    assert loss(loss="focal", focal_gamma=0.0) == pytest.approx(loss())
    assert loss(loss="focal", focal_gamma=3.0) < loss(loss="focal", focal_gamma=1.0) < loss()

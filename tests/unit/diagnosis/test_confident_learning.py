"""Likely wrong labels: flips are found, and the ranking is that of cleanlab."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.diagnosis.confident_learning import normalized_margins, rank_issues

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def draw(
    seed: int, rows: int, classes: int, flips: float
) -> tuple[Floats, Ints, npt.NDArray[np.bool_]]:
    """Probabilities of a fair model, labels of which some are flipped, and which are."""
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, rows)
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), true] += 3
    powers = np.exp(logits)
    is_flipped = random.random(rows) < flips
    given = np.where(is_flipped, (true + random.integers(1, classes, rows)) % classes, true)
    return powers / powers.sum(1, keepdims=True), given, is_flipped


@pytest.mark.parametrize("classes", [2, 5])
def test_ranking_equals_that_of_cleanlab(classes: int) -> None:
    rank = pytest.importorskip("cleanlab.rank")
    for seed in range(3):
        probabilities, given, is_flipped = draw(seed, 1000, classes, 0.05)
        theirs = rank.get_label_quality_scores(given, probabilities, method="normalized_margin")
        ours = normalized_margins(probabilities, given)
        # theirs is (p_given - max p_other + 1) / 2
        assert 2 * theirs - 1 == pytest.approx(ours)
        most = int(is_flipped.sum())
        precision = [is_flipped[np.argsort(s, kind="stable")[:most]].mean() for s in (ours, theirs)]
        assert precision[0] == pytest.approx(precision[1], abs=0.01)
        assert precision[0] >= 0.5


@pytest.mark.parametrize("classes", [2, 5])
def test_issues_are_those_of_cleanlab(classes: int) -> None:
    clean = pytest.importorskip("cleanlab.filter")
    probabilities, given, is_flipped = draw(7, 1000, classes, 0.05)
    theirs = clean.find_label_issues(given, probabilities, filter_by="confident_learning", n_jobs=1)
    ours = np.zeros(len(given), dtype=bool)
    ours[rank_issues(probabilities, given).rows] = True
    assert (ours == theirs).mean() >= 0.99
    assert ours[is_flipped].mean() == pytest.approx(theirs[is_flipped].mean(), abs=0.05)


@given(
    st.integers(2, 4).flatmap(
        lambda classes: st.lists(
            st.tuples(
                st.lists(st.integers(1, 20), min_size=classes, max_size=classes),
                st.integers(0, classes - 1),
            ),
            min_size=1,
            max_size=30,
        )
    )
)
def test_issues_equal_a_loop_over_rows(rows: list[tuple[list[int], int]]) -> None:
    probabilities = np.array([np.array(counts) / sum(counts) for counts, _ in rows])
    given_labels = np.array([label for _, label in rows])
    thresholds = {}
    for label in set(given_labels.tolist()):
        thresholds[label] = np.mean(
            [p[label] for p, y in zip(probabilities, given_labels, strict=True) if y == label]
        )
    expected = {}
    for row, (p, label) in enumerate(zip(probabilities, given_labels.tolist(), strict=True)):
        confident = [j for j in thresholds if p[j] >= thresholds[j] - 1e-15]
        best = max(confident, key=lambda j: (p[j], -j), default=None)
        if best is not None and best != label and p[best] > p[label]:
            expected[row] = best
    found = rank_issues(probabilities, given_labels)
    if all(abs(p[j] - t) > 1e-12 for p in probabilities for j, t in thresholds.items()):
        assert dict(zip(found.rows.tolist(), found.suggested.tolist(), strict=True)) == expected
    margins = normalized_margins(probabilities, given_labels)
    assert (np.diff(margins[found.rows]) >= 0).all()

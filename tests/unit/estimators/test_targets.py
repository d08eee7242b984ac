"""Conversions of `y`: whatever labels are, they come back, and no two of them become one."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer

from munjang.estimators.label_sets import LabelSets
from munjang.estimators.targets import Classes, name_labels
from munjang.names import label_key

_CHARACTERS = st.characters(exclude_categories=("Cs",))
_STRINGS = st.text(_CHARACTERS, max_size=8) | st.sampled_from(
    ["1", "1.0", "True", "true", " ", "", "a|b", "가", "\u1100\u1161", "a", "a "]
)
_WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)


def distinct_forms(labels: list[Any]) -> set[Any]:
    """Labels of which no two differ in their Unicode normal form alone."""
    import unicodedata

    by_form = {unicodedata.normalize("NFC", str(label)): label for label in labels}
    return set(by_form.values())


@given(
    st.lists(_STRINGS, min_size=2)
    | st.lists(_WHOLE, min_size=2)
    | st.lists(st.booleans(), min_size=2)
)
def test_class_targets_round_trip(labels: list[Any]) -> None:
    labels = [label for label in labels if label in distinct_forms(labels)]
    if len(set(labels)) < 2:
        return
    y = Classes.read(np.array(labels, dtype=object if isinstance(labels[0], str) else None))
    classes = Classes.fit(y)
    assert classes.classes.tolist() == sorted(set(labels))
    by_name = dict(zip(classes.names.tolist(), classes.classes.tolist(), strict=True))
    assert [by_name[name] for name in classes.encode(y)] == labels


@given(st.sets(_STRINGS, min_size=1))
def test_label_names_are_distinct_and_idempotent(labels: set[str]) -> None:
    array = np.array(sorted(distinct_forms(list(labels))), dtype=object)
    names = name_labels(array).tolist()
    assert len({label_key(name) for name in names}) == len(array)
    assert name_labels(np.array(names, dtype=object)).tolist() == names


_SETS = st.lists(
    st.sets(st.sampled_from("abcde")) | st.frozensets(st.sampled_from("abc")), min_size=1
)


@given(_SETS | st.lists(st.sets(st.integers(-3, 20)), min_size=1))
def test_label_sets_equal_multilabel_binarizer(sets: list[set[Any]]) -> None:
    read = LabelSets.read(sets)
    binarizer = MultiLabelBinarizer()
    np.testing.assert_array_equal(read.matrix, binarizer.fit_transform(sets))
    assert read.labels.tolist() == binarizer.classes_.tolist()
    if len(read.labels) < 2:
        return
    conversion = LabelSets.fit(read)
    by_name = dict(zip(conversion.names.tolist(), conversion.classes.tolist(), strict=True))
    encoded = conversion.encode(read)
    assert [{by_name[name] for name in names} for names in encoded] == sets
    # a part of the rows has the columns of all of them
    part, has_unknown = conversion.align(LabelSets.read(sets[:1]))
    np.testing.assert_array_equal(part, read.matrix[:1])
    assert not has_unknown.any()


@given(
    st.integers(2, 5).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 1), min_size=n, max_size=n), min_size=1)
    )
)
def test_equally_long_lists_of_0_and_1_are_a_matrix(rows: list[list[int]]) -> None:
    read = LabelSets.read(rows)
    assert read.is_given
    np.testing.assert_array_equal(read.matrix, np.array(rows))
    assert read.labels.tolist() == list(range(len(rows[0])))


def test_labels_are_equal_across_normal_forms() -> None:
    composed, decomposed = "\uac00", "\u1100\u1161"
    read = LabelSets.read([{composed}, {composed, "b"}, {decomposed}])
    assert read.labels.tolist() == ["b", composed]
    assert read.matrix.tolist() == [[False, True], [True, True], [False, True]]
    matrix, has_unknown = LabelSets.fit(read).align(LabelSets.read([{decomposed}]))
    assert (matrix.tolist(), has_unknown.tolist()) == ([[False, True]], [False])

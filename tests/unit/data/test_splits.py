import time
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.readers import read_table
from munjang.data.splits import number_distinct_texts, split
from munjang.errors import ConfigError, DataError
from tests.unit.data.strategies import hostile_text


def make_table(texts, labels):
    return read_table((texts, labels), need_labels=labels is not None)


def normalize_key(text):
    return unicodedata.normalize("NFC", text).strip()


def to_parts(result):
    return [result.train, result.valid, result.test]


rows = st.lists(
    st.tuples(
        st.one_of(st.sampled_from("가나다라마바사아자차"), hostile_text()), st.sampled_from("xyz")
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100)
@given(
    rows=rows,
    valid=st.sampled_from([0.0, 0.1, 0.3]),
    test=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 2**63),
    stratify=st.booleans(),
)
def test_split_partitions_rows_and_keeps_duplicates_together(rows, valid, test, seed, stratify):
    texts, labels = zip(*rows, strict=True)
    table = make_table(list(texts), list(labels))
    how = {"valid": valid, "test": test, "seed": seed, "stratify": stratify}
    try:
        result = split(table, **how)
    except DataError:
        parts = 1 + (valid > 0) + (test > 0)
        few = {x for x in labels if len({normalize_key(t) for t, y in rows if y == x}) < parts}
        # A text with two labels may leave a class without a text to train on.
        shared = len({normalize_key(t) for t in texts}) < len(
            {(normalize_key(t), x) for t, x in rows}
        )
        assert few or shared or len({normalize_key(t) for t in texts}) < parts
        return
    together = np.concatenate(to_parts(result))
    assert sorted(together.tolist()) == list(range(len(rows)))
    assert all((np.diff(part) > 0).all() for part in to_parts(result))
    seen = [{normalize_key(texts[i]) for i in part} for part in to_parts(result)]
    assert seen[0].isdisjoint(seen[1] | seen[2])
    assert seen[1].isdisjoint(seen[2])
    assert len(result.train) > 0
    assert (len(result.valid) > 0) == (valid > 0)
    assert (len(result.test) > 0) == (test > 0)
    if stratify:
        assert {labels[i] for i in result.train} == set(labels)
    repeated = split(table, **how)
    assert all(
        np.array_equal(a, b) for a, b in zip(to_parts(result), to_parts(repeated), strict=True)
    )


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(3, 80), min_size=2, max_size=5),
    valid=st.sampled_from([0.1, 0.25]),
    test=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 1000),
)
def test_split_keeps_class_proportions(counts, valid, test, seed):
    labels = [f"c{i}" for i, count in enumerate(counts) for _ in range(count)]
    table = make_table([f"글 {i}" for i in range(len(labels))], labels)
    result = split(table, valid=valid, test=test, seed=seed)
    for part, share in ((result.valid, valid), (result.test, test)):
        for i, count in enumerate(counts):
            size = sum(labels[j] == f"c{i}" for j in part)
            assert size == (max(1, round(share * count)) if share else 0)


def test_duplicates_are_found_across_normal_forms_and_spaces():
    same = ["각하", unicodedata.normalize("NFD", "각하"), " 각하\n", "각 하"]
    assert number_distinct_texts(make_table(same, None).keys).tolist() == [0, 0, 0, 1]


def test_other_seeds_give_other_splits():
    table = make_table([f"글 {i}" for i in range(100)], [i % 2 for i in range(100)])
    valids = {tuple(split(table, seed=seed).valid.tolist()) for seed in range(20)}
    assert len(valids) == 20


def test_split_of_seed_is_stable_across_versions():
    table = make_table([f"글 {i}" for i in range(12)], ["x", "y", "y"] * 4)
    result = split(table, valid=0.25, test=0.25, seed=7)
    assert [part.tolist() for part in to_parts(result)] == [
        [0, 1, 5, 7, 8, 9],
        [2, 3, 10],
        [4, 6, 11],
    ]


def test_split_without_labels_or_strata():
    texts = [f"글 {i}" for i in range(50)]
    for result in (
        split(make_table(texts, None), valid=0.2),
        split(make_table(texts, ["a", *["b"] * 49]), valid=0.2, stratify=False),
    ):
        assert [len(part) for part in to_parts(result)] == [40, 10, 0]


def test_split_without_held_out_rows():
    table = make_table(["가"], ["x"])
    result = split(table, valid=0, test=0)
    assert [part.tolist() for part in to_parts(result)] == [[0], [], []]


def test_class_with_fewer_rows_than_parts_is_refused():
    table = make_table(["가", "나", "다", "라", "마"], ["x", "x", "y", "y", "x"])
    with pytest.raises(DataError, match=r"row 3: the class 'y' has 2 rows, .* at least 3"):
        split(table, valid=0.2, test=0.2)
    repeated = make_table(["가", "나", "다", "다", "다 "], ["x", "x", "y", "y", "y"])
    with pytest.raises(DataError, match=r"class 'y' has 1 distinct text, .* at least 2"):
        split(repeated)
    with pytest.raises(DataError, match="1 distinct text cannot be split into 2 parts"):
        split(make_table(["가", "가"], None))


def test_class_sharing_texts_with_rarer_classes_stays_in_training():
    texts = ["가", "나", "다", "라"] * 2 + ["마", "바", "사", "아"]
    labels = ["x"] * 4 + ["y"] * 4 + ["z"] * 4
    for seed in range(20):
        result = split(make_table(texts, labels), valid=0.3, seed=seed)
        assert {labels[i] for i in result.train} == set("xyz")


def test_large_group_of_duplicates_does_not_fill_validation():
    texts = ["같은 글"] * 50 + [f"글 {i}" for i in range(50)]
    for seed in range(30):
        result = split(make_table(texts, ["x"] * 100), valid=0.1, seed=seed)
        assert 1 <= len(result.valid) <= 59


@pytest.mark.parametrize(
    ("valid", "test"), [(1.0, 0), (-0.1, 0), (0.5, 0.5), (float("nan"), 0), (0, 1.5)]
)
def test_invalid_shares_are_refused(valid, test):
    with pytest.raises(ConfigError, match="shares of validation and test"):
        split(make_table(["가", "나"], None), valid=valid, test=test)


def test_split_of_real_reviews_is_fast(real_data):
    table = read_table(real_data / "nsmc" / "train.tsv")
    start = time.process_time()
    result = split(table, valid=0.1, test=0.1)
    assert time.process_time() - start < 3
    assert [len(part) for part in to_parts(result)] == pytest.approx(
        [120_000, 15_000, 15_000], 0.001
    )
    texts = number_distinct_texts(table.keys)
    sets = [set(texts[part].tolist()) for part in to_parts(result)]
    assert sets[0].isdisjoint(sets[1] | sets[2])
    assert sets[1].isdisjoint(sets[2])
    for part in to_parts(result):
        assert (table.targets.gather(part) == "1").mean() == pytest.approx(0.5, abs=0.01)

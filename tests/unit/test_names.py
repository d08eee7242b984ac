"""Identity of names: a key of the one name, whatever stands beside it."""

import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.labels import check_known_labels
from munjang.data.readers import read_table
from munjang.errors import DataError
from munjang.names import KnownLabels, find_existing_path, label_key, nearest_name

NAMES = ["True", "true", "FALSE", "1", "1.0", "1.00", "01", "1.5", "n/a", "나쁨", "좋음", "é"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("True", "true"),
        (" FALSE\t", "false"),
        ("1.0", "1"),
        ("-2.", "-2"),
        ("1.50", "1.50"),
        ("007", "007"),
        ("1e3", "1e3"),
        ("Yes", "Yes"),
        (unicodedata.normalize("NFD", "나쁨"), "나쁨"),
        ("1.0.0", "1.0.0"),
    ],
)
def test_label_key(name: str, key: str) -> None:
    assert label_key(name) == key


@settings(deadline=None)
@given(name=st.one_of(st.sampled_from(NAMES), st.text()))
def test_label_key_is_idempotent_across_normal_forms(name: str) -> None:
    key = label_key(name)
    assert label_key(key) == key
    assert {label_key(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")} == {key}


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.sampled_from(NAMES), min_size=2, max_size=30),
    cut=st.integers(0, 30),
    decomposed=st.booleans(),
)
def test_classes_do_not_depend_on_split_into_files(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], cut: int, decomposed: bool
) -> None:
    folder = tmp_path_factory.mktemp("names")
    rows = [
        f"text {number},{unicodedata.normalize('NFD', label) if decomposed else label}"
        for number, label in enumerate(labels)
    ]
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    files = [folder / f"{number}.csv" for number in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        file.write_text("\n".join(["text,label", *part]), encoding="utf-8")
    together = read_table(files).targets.to_list()
    whole = folder / "whole.csv"
    whole.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    assert together == read_table(whole).targets.to_list()
    names = dict(zip(map(label_key, labels), together, strict=True))
    assert [label_key(name) for name in together] == [label_key(label) for label in labels]
    assert together == [names[label_key(label)] for label in labels], "one name each"
    assert set(together) <= set(labels), "a name that was given"
    for file in files:  # each of them alone is known to a model of all
        table = read_table(file)
        positions = check_known_labels(table.targets, sorted(set(together)), table)
        assert len(positions) == len(table)


def test_most_frequent_spelling_is_shown_and_reported() -> None:
    table = read_table((["a", "b", "c"], ["true", "True", "True"]))
    assert table.targets.to_list() == ["True"] * 3
    assert table.notes[-1] == "labels 'true', 'True' are one class, 'True'"
    table = read_table((["a", "b"], ["1.0", "1"]))
    assert table.targets.to_list() == ["1.0", "1.0"], "ties go to the first"


def test_known_labels_are_found_by_their_text() -> None:
    known = KnownLabels(["True", "False", "3"])
    assert [known.find(name) for name in ("true", "3.0", "FALSE", "no")] == [
        *("True", "3", "False"),
        None,
    ]
    frame = pl.DataFrame({"text": ["a", "b"], "label": [True, False]})
    table = read_table(frame)
    assert check_known_labels(table.targets, ["False", "True"], table).tolist() == [1, 0]
    with pytest.raises(DataError, match="row 1: the label 'true' was never seen"):
        check_known_labels(table.targets, ["yes", "no"], table)


def test_nearest_name_ignores_normal_form() -> None:
    typed = unicodedata.normalize("NFD", "라벨")
    assert nearest_name(typed, ["본문", "라벨들"], cutoff=0.5) == "라벨들"
    assert nearest_name("TXT", ["text", "label"], cutoff=0.5) == "text"
    assert nearest_name("zzz", ["text"]) is None


def test_find_existing_path_ignores_normal_form(tmp_path: Path) -> None:
    as_macos = tmp_path / unicodedata.normalize("NFD", "리뷰") / "나쁨"
    as_macos.mkdir(parents=True)
    typed = tmp_path / "리뷰" / unicodedata.normalize("NFD", "나쁨")
    assert find_existing_path(typed) == as_macos
    assert find_existing_path(typed / "없다") == typed / "없다"
    (tmp_path / "리뷰").mkdir()
    assert find_existing_path(tmp_path / "리뷰") == tmp_path / "리뷰", "what is there comes first"

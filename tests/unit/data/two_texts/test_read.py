"""Two texts per row from files and from Python: columns, bad rows, splits, checks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.splits import split
from munjang.data.two_texts.checks import check_two_texts
from munjang.data.two_texts.columns import find_pair_columns, holds_two_texts
from munjang.data.two_texts.read import is_pairs_and_labels, read_two_texts
from munjang.data.two_texts.table import join_pairs, share_texts
from munjang.errors import DataError
from tests.tables import make_two_texts_table

ROWS = [("집에 가자", "집으로 가자", "1"), ("a, b", 'c "d"', "0"), ("e", "f", "1")]


def write(path: Path, names: tuple[str, ...] = ("sentence1", "sentence2", "label")) -> Path:
    frame = pl.DataFrame(ROWS, schema=list(names), orient="row")
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".tsv":
            frame.write_csv(path, separator="\t", quote_style="never")
        case ".parquet":
            frame.write_parquet(path)
        case _:
            lines = [json.dumps(row, ensure_ascii=False) for row in frame.to_dicts()]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    "names",
    [
        ("sentence1", "sentence2", "label"),
        ("Question1", "question2", "is_duplicate"),
        ("premise", "hypothesis", "gold_label"),
        ("문장1", "문장2", "라벨"),
        ("text_a", "text_b", "score"),
        ("first", "second", "label"),
    ],
)
def test_every_format_and_usual_name_is_read(
    suffix: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    table = read_two_texts(str(write(tmp_path / f"pairs{suffix}", names)))
    assert list(zip(table["first"], table["second"], table["label"], strict=True)) == ROWS
    assert table.names == dict(zip(("first", "second", "label"), names, strict=True))
    inferred = [note for note in table.notes if "inferred" in note]
    assert len(inferred) == 1 + sum(table.names[role] != role for role in ("first", "second"))


def test_rows_and_columns_from_python_are_equal() -> None:
    pairs = [row[:2] for row in ROWS]
    columns = ([row[0] for row in ROWS], [row[1] for row in ROWS])
    labels = [row[2] for row in ROWS]
    frame = pl.DataFrame(ROWS, schema=["first", "second", "label"], orient="row")
    tables = [read_two_texts(x) for x in ((pairs, labels), (columns, labels), frame)]
    tables.append(read_two_texts((np.array(pairs), labels)))
    two = frame.select("first", "second")
    for columns_alone in (two, two.to_arrow(), two.lazy()):
        assert is_pairs_and_labels((columns_alone, labels))
        tables.append(read_two_texts((columns_alone, labels)))
    for table in tables:
        assert list(zip(table["first"], table["second"], table["label"], strict=True)) == ROWS
    assert read_two_texts((pairs, None), need_labels=False).targets is None


def test_pandas_like_frame_has_columns_by_position() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([row[:2] for row in ROWS])  # named 0 and 1
    labels = [row[2] for row in ROWS]
    assert is_pairs_and_labels((frame, labels))
    assert read_two_texts((frame, labels))["second"].to_list() == [row[1] for row in ROWS]


def test_named_columns_are_preferred_and_missing_one_is_inferred(tmp_path: Path) -> None:
    path = str(write(tmp_path / "pairs.csv"))
    swapped = read_two_texts(path, first_column="sentence2", second_column="sentence1")
    assert swapped["first"].to_list() == [row[1] for row in ROWS]
    half = read_two_texts(path, second_column="SENTENCE2".lower())
    assert half.names["first"] == "sentence1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_column": "sentence3"}, r"no first column 'sentence3'.* did you mean"),
        ({"first_column": "sentence1", "second_column": "sentence1"}, "named for both first and"),
        ({"label_column": "sentence2"}, "found no two columns"),
        ({"first_column": "label"}, "found no column that goes with 'label'"),
    ],
)
def test_invalid_columns_are_refused(options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_two_texts(str(write(tmp_path / "pairs.csv")), **options)


def test_plain_text_and_missing_labels_say_what_to_do(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"got plain text: give a table"):
        read_two_texts(str(plain))
    bare = tmp_path / "bare.csv"
    bare.write_text("first,second\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"found no label column"):
        read_two_texts(str(bare))


def test_empty_text_error_names_file_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    path.write_text("first,second,label\na,b,1\n , ,1\nc, ,0\nd,e,\nf,g,0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"holes.csv, row 3: .* 'first', got an empty one \(2 more"):
        read_two_texts(str(path))
    table = read_two_texts(str(path), skip_bad_rows=True)
    assert table.rows.tolist() == [2, 6]
    assert table.skipped == {"empty text": 2, "missing label": 1}


def test_second_file_without_column_is_refused(tmp_path: Path) -> None:
    first = str(write(tmp_path / "one.csv"))
    other = str(write(tmp_path / "two.csv", ("sentence1", "other", "label")))
    assert len(read_two_texts([first, first])) == 6
    with pytest.raises(DataError, match=r"two.csv.* no second column 'sentence2'"):
        read_two_texts([first, other])


@pytest.mark.parametrize(
    ("names", "pair", "certain"),
    [
        (("sentence1", "sentence2", "label"), ("sentence1", "sentence2"), True),
        (("text", "question1", "question2"), ("question1", "question2"), False),
        (("sentence1", "label"), None, False),
        (("review", "label"), None, False),
        (("question", "answer"), None, False),
    ],
)
def test_two_texts_are_inferred_only_without_another_text_column(
    names: tuple[str, ...], pair: tuple[str, str] | None, certain: bool
) -> None:
    assert find_pair_columns(names) == pair
    assert holds_two_texts(names) == certain


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (([("a", "b")], [1]), True),
        ((("ab", "cd"), [1, 2]), False),
        ((["a"], ["b"]), False),
        ((([], []), []), False),
        (((["a"], ["b"]), [1]), True),
        (([np.zeros((2, 2))], ["x"]), False),
        (["a.csv", "b.csv"], False),
        ("a.csv", False),
    ],
)
def test_pairs_with_labels_are_told_from_texts_and_images(data: Any, expected: bool) -> None:
    assert is_pairs_and_labels(data) is expected


texts = st.text(st.sampled_from("a| "), max_size=4)


@given(st.lists(st.tuples(texts, texts), min_size=2, max_size=2, unique=True))
def test_different_pairs_have_different_keys(pairs: list[tuple[str, str]]) -> None:
    keys = join_pairs(pl.Series([a for a, _ in pairs]), pl.Series([b for _, b in pairs]))
    assert keys[0] != keys[1]


words = st.sampled_from(["a", "b ", "가", "가", "c"])  # two normal forms


@given(st.lists(st.tuples(words, words), min_size=8, max_size=20), st.integers(0, 5))
def test_pair_and_its_reverse_stay_in_one_part(pairs: list[tuple[str, str]], seed: int) -> None:
    table = make_two_texts_table([a for a, _ in pairs], [b for _, b in pairs])

    def sets(rows: Any) -> set[frozenset[str]]:
        clean = ([t.strip().replace("가", "가") for t in pairs[row]] for row in rows)
        return {frozenset(pair) for pair in clean}

    if len(sets(range(len(pairs)))) < 3:
        return
    parts = split(table, valid=0.3, seed=seed, stratify=False)
    assert not sets(parts.train) & sets(parts.valid)


def test_shared_texts_of_parts_are_found() -> None:
    train = make_two_texts_table(["a", "b"], ["c", "d"])
    other = make_two_texts_table(["x", "d ", "c", "y"], ["z", "e", "a", "y"])
    assert share_texts(train, other).tolist() == [False, True, True, False]


def test_check_counts_duplicates_reversals_and_leaks() -> None:
    firsts, seconds = ["a", "b", "c", "a", "c"], ["a ", "c", "b", "a", "d"]
    table = make_two_texts_table(firsts, seconds, ["1", "0", "0", "0", "1"])
    test = make_two_texts_table(["c", "c", "q"], ["d", "z", "r"], ["1", "1", "0"])
    report = check_two_texts(table, test)
    assert (report.copies, report.copy_labels) == (2, {"0": 1, "1": 1})
    assert report.reversed == 2
    assert report.distinct_texts == 4
    assert (report.pairs.duplicates.texts, report.pairs.conflicts.texts) == (1, 1)
    assert report.pairs.test is not None
    assert report.pairs.test.in_train.rows == 1
    assert report.test_sharing_text == 2
    assert report.to_json()["labels"] == {"0": 3, "1": 2}
    json.dumps(report.to_json())

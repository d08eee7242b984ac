"""Which columns are taken for the two sides, and what is said about it."""

import csv
import io
import json
import sys

import polars as pl
import pytest

from munjang.data.pairs.read import read_pairs
from munjang.data.splits import split
from munjang.errors import DataError

PAIRS = [("Hello, you.", "안녕, 너."), ("Good night.", "잘 자."), ("Yes.", "네.")]


def write(path, names, rows, delimiter=","):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([names, *rows])
    return path


def to_pairs(table):
    return list(zip(table.keys.to_list(), table.targets.to_list(), strict=True))


def assert_refused(data, match, **how):
    with pytest.raises(DataError, match=match) as caught:
        read_pairs(data, **how)
    message = str(caught.value)
    assert "\n" not in message
    assert "label" not in message.split("columns are")[0]
    return message


# --- every kind of source


def test_every_format_gives_same_pairs(tmp_path):
    named = [dict(zip(("en", "ko"), pair, strict=True)) for pair in PAIRS]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in named)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    frame = pl.DataFrame(named)
    frame.write_parquet(tmp_path / "a.parquet")
    for source, first in (
        (write(tmp_path / "a.csv", ("en", "ko"), PAIRS), 2),
        (write(tmp_path / "a.tsv", ("en", "ko"), PAIRS, "\t"), 2),
        (write(tmp_path / "a.txt", ("en", "ko"), PAIRS, "\t"), 2),
        (tmp_path / "a.jsonl", 1),
        (tmp_path / "a.parquet", 1),
        (frame, 1),
        (tuple(map(list, zip(*PAIRS, strict=True))), 1),
    ):
        table = read_pairs(source)
        assert to_pairs(table) == PAIRS
        assert table.rows.tolist() == [first, first + 1, first + 2]


def test_standard_input(monkeypatch):
    content = "src\ttgt\nHello.\t안녕.\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert to_pairs(read_pairs("-")) == [("Hello.", "안녕.")]


def test_lists_have_default_column_names():
    table = read_pairs((["a"], ["가"]))
    assert (table.key_name, table.target_name, table.notes) == ("source", "target", ())
    assert table.place(0) == ("the sources given", 1)
    assert_refused(
        (["a", "b"], ["가"]), "expected one target per source, got 2 sources and 1 targets"
    )
    assert_refused(([], []), "there are no sources")
    assert_refused(7, r"a pair \(sources, targets\), got int")
    assert_refused(
        (["a", 3], ["가", "나"]), r"expected a string in the source column 'source', got .* 3"
    )


def test_numeric_targets_are_refused():
    assert_refused((["a"], [3]), "expected strings in the target column 'target', got Int64")


def test_several_files_use_columns_of_first(tmp_path):
    first = write(tmp_path / "a.csv", ("ko", "en"), [pair[::-1] for pair in PAIRS])
    second = write(tmp_path / "b.csv", ("en", "ko"), PAIRS[:1])
    table = read_pairs([first, second])
    assert to_pairs(table) == [*(pair[::-1] for pair in PAIRS), PAIRS[0][::-1]]
    other = write(tmp_path / "c.csv", ("en", "fr"), PAIRS)
    assert_refused(
        [first, other], r"c\.csv: there is no source column 'ko'; the columns are en, fr"
    )


def test_pairs_are_split_by_source():
    texts = [f"text {i // 2}" for i in range(40)]
    table = read_pairs((texts, [f"글 {i}" for i in range(40)]))
    parts = split(table, valid=0.2, stratify=False)
    train, valid = table.take(parts.train), table.take(parts.valid)
    assert len(train) + len(valid) == 40
    assert not set(train.keys) & set(valid.keys)
    for part in (train, valid):
        for i, target in enumerate(part.targets):
            assert int(target.split()[1]) + 1 == part.place(i)[1]


# --- guesses


@pytest.mark.parametrize(
    ("names", "source", "target"),
    [
        (("source", "target"), 0, 1),
        (("Target", "Source"), 1, 0),
        (("src", "tgt"), 0, 1),
        (("trg", "src"), 1, 0),
        (("en", "de"), 0, 1),
        (("ko", "en"), 0, 1),
        (("한국어", "영어"), 0, 1),
        (("번역문", "원문"), 1, 0),
        (("Q", "A", "label"), 0, 1),
        (("answer", "id", "question"), 2, 0),
        (("질문", "답변"), 0, 1),
        (("prompt", "response"), 0, 1),
        (("topic", "title", "description"), 2, 1),
        (("title", "text"), 1, 0),
        (("요약", "본문"), 1, 0),
        (("title", "text", "en", "ko"), 2, 3),
        (("id", "source", "target", "en", "ko"), 1, 2),
        (("source", "en", "ko"), 1, 2),
    ],
)
def test_usual_names_are_inferred(names, source, target):
    frame = {name: [f"{name} one.", f"{name} two."] for name in names}
    table = read_pairs(pl.DataFrame(frame))
    assert (table.key_name, table.target_name) == (names[source], names[target])
    notes = " ".join(table.notes)
    for kind, name in (("source", names[source]), ("target", names[target])):
        assert (f"{kind} column: {name} (inferred: by its name)" in notes) == (name != kind)


def test_first_of_two_text_columns_is_source(tmp_path):
    rows = [(i, f"text {i}", f"글 {i}", "ab"[i % 2]) for i in range(8)]
    path = write(tmp_path / "a.csv", ("id", "this", "that", "kind"), rows)
    table = read_pairs(path)
    assert (table.key_name, table.target_name) == ("this", "that")
    assert all("the two columns of texts, the first is the source" in note for note in table.notes)


def test_other_side_of_named_column_is_inferred(tmp_path):
    rows = [("a a", "b b", i) for i in range(3)]
    path = write(tmp_path / "a.csv", ("en", "ko", "n"), rows)
    table = read_pairs(path, source_column="ko")
    assert (table.key_name, table.target_name) == ("ko", "en")
    assert table.notes == ("target column: en (inferred: by its name)",)
    assert read_pairs(path, target_column="en").key_name == "ko"
    path = write(tmp_path / "b.csv", ("this", "that", "n"), rows)
    table = read_pairs(path, target_column="this")
    assert (table.key_name, table.target_name) == ("that", "this")
    assert table.notes == ("source column: that (inferred: the only other column of texts)",)


def test_joined_source_columns():
    frame = pl.DataFrame({"title": ["A", "B"], "body": ["a", "b"], "short": ["x", "y"]})
    table = read_pairs(frame, source_column="title+body", target_column="short")
    assert table.keys.to_list() == ["A a", "B b"]
    assert table.key_name == "title+body"
    assert read_pairs(frame, source_column="title+body").target_name == "short"


# --- what is not clear


def test_ambiguous_text_columns_are_listed():
    frame = pl.DataFrame({name: [f"{name}1", f"{name}2"] for name in ("x", "y", "z")})
    message = assert_refused(frame, r"it is not clear which columns .* \(x, y, z may\)")
    assert "--source-column and --target-column" in message
    assert_refused(frame, r"\(y, z may\)", source_column="x")


def test_ambiguous_languages_are_listed():
    frame = pl.DataFrame({name: [f"{name}1", f"{name}2"] for name in ("en", "de", "fr")})
    assert_refused(frame, r"\(en, de, fr may\)")
    table = read_pairs(frame, source_column="en", target_column="fr")
    assert to_pairs(table) == [("en1", "fr1"), ("en2", "fr2")]


@pytest.mark.parametrize(
    ("named", "match"),
    [
        ({"source_column": "english"}, "no source column 'english'; .*--source-column"),
        ({"target_column": "kor"}, r"no target column 'kor'; .* did you mean ko\?"),
        ({"source_column": "ko", "target_column": "ko"}, "'ko' is named for both sources and"),
        ({"source_column": "en+ko", "target_column": "ko"}, "'ko' is named for both sources and"),
    ],
)
def test_unknown_names_are_refused(named, match):
    assert_refused(pl.DataFrame({"en": ["a"], "ko": ["b"]}), match, **named)


def test_label_column_is_not_a_target(tmp_path):
    rows = [(f"a review of {i}", "good" if i % 2 else "bad") for i in range(8)]
    path = write(tmp_path / "a.csv", ("review", "label"), rows)
    refused_message = "found no target column; the columns are review, label: name them with"
    with pytest.raises(DataError, match=refused_message):
        read_pairs(path)
    assert read_pairs(path, target_column="label").target_name == "label"


def test_first_row_of_data_is_not_taken_as_header(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("Go on.\t계속 해.\nStop.\t그만.\n", encoding="utf-8")
    message = assert_refused(path, "expected a header, but the first row looks like data")
    assert "source,target on top" in message
    path.write_text("source\ttarget\nGo on.\t계속 해.\n", encoding="utf-8")
    assert len(read_pairs(path)) == 1


# --- without targets


def test_sources_without_targets(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("하나\n하나\n하나\n", encoding="utf-8")
    table = read_pairs(path, need_targets=False)
    assert (table.keys.to_list(), table.targets) == (["하나"] * 3, None)
    assert_refused(path, r"found no target column; .* AlignedFiles\(source, target\)")
    assert read_pairs((["a"], None), need_targets=False).targets is None
    assert_refused((["a"], None), "found no target column")


def test_bad_optional_targets_are_reported():
    frame = pl.DataFrame({"en": ["a b", "c d"], "ko": ["가", ""], "x": ["y y", "z z"]})
    table = read_pairs(frame, need_targets=False)
    assert (table.keys.to_list(), table.targets) == (["a b", "c d"], None)
    assert (
        "target column ko is not used: the data frame, row 2: expected a target"
        in (table.notes[-1])
    )
    whole = read_pairs(frame[:1], need_targets=False)
    assert whole.targets.to_list() == ["가"]
    unnamed = read_pairs(frame.select("x", pl.col("en").alias("y")), need_targets=False)
    assert (unnamed.key_name, unnamed.target_name) == ("x", None)

"""Errors about bad files: one line with file and row; bad rows are skipped only on request."""

import gzip
import json

import polars as pl
import pytest

from munjang.data.labels import check_known_labels, check_labels
from munjang.data.readers import read_table
from munjang.errors import DataError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def write(path, rows, suffix, packed=False):
    """Write rows of (text, label) in a format; None is null, or empty in formats without null."""
    path = path / f"data{suffix}"
    if suffix == ".parquet":
        texts, labels = zip(*rows, strict=True)
        pl.DataFrame({"text": list(texts), "label": list(labels)}).write_parquet(path)
    elif suffix == ".jsonl":
        lines = [json.dumps({"text": t, "label": x}, ensure_ascii=False) for t, x in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        mark = {".csv": ",", ".tsv": "\t"}[suffix]
        lines = [mark.join((t or "", x or "")) for t, x in [("text", "label"), *rows]]
        path.write_text("\n".join(lines), encoding="utf-8")
    if packed:
        packed_path = path.with_name(path.name + ".gz")
        packed_path.write_bytes(gzip.compress(path.read_bytes()))
        return packed_path
    return path


def header_lines(suffix):
    return 1 if suffix in (".csv", ".tsv") else 0


def assert_refused(path, message, row=None, **how):
    with pytest.raises(DataError, match=message) as caught:
        read_table(path, **how)
    error = str(caught.value)
    assert "\n" not in error
    assert error.startswith(str(path))
    assert caught.value.row == row
    assert row is None or f"row {row}:" in error


# --- values


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("bad", "message", "reason"),
    [
        (("", "1"), "expected a text in column 'text'", "empty text"),
        (("  \u3000", "1"), "expected a text in column 'text'", "empty text"),
        ((None, "1"), "expected a text in column 'text'", "empty text"),
        (("글", ""), "the label column 'label' holds nothing", "missing label"),
        (("글", None), "the label column 'label' holds nothing", "missing label"),
        ((None, None), "expected a text", "empty text"),
    ],
)
def test_missing_values(tmp_path, suffix, packed, bad, message, reason):
    path = write(tmp_path, [("하나", "1"), bad, ("셋", "0"), bad], suffix, packed)
    assert_refused(path, message, row=2 + header_lines(suffix))
    assert_refused(path, r"\(1 more bad row after it\)", row=2 + header_lines(suffix))
    table = read_table(path, skip_bad_rows=True)
    assert table.keys.to_list() == ["하나", "셋"]
    assert table.targets.to_list() == ["1", "0"]
    assert table.rows.tolist() == [1 + header_lines(suffix), 3 + header_lines(suffix)]
    assert table.skipped == {reason: 2}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_usable_row_is_refused(tmp_path, suffix):
    path = write(tmp_path, [("하나", None), ("", "1"), ("", "0")], suffix)
    assert_refused(path, "no usable row is left; bad rows: 2 with empty text, 1 with missing label",
                   skip_bad_rows=True)  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_labels_matter_only_if_needed(tmp_path, suffix):
    path = write(tmp_path, [("하나", "1"), ("둘", None)], suffix)
    table = read_table(path, need_labels=False)
    assert table.targets is None
    assert len(table) == 2
    assert any("label is not used" in note for note in table.notes)
    assert_refused(path, "holds nothing", row=2 + header_lines(suffix), label_column="label",
                   need_labels=False)  # fmt: skip


def test_numeric_text_column_is_refused(tmp_path):
    path = tmp_path / "d.parquet"
    pl.DataFrame({"text": [1, 2], "label": ["a", "b"]}).write_parquet(path)
    assert_refused(path, "expected strings in the text column 'text', got Int64", row=1)


def test_list_as_label_is_refused(tmp_path):
    path = tmp_path / "d.parquet"
    pl.DataFrame({"text": ["a", "b"], "label": [["x", "y"], ["z"]]}).write_parquet(path)
    assert_refused(path, "expected one label in column 'label'", row=1)


@pytest.mark.parametrize(
    ("line", "message", "reason"),
    [
        ('{"text": 3, "label": 1}', "expected a string in the text column 'text', got the int 3",
         "text is not a string"),
        ('{"text": ["a"], "label": 1}', "got the list", "text is not a string"),
        ('{"label": 1}', "expected the key 'text', which this line does not have", "missing key"),
        ('{"text": "a"}', "expected the key 'label'", "missing key"),
        ('{"text": "a", "label": ["x"]}', "expected one label", "label is not one value"),
        ('{"text": "a", "label": {"x": 1}}', "expected one label", "label is not one value"),
        ('{"text": "a", "label": NaN}', "holds nothing", "missing label"),
        ('{"text": "\\ud800", "label": 1}', "not a valid Unicode string", "invalid Unicode"),
        ('{"text": "a", "label": 1', "not valid JSON", "bad JSON"),
        ('{"text": "a"} {"text": "b"}', "not valid JSON", "bad JSON"),
        ("3", "expected a JSON object", "bad JSON"),
        ("[" * 100_000, "nested too deeply", "bad JSON"),
    ],
)  # fmt: skip
def test_bad_json_lines(tmp_path, line, message, reason):
    good = '{"text": "하나", "label": 1}\n\n'
    path = tmp_path / "d.jsonl"
    path.write_text(f"{good}{line}\n{good}", encoding="utf-8")
    assert_refused(path, message, row=3)
    table = read_table(path, skip_bad_rows=True)
    assert table.rows.tolist() == [1, 4]
    assert table.skipped == {reason: 1}


def test_json_array_is_refused(tmp_path):
    for content in ('[{"text": "a", "label": 1}]', '[\n{"text": "a", "label": 1}\n]'):
        path = tmp_path / "d.json"
        path.write_text(content)
        assert_refused(path, r"expected JSON Lines .* got a JSON array; convert it with: jq", row=1)


# --- structure


@pytest.mark.parametrize(
    ("suffix", "mark", "cure"), [(".csv", ",", "double quotes"), (".tsv", "\t", "no text may hold")]
)
def test_wrong_number_of_fields(tmp_path, suffix, mark, cure):
    path = tmp_path / f"d{suffix}"
    lines = [["id", "text", "label"], ["1", "하나", "1"], ["2", "둘", "셋", "0"], ["3", "넷"],
             ["5"], ["4", "넷", "0"]]  # fmt: skip
    path.write_text("\n".join(map(mark.join, lines)), encoding="utf-8")
    assert_refused(path, r"expected 3 fields as in the header \(id, text, label\), got 4", row=3)
    assert_refused(path, cure, row=3)
    table = read_table(path, skip_bad_rows=True)
    assert table.keys.to_list() == ["하나", "넷"]
    assert table.rows.tolist() == [2, 6]
    assert table.skipped == {"wrong number of fields": 3}


def test_unclosed_quote(tmp_path):
    path = tmp_path / "d.csv"
    body = "".join(f"줄 {i},{i % 2}\n" for i in range(3000))
    path.write_text(f'text,label\n하나,1\n"둘,0\n{body}', encoding="utf-8")
    assert_refused(path, "a double quote opens a field here and is never closed", row=3)
    table = read_table(path, skip_bad_rows=True)
    assert len(table) == 3001
    assert table.rows[:3].tolist() == [2, 4, 5]
    assert table.skipped == {"malformed quotes": 1}


def test_text_after_closing_quote(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text('text,label\n하나,1\n"둘"이라고,0\n셋,0\n', encoding="utf-8")
    assert_refused(path, "text follows the closing double quote", row=3)
    assert read_table(path, skip_bad_rows=True).skipped == {"malformed quotes": 1}


def test_damaged_header(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text('"text"x,label\n하나,1\n', encoding="utf-8")
    assert_refused(path, "text follows", row=1, skip_bad_rows=True)
    path.write_text(",\n하나,1\n", encoding="utf-8")
    assert_refused(path, "expected a header with column names", row=1)
    path.write_bytes(b"text\xff,label\na,1\n")
    assert_refused(path, "the header holds invalid bytes", row=1, skip_bad_rows=True)


@pytest.mark.parametrize("packed", [False, True])
def test_empty_files(tmp_path, packed):
    for suffix in (".csv", ".tsv", ".jsonl", ".txt", ".parquet"):
        for content in ("", " \n\n", "\ufeff"):
            if suffix == ".parquet" and content:
                continue
            path = tmp_path / f"d{suffix}"
            data = content.encode()
            path.write_bytes(gzip.compress(data) if packed else data)
            assert_refused(path, "the file is empty")


def test_header_without_rows(tmp_path):
    for suffix, content in (
        (".csv", 'text,"label"\n\n'),
        (".tsv", "text\tlabel"),
        (".csv", 'a"b,c'),
    ):
        path = tmp_path / f"d{suffix}"
        path.write_text(content)
        assert_refused(path, r"only a header \(.*\) and no row after it", row=1)
    path = tmp_path / "d.csv"
    path.write_text('"text, label')
    assert_refused(path, "never closed", row=1)
    path = tmp_path / "d.parquet"
    pl.DataFrame({"text": [], "label": []}).write_parquet(path)
    assert_refused(path, "columns but no row")


# --- bytes


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
@pytest.mark.parametrize("packed", [False, True])
def test_invalid_utf8(tmp_path, suffix, packed):
    head = {".csv": "text,label\n", ".tsv": "text\tlabel\n"}.get(suffix, "")
    line = {".csv": "{},1\n", ".tsv": "{}\t1\n", ".txt": "{}\n"}.get(
        suffix, '{{"text": "{}", "label": 1}}\n'
    )
    good = (head + line.format("하나")).encode()
    bad = line.format("둘ⓧ").encode().replace("ⓧ".encode(), b"\xff")
    content = good + bad + line.format("셋").encode()
    path = tmp_path / f"d{suffix}"
    path.write_bytes(gzip.compress(content) if packed else content)
    row = 2 + bool(head)
    offset = content.index(b"\xff")
    needs = {"need_labels": suffix != ".txt"}
    assert_refused(path, rf"not valid UTF-8 at byte {offset} \(0xff\)", row=row, **needs)
    table = read_table(path, skip_bad_rows=True, **needs)
    assert table.keys.to_list() == ["하나", "셋"]
    assert table.rows.tolist() == [row - 1, row + 1]
    assert table.skipped == {"invalid bytes": 1}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_nul_bytes(tmp_path, suffix):
    rows = [("하나", "1"), ("둘!", "0"), ("셋", "0")]
    path = write(tmp_path, rows, suffix)
    path.write_bytes(path.read_bytes().replace(b"!", b"\0"))
    assert_refused(path, "a NUL byte at byte", row=2 + header_lines(suffix))
    table = read_table(path, skip_bad_rows=True)
    assert table.keys.to_list() == ["하나", "셋"]
    assert table.skipped == {"NUL byte": 1}


def test_damage_beside_literal_quotes(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(
        'text,label\n5" 하나,1\n둘\0,0\n셋ⓧ,1\n"넷\n줄",0\n'.encode().replace("ⓧ".encode(), b"\xff")
    )
    table = read_table(path, skip_bad_rows=True)
    assert table.keys.to_list() == ['5" 하나', "넷\n줄"]
    assert table.rows.tolist() == [2, 5]
    assert table.skipped == {"NUL byte": 1, "invalid bytes": 1}


def test_other_encodings_are_suggested(tmp_path):
    path = tmp_path / "d.csv"
    content = "text,label\n정말 좋은 영화,1\n별로,0\n"
    path.write_bytes(content.encode("cp949"))
    assert_refused(path, "it decodes as cp949: try --encoding cp949", row=2)
    assert_refused(path, "not valid ascii at byte 11", row=2, encoding="ascii")
    path.write_bytes(content.encode())
    assert_refused(path, "not valid cp949 .* try --encoding utf-8", row=2, encoding="cp949")
    path.write_bytes("text,label\nun caf\xe9 tr\xe8s bon,1\n".encode("cp1252"))
    assert_refused(path, "name its encoding with --encoding", row=2)


def test_utf16_without_byte_order_mark(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes("text,label\ngood,1\nbad,0\n".encode("utf-16-le"))
    assert_refused(path, "try --encoding utf-16-le", row=1)
    assert len(read_table(path, encoding="utf-16-le")) == 2


def test_bad_rows_of_cp949(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(
        "text,label\n하나,1\nⓍ,0\n셋,0\n".replace("Ⓧ", "둘!").encode("cp949").replace(b"!", b"\xff")
    )
    assert_refused(path, "not valid cp949", row=3, encoding="cp949")
    table = read_table(path, encoding="cp949", skip_bad_rows=True)
    assert table.keys.to_list() == ["하나", "셋"]
    assert table.skipped == {"invalid bytes": 1}


def test_broken_gzip(tmp_path):
    whole = gzip.compress(b"text,label\n" + b"good,1\nbad,0\n" * 1000)
    path = tmp_path / "d.csv.gz"
    for content in (
        whole[:-20],
        whole[:40],
        whole[:30] + b"xxxx" + whole[34:],
        whole[:-6] + b"000000",
    ):
        path.write_bytes(content)
        assert_refused(path, "cannot be read to its end .* gzip")


def test_broken_parquet(tmp_path):
    path = tmp_path / "d.parquet"
    frame = pl.DataFrame({"text": [f"text {i}" for i in range(5000)], "label": ["a", "b"] * 2500})
    frame.write_parquet(path)
    whole = path.read_bytes()
    for content in (whole[:-10], whole[: len(whole) // 2], whole[:4], b"PAR1PAR1"):
        path.write_bytes(content)
        assert_refused(path, "not a whole Parquet file")
    path.write_bytes(whole[:100] + bytes(2000) + whole[2100:])
    assert_refused(path, "not a whole Parquet file")
    path.write_bytes(b"text,label\na,1\n")
    assert_refused(path, "not a whole Parquet file")


# --- paths


def test_missing_file_error_suggests_nearest_name(tmp_path):
    (tmp_path / "train.tsv").write_text("text\tlabel\na\t1\n")
    assert_refused(
        tmp_path / "trian.tsv", "no such file; the nearest name in that folder is train.tsv"
    )
    assert_refused(tmp_path / "nowhere" / "train.tsv", "the folder .* does not exist either")


def test_folder_in_place_of_file_is_refused(tmp_path):
    (tmp_path / "train.tsv").write_text("text\tlabel\na\t1\n")
    assert_refused(tmp_path, r"expected a file, but this is a folder; it holds train\.tsv")


# --- labels


def test_single_class_is_refused():
    table = read_table((["가", "나"], [1, 1]))
    with pytest.raises(DataError, match="at least two classes in column 'label', but all 2 rows"):
        check_labels(table)


def test_class_with_too_few_rows_is_refused(tmp_path):
    path = write(tmp_path, [("가", "x"), ("나", "y"), ("다", "x"), ("라", "x")], ".csv")
    table = read_table(path)
    assert check_labels(table) == {"x": 3, "y": 1}
    with pytest.raises(
        DataError, match="the class 'y' has 1 row, but each class needs at least 2"
    ) as e:
        check_labels(table, least=2)
    assert e.value.row == 3


def test_label_unseen_in_training_is_refused(tmp_path):
    path = write(tmp_path, [("가", "x"), ("나", "z"), ("다", "y")], ".csv")
    table = read_table(path)
    assert check_known_labels(table.targets, ["z", "y", "x"], table).tolist() == [2, 0, 1]
    with pytest.raises(
        DataError, match=r"label 'z' was never seen in training; the known labels are x, y"
    ) as e:
        check_known_labels(table.targets, ["x", "y"], table)
    assert (e.value.file, e.value.row) == (str(path), 3)


def test_labels_are_required():
    with pytest.raises(DataError, match="no label column"):
        check_labels(read_table((["가"], None), need_labels=False))

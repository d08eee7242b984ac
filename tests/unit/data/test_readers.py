import csv
import gzip
import io
import json
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.readers import read_table
from munjang.errors import ConfigError, DataError
from tests.unit.data.strategies import hostile_text

ROWS = [("좋다, 정말", "1"), ('그는 "좋다"고 했다', "0"), ("둘째\n줄", "1")]


def write_csv(path, rows, header=("text", "label"), **how):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **how)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_jsonl(path, rows, keys=("text", "label")):
    lines = [json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_parquet(path, rows, names=("text", "label")):
    columns = zip(*rows, strict=True)
    pl.DataFrame(dict(zip(names, map(list, columns), strict=True))).write_parquet(path)
    return path


def compress(path):
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def to_pairs(table):
    return list(zip(table.keys.to_list(), table.targets.to_list(), strict=True))


# --- one content, many formats


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("write", "suffix", "rows"),
    [
        (write_csv, ".csv", [2, 3, 4]),
        (write_jsonl, ".jsonl", [1, 2, 3]),
        (write_parquet, ".parquet", [1, 2, 3]),
    ],
)
def test_every_format_gives_same_table(tmp_path, write, suffix, rows, packed):
    path = write(tmp_path / f"data{suffix}", ROWS)
    table = read_table(compress(path) if packed else path)
    assert to_pairs(table) == ROWS
    assert table.rows.tolist() == rows
    assert (table.key_name, table.target_name) == ("text", "label")
    assert table.keys.dtype == table.targets.dtype == pl.String


def test_tsv(tmp_path):
    path = tmp_path / "data.tsv"
    path.write_text('id\tdocument\tlabel\n1\t"좋다" 정말\t1\n2\t"\t0\n', encoding="utf-8")
    assert to_pairs(read_table(path)) == [('"좋다" 정말', "1"), ('"', "0")]


def test_plain_text_gives_one_row_per_line(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text("첫째, 글\r\n  둘째 \n\n\n", encoding="utf-8", newline="")
    table = read_table(path, need_labels=False)
    assert table.keys.to_list() == ["첫째, 글", "  둘째 "]
    assert table.targets is None


def test_blank_lines_of_plain_text_are_no_rows_and_are_said(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text("\n첫째\n\n \n둘째\n\u200b\n셋째\n\n", encoding="utf-8")
    table = read_table(path, need_labels=False)
    assert table.keys.to_list() == ["첫째", "둘째", "셋째"]
    assert table.rows.tolist() == [2, 5, 7]
    assert any("4 blank lines left out" in note for note in table.notes)
    assert not table.skipped
    path.write_text("\u200b\n", encoding="utf-8")
    with pytest.raises(DataError, match="all lines are blank"):
        read_table(path, need_labels=False)


def test_gzip_is_detected_by_content(tmp_path):
    path = write_csv(tmp_path / "data.csv", ROWS)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert to_pairs(read_table(path)) == ROWS


def test_format_without_suffix_is_detected_by_content(tmp_path):
    for i, write in enumerate((write_csv, write_jsonl, write_parquet)):
        path = write(tmp_path / f"data{i}", ROWS)
        assert to_pairs(read_table(path)) == ROWS
    tabbed = tmp_path / "ratings_train.txt"
    tabbed.write_text("id\tdocument\tlabel\n1\t좋다\t1\n2\t별로\t0\n", encoding="utf-8")
    table = read_table(tabbed)
    assert to_pairs(table) == [("좋다", "1"), ("별로", "0")]
    assert any("TSV" in note for note in table.notes)


@pytest.mark.parametrize(("delimiter", "delimiter_name"), [(";", "semicolons"), ("\t", "tabs")])
def test_csv_with_another_delimiter(tmp_path, delimiter, delimiter_name):
    rows = [("좋다, 정말", "1"), ("별로", "0")]
    table = read_table(write_csv(tmp_path / "data.csv", rows, delimiter=delimiter))
    assert to_pairs(table) == rows
    assert any(delimiter_name in note for note in table.notes)


def test_several_files_keep_file_and_row(tmp_path):
    first = write_csv(tmp_path / "a.csv", [("하나", "1"), ("둘", "0")])
    second = write_jsonl(tmp_path / "b.jsonl", [("셋", 1)])
    table = read_table([first, second])
    assert table.keys.to_list() == ["하나", "둘", "셋"]
    assert table.targets.to_list() == ["1", "0", "1"]
    assert [table.place(i) for i in range(3)] == [
        (str(first), 2),
        (str(first), 3),
        (str(second), 1),
    ]
    assert table.place(0) == table.take([2, 0]).place(1)


def test_standard_input(monkeypatch):
    content = io.TextIOWrapper(io.BytesIO("text,label\n좋다,1\n별로,0\n".encode()))
    monkeypatch.setattr(sys, "stdin", content)
    assert to_pairs(read_table("-")) == [("좋다", "1"), ("별로", "0")]
    assert not content.buffer.closed


def test_data_frames_and_lists():
    texts, labels = ["좋다", "별로"], [1, 0]
    frame = pl.DataFrame({"text": texts, "label": labels})
    sources = [(texts, labels), (np.array(texts), np.array(labels)), (pl.Series(texts), labels)]
    for source in (frame, frame.lazy(), frame.to_arrow(), *sources):
        table = read_table(source)
        assert to_pairs(table) == [("좋다", "1"), ("별로", "0")]
        assert table.rows.tolist() == [1, 2]
    assert read_table((texts, None), need_labels=False).targets is None


class PandasLike:
    """Stand-in for a pandas frame, with the methods that the reader calls."""

    def __init__(self, **columns):
        self.data = {name: np.array(values, dtype=object) for name, values in columns.items()}
        self.columns = list(self.data)

    def __getitem__(self, name):
        return self.data[name]

    def __len__(self):
        return len(self.data[self.columns[0]])


def test_pandas_like_frame():
    table = read_table(PandasLike(text=["좋다", "별로"], label=[1.0, 0.0]))
    assert to_pairs(table) == [("좋다", "1"), ("별로", "0")]
    with pytest.raises(DataError, match=r"the data frame, row 2: expected a text .* got nothing"):
        read_table(PandasLike(text=["좋다", float("nan")], label=[1, 0]))


# --- columns


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("id,document,label", "document", "label"),
        ("라벨,본문,번호", "본문", "라벨"),
        ("Label,Text,n", "Text", "Label"),
        ("topic,title,description", "title+description", "topic"),
        ("a,b,c", "b", "c"),
    ],
)
def test_inferred_columns_are_reported(tmp_path, header, text, label):
    columns = {
        "document": "긴 글이 여기",
        "본문": "긴 글이 여기",
        "Text": "긴 글",
        "b": "길고 긴 글이 여기",
    }
    columns |= {"title": "제목", "description": "긴 설명 글"}
    rows = []
    for i in range(8):
        rows.append(
            [
                f"{columns[name]} {i}" if name in columns else str(i % 2 if name == label else i)
                for name in header.split(",")
            ]
        )
    table = read_table(write_csv(tmp_path / "d.csv", rows, header.split(",")))
    assert (table.key_name, table.target_name) == (text, label)
    assert any(text in note and "inferred" in note for note in table.notes)
    assert any(label in note and "inferred" in note for note in table.notes)


def test_named_columns_are_not_reported(tmp_path):
    path = write_csv(tmp_path / "d.csv", ROWS)
    assert read_table(path, text_column="text", label_column="label").notes == ()


def test_joined_columns(tmp_path):
    path = write_csv(tmp_path / "d.csv", [("가", "나", "1"), ("다", "", "0")], ("x", "y", "label"))
    assert read_table(path, text_column="x+y").keys.to_list() == ["가 나", "다"]


def test_missing_column_error_suggests_nearest_name(tmp_path):
    path = write_csv(tmp_path / "d.csv", ROWS, ("document", "label"))
    with pytest.raises(
        DataError,
        match=r"no text column 'documant'; the columns are document, label;"
        r" did you mean document\?",
    ):
        read_table(path, text_column="documant")
    with pytest.raises(DataError, match="no label column 'klass'"):
        read_table(path, label_column="klass")


def test_missing_column_in_a_later_file(tmp_path):
    first = write_csv(tmp_path / "a.csv", ROWS)
    second = write_csv(tmp_path / "b.csv", ROWS, ("txt", "label"))
    with pytest.raises(DataError, match=r"b\.csv: there is no text column 'text'"):
        read_table([first, second])


def test_no_label_column(tmp_path):
    path = write_csv(tmp_path / "d.csv", [("좋은 글", "하나"), ("나쁜 글", "둘")], ("text", "x"))
    with pytest.raises(DataError, match="found no label column"):
        read_table(write_csv(tmp_path / "e.csv", [("글 하나",), ("글 둘",)], ("text",)))
    assert read_table(path, need_labels=False).targets is None


def test_first_row_of_data_is_not_taken_as_header(tmp_path):
    path = tmp_path / "d.tsv"
    path.write_text("좋다\t1\n별로\t0\n", encoding="utf-8")
    with pytest.raises(DataError, match="the first row looks like data"):
        read_table(path)


def test_repeated_column_name(tmp_path):
    path = write_csv(tmp_path / "d.csv", [("가", "나", "1")], ("text", "text", "label"))
    with pytest.raises(DataError, match="2 columns are named 'text'"):
        read_table(path, text_column="text")


# --- labels


@pytest.mark.parametrize(
    ("labels", "clean"),
    [
        ([1, 0], ["1", "0"]),
        ([1.0, 0.0], ["1", "0"]),
        ([1.5, 2.0], ["1.5", "2"]),
        ([True, False], ["true", "false"]),
        ([" pos", "neg "], ["pos", "neg"]),
        ([1, "a"], ["1", "a"]),
        ([np.int64(1), np.float32(0)], ["1", "0"]),
        ([10**30, 1], [str(10**30), "1"]),
        (["1.0", "0"], ["1.0", "0"]),
        (["True", "False"], ["True", "False"]),
        (["2.0", "2.1"], ["2.0", "2.1"]),
        (["True", "Maybe"], ["True", "Maybe"]),
    ],
)
def test_labels_become_clean_strings(labels, clean):
    assert read_table((["가", "나"], labels)).targets.to_list() == clean


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.Boolean, pl.Categorical])
def test_labels_do_not_depend_on_dtype(tmp_path, dtype):
    values = pl.Series([1, 0, 1])
    values = values.cast(pl.String).cast(dtype) if dtype == pl.Categorical else values.cast(dtype)
    path = tmp_path / "d.parquet"
    pl.DataFrame({"text": ["가", "나", "다"], "label": values}).write_parquet(path)
    expected = ["true", "false", "true"] if dtype == pl.Boolean else ["1", "0", "1"]
    assert read_table(path).targets.to_list() == expected


# --- quoting


@settings(max_examples=200)
@given(
    rows=st.lists(st.tuples(hostile_text(), hostile_text()), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
)
def test_csv_round_trip(tmp_path_factory, rows, quoting, ending, final):
    path = tmp_path_factory.mktemp("csv") / "d.csv"
    header = ("text", "other")
    write_csv(path, rows, header, quoting=quoting, lineterminator=ending)
    if not final:
        path.write_bytes(path.read_bytes().removesuffix(ending.encode()))
    for i, name in enumerate(header):
        table = read_table(path, text_column=name, need_labels=False)
        assert table.keys.to_list() == [row[i] for row in rows]


def reference_rows(content: str) -> list[int]:
    """Return the line where each record starts, by Python's own parser."""
    reader = csv.reader(io.StringIO(content, newline=""))
    starts, at = [], 0
    for record in reader:
        if record:
            starts.append(at + 1)
        at = reader.line_num
    return starts[1:]


@settings(max_examples=100)
@given(texts=st.lists(hostile_text(), min_size=1, max_size=8), blank=st.booleans())
def test_rows_are_line_numbers_of_record_starts(tmp_path_factory, texts, blank):
    texts = [text.replace("\r\n", "\n") for text in texts]
    path = tmp_path_factory.mktemp("csv") / "d.csv"
    write_csv(path, [(t, "1") for t in texts], lineterminator="\n\n" if blank else "\n")
    table = read_table(path)
    assert table.rows.tolist() == reference_rows(path.read_text(encoding="utf-8"))


@settings(max_examples=150)
@given(body=st.lists(st.sampled_from(['"', '"', ",", "\n", "a", "한", " "]), max_size=24))
def test_random_quotes_are_read_as_python_csv_or_refused(tmp_path_factory, body):
    content = "text,label\n" + "".join(body) + "\nx,1\n"
    path = tmp_path_factory.mktemp("csv") / "d.csv"
    path.write_text(content, encoding="utf-8", newline="")
    try:
        expected = list(csv.reader(io.StringIO(content, newline=""), strict=True))[1:]
    except csv.Error:
        expected = None
    good = expected is not None and all(
        len(r) == 2 and r[0].strip() and r[1].strip() for r in expected if r
    )
    if not good:
        with pytest.raises(DataError, match="row "):
            read_table(path)
    else:
        table = read_table(path)
        assert to_pairs(table) == [(t, label.strip()) for t, label in filter(None, expected)]


@settings(max_examples=100)
@given(texts=st.lists(hostile_text(), min_size=1, max_size=8))
def test_tsv_equals_plain_split(tmp_path_factory, texts):
    texts = [t for text in texts if (t := "".join(text.split("\t")).replace("\n", "")).strip("\r ")]
    texts = [t for t in texts if t.strip()]
    if not texts:
        return
    path = tmp_path_factory.mktemp("tsv") / "d.tsv"
    content = "".join(f"{i}\t{text}\t1\n" for i, text in enumerate(texts))
    path.write_text("id\ttext\tlabel\n" + content, encoding="utf-8", newline="")
    table = read_table(path)
    assert table.keys.to_list() == [line.split("\t")[1] for line in content.split("\n")[:-1]]


def test_tsv_written_with_quotes(tmp_path):
    rows = [("탭\t이 있다", "1"), ("없다", "0")]
    minimal = write_csv(tmp_path / "a.tsv", rows, delimiter="\t")
    table = read_table(minimal)
    assert to_pairs(table) == rows
    assert any("quot" in note for note in table.notes)
    everywhere = write_csv(
        tmp_path / "b.tsv", [('"가"', "1"), ("나", "0")], delimiter="\t", quoting=csv.QUOTE_ALL
    )
    assert to_pairs(read_table(everywhere)) == [('"가"', "1"), ("나", "0")]


def test_literal_quote_inside_csv_field(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text('text,label\n5" 디스크,1\n"둘\n줄",0\n셋,1\n', encoding="utf-8")
    table = read_table(path)
    assert table.keys.to_list() == ['5" 디스크', "둘\n줄", "셋"]
    assert table.rows.tolist() == [2, 3, 5]


def test_carriage_returns(tmp_path):
    for ending, name in (("\r\n", "dos.csv"), ("\r", "mac.csv"), ("\n", "unix.csv")):
        path = tmp_path / name
        path.write_bytes(ending.join(["text,label", "좋다,1", "별로,0", ""]).encode())
        table = read_table(path)
        assert to_pairs(table) == [("좋다", "1"), ("별로", "0")]
        assert table.rows.tolist() == [2, 3]
    lone = tmp_path / "lone.tsv"
    lone.write_bytes(b"text\tlabel\na\rb\t1\nc\t0\n")
    assert read_table(lone).keys.to_list() == ["a\rb", "c"]


def test_blank_lines_are_skipped_and_reported(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("\ntext,label\n좋다,1\n\n\n별로,0\n\n\n", encoding="utf-8")
    table = read_table(path)
    assert table.rows.tolist() == [3, 6]
    assert any("3 blank lines" in note for note in table.notes)


def test_very_long_text(tmp_path):
    long = "가나다 " * 500_000
    for rows in ([(long, "1"), ('짧은 "글"', "0")], [(long + '\n"', "1"), ("글", "0")]):
        assert to_pairs(read_table(write_csv(tmp_path / "d.csv", rows))) == rows
    path = tmp_path / "lone.csv"
    path.write_text(f'text,label\n{long},1\n5" x,0\n', encoding="utf-8")
    assert read_table(path).keys.to_list() == [long, '5" x']


# --- encodings


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp949"]
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_encodings(tmp_path, encoding, suffix):
    content = {
        ".csv": 'text,label\n"좋다, 뷁",1\n',
        ".tsv": "text\tlabel\n좋다, 뷁\t1\n",
        ".jsonl": '{"text": "좋다, 뷁", "label": 1}\n',
    }[suffix]
    path = tmp_path / f"d{suffix}"
    path.write_bytes(content.encode(encoding))
    assert to_pairs(read_table(path, encoding=encoding)) == [("좋다, 뷁", "1")]
    if encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert to_pairs(read_table(path)) == [("좋다, 뷁", "1")]


def test_byte_order_mark_is_reported(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes("text,label\n좋다,1\n".encode("utf-16"))
    assert any("utf-16" in note for note in read_table(path).notes)


def test_unknown_encoding(tmp_path):
    path = write_csv(tmp_path / "d.csv", ROWS)
    with pytest.raises(ConfigError, match=r"no text encoding named 'cp494'.*cp949"):
        read_table(path, encoding="cp494")
    for other in ("rot13", "idna", "punycode", "x" * 100_000):
        with pytest.raises(ConfigError, match="no text encoding") as caught:
            read_table(path, encoding=other)
        assert len(str(caught.value)) < 200


def test_invalid_sources_are_refused():
    for source in (3, None, [], b"data.csv", {"text": 1}):
        with pytest.raises(DataError, match="expected"):
            read_table(source)
    with pytest.raises(DataError, match="2 texts and 1 labels"):
        read_table((["가", "나"], ["1"]))
    with pytest.raises(DataError, match="no texts"):
        read_table(([], []))

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.readers import read_table
from munjang.data.readers.stream import stream_texts
from munjang.errors import DataError
from tests.unit.data.strategies import hostile_text

ANSWER = """
import sys
from munjang.data.readers.stream import stream_texts
for rows, texts in stream_texts("-", batch_size=4):
    for row, text in zip(rows.tolist(), texts.to_list()):
        print(row, text, flush=True)
"""


def read_all(source, **how):
    rows, texts = [], []
    for numbers, batch in stream_texts(source, **how):
        rows += numbers.tolist()
        texts += batch.to_list()
    return rows, texts


def write_table(folder, suffix, texts, label="1"):
    path = folder / f"data{suffix}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if suffix in (".csv", ".tsv"):
            writer = csv.writer(
                file,
                delimiter="," if suffix == ".csv" else "\t",
                quoting=csv.QUOTE_ALL if suffix == ".tsv" else csv.QUOTE_MINIMAL,
            )
            writer.writerows([("label", "text"), *((label, text) for text in texts)])
        elif suffix == ".jsonl":
            file.writelines(json.dumps({"text": t, "label": label}) + "\n" for t in texts)
        else:
            pl.DataFrame({"text": texts}).write_parquet(path)
    return path


@settings(max_examples=120)
@given(
    texts=st.lists(hostile_text(), min_size=1, max_size=10),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
    batch_size=st.integers(1, 12),
    packed=st.booleans(),
)
def test_stream_equals_read_table(tmp_path_factory, texts, suffix, batch_size, packed):
    path = write_table(tmp_path_factory.mktemp("stream"), suffix, texts)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    table = read_table(path, text_column="text", need_labels=False)
    batches = list(stream_texts(path, text_column="text", batch_size=batch_size))
    assert all(0 < len(rows) == len(batch) <= batch_size for rows, batch in batches)
    assert read_all(path, text_column="text") == (table.rows.tolist(), table.keys.to_list())
    assert table.keys.to_list() == texts


def test_plain_lines_include_empty_lines(tmp_path):
    path = tmp_path / "d.txt"
    path.write_bytes("하나\r\n\r\n, 둘\n  \n셋".encode())
    assert read_all(path) == ([1, 2, 3, 4, 5], ["하나", "", ", 둘", "  ", "셋"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp949"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "d.txt"
    path.write_bytes(
        "첫째\n둘째ᄀ਀\n".replace("ᄀ਀", "" if encoding == "cp949" else "ᄀ਀").encode(encoding)
    )
    assert read_all(path, encoding=encoding)[1][0] == "첫째"
    assert read_all(path, encoding=encoding) == read_all(path, encoding=encoding, batch_size=1)
    assert len(read_all(path, encoding=encoding)[0]) == 2


def test_lines_arrive_as_they_are_written():
    with subprocess.Popen(
        [sys.executable, "-c", ANSWER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    ) as process:
        for row, text in enumerate(["하나", "", "둘"], start=1):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            # Without an answer to this line alone, readline would wait for ever.
            assert process.stdout.readline().decode().rstrip("\n") == f"{row} {text}"
        process.stdin.write("1\n2\n3\n4\n5\n끝".encode())
        process.stdin.close()
        assert process.stdout.read().decode().split("\n") == [
            *(f"{row} {row - 3}" for row in range(4, 9)),
            "9 끝",
            "",
        ]


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "d.tsv"
    peaks = []
    for rows in (4_000, 32_000):
        path.write_text("text\tlabel\n" + "그럭저럭 괜찮은 영화였다\t1\n" * rows, encoding="utf-8")
        tracemalloc.start()
        assert sum(len(texts) for _, texts in stream_texts(path)) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_bad_rows_are_refused_or_counted(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(b'id,text\n1,a\n2,b,c\n\n3,"x"y\n4,\xff\n5,\0\n6,d\n')
    with pytest.raises(DataError, match="row 3: expected 2 fields") as caught:
        read_all(path)
    assert caught.value.row == 3
    skipped = Counter()
    assert read_all(path, skipped=skipped) == ([2, 8], ["a", "d"])
    assert skipped == {
        "wrong number of fields": 1,
        "malformed quotes": 1,
        "invalid bytes": 1,
        "NUL byte": 1,
    }


@pytest.mark.parametrize(
    ("line", "message", "reason"),
    [
        ('{"text": null}', "got nothing", "empty text"),
        ('{"other": 1}', "expected the key 'text'", "missing key"),
        ('{"text": 3}', "expected a string", "text is not a string"),
        ('{"text": "\\ud800"}', "not a valid Unicode string", "invalid Unicode"),
        ('{"text', "not valid JSON", "bad JSON"),
    ],
)
def test_bad_json(tmp_path, line, message, reason):
    path = tmp_path / "d.jsonl"
    path.write_text('{"text": "a"}\n' + line + "\n")
    with pytest.raises(DataError, match=rf"row 2: .*{message}"):
        read_all(path)
    skipped = Counter()
    assert read_all(path, skipped=skipped)[1] == ["a"]
    assert skipped == {reason: 1}


def test_unclosed_quote_loses_one_row(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text('text,n\na,1\n"b,2\n' + "c,3\n" * 5000)
    skipped = Counter()
    _, texts = read_all(path, skipped=skipped)
    assert skipped == {"malformed quotes": 1}
    assert len(texts) > 3900


def test_columns_are_inferred_or_named(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("id,title,body\n1,가,나\n")
    notes = []
    assert read_all(path, report=notes.append)[1] == ["가 나"]
    assert any("title+body" in note for note in notes)
    assert read_all(path, text_column="id+body")[1] == ["1 나"]
    with pytest.raises(DataError, match=r"no text column 'bodi'; .* did you mean body"):
        read_all(path, text_column="bodi")
    path.write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="found no text column; the columns are x, y"):
        read_all(path)
    plain = tmp_path / "d.txt"
    plain.write_text("a\n")
    with pytest.raises(DataError, match="plain text, one text per line"):
        read_all(plain, text_column="body")


def test_file_errors_are_raised_immediately(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        stream_texts(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="empty"):
        stream_texts(tmp_path / "empty.txt")
    (tmp_path / "d.gz").write_bytes(gzip.compress(os.urandom(100_000))[:-9])
    with pytest.raises(DataError, match=r"damaged or cut off|NUL|valid"):
        read_all(tmp_path / "d.gz", encoding="latin-1")


def test_standard_input(monkeypatch):
    for content, texts in (
        ("하나\n둘", ["하나", "둘"]),
        ("", []),
        ("text\tlabel\n하나\t1\n", ["하나"]),
        ('{"text": "하나"}\n', ["하나"]),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
        assert read_all("-")[1] == texts
    parquet = io.BytesIO()
    pl.DataFrame({"text": ["하나", "둘"]}).write_parquet(parquet)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(parquet.getvalue())))
    assert read_all("-", batch_size=1) == ([1, 2], ["하나", "둘"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf16_and_utf32_without_byte_order_mark_are_refused(encoding, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("plain text", encoding="utf-8")
    with pytest.raises(DataError, match=rf"texts\.txt, row 1: not valid {encoding}"):
        read_all(path, encoding=encoding)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("trained", ["other", "a+b", "gone", "text"])
def test_column_of_training_is_preferred_to_inference(suffix, trained, tmp_path):
    path, columns = tmp_path / f"data{suffix}", {"a": "1", "b": "2", "text": "3", "other": "4"}
    if suffix == ".parquet":
        pl.DataFrame({name: [value] for name, value in columns.items()}).write_parquet(path)
    elif suffix == ".jsonl":
        path.write_text(json.dumps(columns) + "\n")
    else:
        between = "," if suffix == ".csv" else "\t"
        path.write_text(f"{between.join(columns)}\n{between.join(columns.values())}\n")
    notes = []
    _, texts = read_all(path, trained_column=trained, report=notes.append)
    assert texts == [{"other": "4", "a+b": "1 2", "gone": "3", "text": "3"}[trained]]
    assert ("inferred" in notes[-1]) == (trained == "gone")
    with pytest.raises(DataError, match="there is no text column 'none'"):
        read_all(path, trained_column=trained, text_column="none")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("bad", [0, 1500, 2999])
def test_place_of_an_invalid_byte_among_many_chunks(bad, mark, tmp_path):
    lines = [f"{'가' * (n % 90)}{n}".encode() for n in range(3000)]
    lines[bad] = "가".encode() + b"\xff"
    path = tmp_path / "a.txt"
    path.write_bytes(mark + b"\n".join(lines))
    place = path.read_bytes().index(b"\xff")
    texts: list[str] = []
    batches = stream_texts(path)
    with pytest.raises(DataError, match=rf"at byte {place:,} \(0xff\)") as raised:
        texts.extend(text for _, batch in batches for text in batch)
    assert raised.value.row == bad + 1
    assert [text.encode() for text in texts] == lines[:bad]
    skipped: Counter[str] = Counter()
    count = sum(len(rows) for rows, _ in stream_texts(path, skipped=skipped))
    assert count == len(lines) - 1
    assert skipped == {"invalid bytes": 1}

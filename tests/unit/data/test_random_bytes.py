"""Any bytes of a file give a table or a one-line error, never a crash."""

import gzip
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.readers import read_table
from munjang.data.readers.stream import stream_texts
from munjang.errors import DataError

PIECES = (
    *(b"text,label\n", b"text\tlabel\n", b'{"text": "a", "label": 1}\n', b"a,1\n", b"a\t1\n"),
    *(b'"', b",", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(
        "좋다".encode(),
        "좋다".encode("cp949"),
        b"{",
        b"}",
        b"[",
        b"PAR1",
        b"\x1f\x8b",
        b" ",
        b"\x1c",
    ),
)


@settings(max_examples=300)
@given(
    content=st.one_of(st.lists(st.sampled_from(PIECES), max_size=15).map(b"".join), st.binary()),
    suffix=st.sampled_from(["", ".csv", ".tsv", ".jsonl", ".parquet", ".txt"]),
    packed=st.booleans(),
    skip=st.booleans(),
    need_labels=st.booleans(),
    encoding=st.sampled_from(["utf-8", "cp949", "utf-16"]),
)
def test_read_table_of_any_bytes_gives_table_or_data_error(
    tmp_path_factory, content, suffix, packed, skip, need_labels, encoding
):
    path = tmp_path_factory.mktemp("any") / f"data{suffix}"
    path.write_bytes(gzip.compress(content) if packed else content)
    try:
        table = read_table(path, skip_bad_rows=skip, need_labels=need_labels, encoding=encoding)
    except DataError as error:
        message = str(error)
    else:
        message = str(path)
        assert len(table) == len(table.rows) == len(table.file_index) > 0
        assert not table.keys.is_null().any()
        assert not (table.keys.str.strip_chars() == "").any()
        assert (table.rows[1:] > table.rows[:-1]).all()
        assert skip or not table.skipped
    assert message.startswith(str(path))
    assert "\n" not in message


@settings(max_examples=200)
@given(
    content=st.one_of(st.lists(st.sampled_from(PIECES), max_size=15).map(b"".join), st.binary()),
    suffix=st.sampled_from(["", ".csv", ".tsv", ".jsonl", ".parquet", ".txt"]),
    skip=st.booleans(),
)
def test_stream_texts_of_any_bytes_gives_texts_or_data_error(
    tmp_path_factory, content, suffix, skip
):
    path = tmp_path_factory.mktemp("any") / f"data{suffix}"
    path.write_bytes(content)
    try:
        batches = list(stream_texts(path, skipped=Counter() if skip else None))
    except DataError as error:
        message = str(error)
    else:
        message = str(path)
        rows = [row for numbers, texts in batches for row in numbers.tolist()]
        assert rows == sorted(set(rows))
        assert all(len(numbers) == len(texts) for numbers, texts in batches)
    assert message.startswith(str(path))

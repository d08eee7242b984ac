"""A file gives the same records whole and as a stream, for any pieces of its bytes."""

import io
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munjang.data.readers import read_table
from munjang.data.readers.line_ends import LineEnds, normalize_line_ends
from munjang.data.readers.stream import stream_texts
from munjang.data.readers.values import EMPTY
from munjang.errors import DataError
from munjang.text.plain.blank import is_blank

ENDS = ["\n", "\r\n", "\r"]
PIECES = (
    *("\n", "\r\n", "\r", "\n\n", "\r\r", "\f", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"),
    *(",", "\t", '"', '""', '",', '"\t', " ", "가", "a", "e\u0301", "{", "}", '{"text": "나"}'),
)
HEADERS = {".txt": "", ".csv": "text,other", ".tsv": "text\tother", ".jsonl": '{"text": "a"}'}
NO_ROWS = ("file is empty", "only a header", "no usable row", "every line holds", "no line is")


class ChunkedReader(io.RawIOBase):
    """Byte stream that arrives in pieces of given sizes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self.content, self.sizes = content, sizes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = self.sizes.pop(0) if self.sizes else len(self.content)
        piece = self.content[: min(size, len(buffer))]
        self.content = self.content[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def read_whole(path, **how):
    """Rows with their texts, what was left out, and whether there was an error.

    None where a table and a stream differ on purpose: an empty text has an answer.
    """
    try:
        table = read_table(path, need_labels=False, **how)
    except DataError as error:
        if "got an empty one" in str(error):
            return None
        return [], Counter(), None if any(message in str(error) for message in NO_ROWS) else True
    skipped = Counter({k: n for k, n in table.skipped.items() if k != EMPTY.format("text")})
    return list(zip(table.rows.tolist(), table.keys.to_list(), strict=True)), skipped, False


def read_stream(source, *, skip, **how):
    rows, skipped, failed = [], Counter(), False
    try:
        for numbers, texts in stream_texts(source, skipped=skipped if skip else None, **how):
            rows += zip(numbers.tolist(), texts.to_list(), strict=True)
    except DataError:
        failed = True
    del skipped[EMPTY.format("text")]
    return [(row, text) for row, text in rows if not is_blank(text)], skipped, failed


def assert_same_records(path, monkeypatch, *, skip, sizes, encoding="utf-8"):
    how = {"encoding": encoding, "text_column": "text"}
    expected = read_whole(path, skip_bad_rows=skip, **how)
    results = [read_stream(path, skip=skip, **how)]
    with monkeypatch.context() as patched:
        arriving = lambda _: ChunkedReader(path.read_bytes(), list(sizes))  # noqa: E731
        patched.setattr("munjang.data.readers.source._open_path", arriving)
        results.append(read_stream(path, skip=skip, **how))
    for rows, skipped, failed in results:
        if expected is None:
            continue
        if expected[2]:
            assert failed
        elif expected[2] is None:  # a table has to have a row
            assert rows == []
        else:
            assert (rows, failed) == (expected[0], False)
            assert not skip or not rows or skipped == expected[1]


@settings(max_examples=400, deadline=None)
@given(
    suffix=st.sampled_from(list(HEADERS)),
    end=st.sampled_from(ENDS),
    body=st.lists(st.sampled_from(PIECES), max_size=16).map("".join),
    sizes=st.lists(st.integers(1, 9), max_size=60),
    skip=st.booleans(),
)
@example(suffix=".csv", end="\r", body='가,"a\r나"\rb,c', sizes=[], skip=False)
@example(suffix=".txt", end="", body="가\r\n나\r다\n", sizes=[4, 1, 5], skip=False)
@example(suffix=".csv", end="\n", body='가,"a\nb,c\nd,"e"\n', sizes=[], skip=True)
def test_read_table_equals_stream_texts(tmp_path_factory, suffix, end, body, sizes, skip):
    path = tmp_path_factory.mktemp("same") / f"data{suffix}"
    path.write_bytes((HEADERS[suffix] + end * bool(HEADERS[suffix]) + body).encode())
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert_same_records(path, monkeypatch, skip=skip, sizes=sizes)


@settings(max_examples=200, deadline=None)
@given(
    suffix=st.sampled_from(list(HEADERS)),
    end=st.sampled_from(ENDS),
    body=st.lists(
        st.sampled_from([b"\n", b"\r", b"a,b", b"a\tb", b"\0", b"\xff", b"\xb0\xa1", b'"']),
        max_size=12,
    ).map(b"".join),
    sizes=st.lists(st.integers(1, 9), max_size=60),
    encoding=st.sampled_from(["utf-8", "cp949", "utf-16-le", "latin-1"]),
    skip=st.booleans(),
)
def test_read_table_equals_stream_texts_of_damaged_bytes(
    tmp_path_factory, suffix, end, body, sizes, encoding, skip
):
    path = tmp_path_factory.mktemp("same") / f"data{suffix}"
    path.write_bytes((HEADERS[suffix] + end).encode(encoding) + body)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert_same_records(path, monkeypatch, skip=skip, sizes=sizes, encoding=encoding)


@settings(max_examples=500, deadline=None)
@given(
    content=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b""]), max_size=12).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 12), max_size=6),
)
def test_line_ends_do_not_depend_on_chunks(content, cuts):
    positions = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    ends = LineEnds()
    pieces = [content[a:b] for a, b in pairwise(positions)]
    assert b"".join(map(ends.feed, pieces)) == normalize_line_ends(content)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a\rb\rc", ["a", "b", "c"]),
        ("a\rb\r", ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\nb\rc\n", ["a", "b\rc"]),
        ("a\rb\nc\r\nd", ["a", "b", "c", "d"]),
        ("a\x0cb\u2028c\x85d\x1ce\n", ["a\x0cb\u2028c\x85d\x1ce"]),
        ("a", ["a"]),
    ],
)
def test_line_separators(tmp_path, content, lines):
    path = tmp_path / "texts.txt"
    path.write_bytes(content.encode())
    assert read_table(path, need_labels=False).keys.to_list() == lines
    assert [text for _, texts in stream_texts(path) for text in texts] == lines

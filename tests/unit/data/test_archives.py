"""Errors about compressed files other than gzip name the format and the tool that unpacks it."""

import bz2
import io
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from munjang.data.readers.read import read_table
from munjang.data.readers.stream import stream_texts
from munjang.errors import DataError

TABLE = b"text,label\ngood,a\nbad,b\n"


def _make_zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("table.csv", TABLE)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pa.compress(TABLE, codec="zstd", asbytes=True), "packed with zstd; unpack it first"),
        (bz2.compress(TABLE), "packed with bzip2; unpack it first"),
        (lzma.compress(TABLE), "packed with xz; unpack it first"),
        (_make_zip(), "a zip archive; unpack it first, or save it as CSV if it is a spreadsheet"),
    ],
)
def test_archives_are_refused_with_how_to_unpack(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_table(path, skip_bad_rows=True)
    with pytest.raises(DataError, match=message):
        list(stream_texts(path))


def test_text_with_magic_bytes_of_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("BZh is no German word\nPK is a name\n")
    assert [len(texts) for _, texts in stream_texts(path)] == [2]

"""Lines and documents of a stream, against reading whole files with plain Python."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.shards import blocks
from munjang.data.shards.blocks import LineReader
from munjang.data.shards.files import TextFile, find_files
from munjang.data.shards.settings import LinesSettings
from munjang.errors import DataError
from munjang.text.plain.blank import is_blank

Lines = list[tuple[str, int]]


def make_reader(data: Any, folder: Path, **settings: Any) -> LineReader:
    parsed = LinesSettings.parse(settings)
    return LineReader(find_files(data, parsed.text_column, lambda: folder), parsed)


def read_lines(source: LineReader) -> Lines:
    """Every line with the number of its document, and checks of the blocks."""
    lines: Lines = []
    for block in source.blocks():
        assert block.first == len(lines)
        assert len(block.texts)
        lines += zip(block.texts.to_list(), block.documents.tolist(), strict=True)
    return lines


def reference_lines(contents: Sequence[str]) -> Lines:
    """Read plain text one line at a time, as a slow reference."""
    lines: Lines = []
    document = -1
    for content in contents:
        is_new = True
        for line in content.split("\n"):
            line = line.removesuffix("\r")
            if is_blank(line):
                is_new = True
                continue
            document += is_new
            is_new = False
            lines.append((line, document))
    return lines


HOSTILE_TEXT = st.text(
    st.one_of(
        st.sampled_from(
            "ab \n\n\t\r각\u1100\u1161\u11a8가😀👨\u200d👩\u05d0\u200f\u202e\u00ad\u3164"
            "\x01\x85\u2028"
        ),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"),
    ),
    max_size=60,
).map(lambda text: text.replace("\r", "\r\n"))  # a lone CR would decide how lines end


@given(st.lists(HOSTILE_TEXT, min_size=1, max_size=3), st.integers(5, 40))
def test_blocks_give_lines_and_documents_of_whole_files(
    tmp_path_factory: pytest.TempPathFactory, contents: list[str], size: int
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    paths = []
    contents = [f"x\n{content}" for content in contents]  # a file is never empty
    for number, content in enumerate(contents):
        paths.append(folder / f"{number}.txt")
        paths[-1].write_bytes(content.encode())
    expected = reference_lines(contents)
    source = make_reader([str(path) for path in paths], folder)
    assert read_lines(source) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", size)
        small = read_lines(source)
    # lines longer than a block are cut; nothing else differs
    documents = sorted({number for _, number in expected})
    assert sorted({number for _, number in small}) == documents
    for number in documents:
        joined = ["".join(t for t, n in lines if n == number) for lines in (small, expected)]
        visible = ["".join(joined[k].split()) for k in (0, 1)]
        if not source.cut_lines:
            assert joined[0] == joined[1]
        assert "".join(c for c in visible[0] if not is_blank(c)) == "".join(
            c for c in visible[1] if not is_blank(c)
        )


def test_file_without_line_ends_is_split_at_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 64)
    words = [f"낱말{number}" for number in range(200)]
    path = tmp_path / "one-line.txt"
    path.write_text(" ".join(words))
    source = make_reader(str(path), tmp_path)
    lines = read_lines(source)
    assert len(lines) > 10
    assert " ".join(text.strip() for text, _ in lines).split() == words
    assert {document for _, document in lines} == {0}
    assert source.cut_lines == len(lines) - 1
    assert not source.has_documents


def test_endless_word_is_split_between_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 32)
    path = tmp_path / "a.txt"
    path.write_text("가나다😀" * 100)
    assert (
        "".join(text for text, _ in read_lines(make_reader(str(path), tmp_path)))
        == "가나다😀" * 100
    )


def test_gzip_files_and_folders_give_same_lines(tmp_path: Path) -> None:
    (tmp_path / "in" / "b").mkdir(parents=True)
    (tmp_path / "in" / ".hidden").write_text("no\n")
    (tmp_path / "in" / "empty.txt").write_text("")
    (tmp_path / "in" / "a.txt").write_text("one\n\ntwo\n")
    with gzip.open(tmp_path / "in" / "b" / "c.txt.gz", "wb") as file:
        file.write("셋\n넷".encode())
    expected = [("one", 0), ("two", 1), ("셋", 2), ("넷", 2)]
    assert read_lines(make_reader(str(tmp_path / "in"), tmp_path)) == expected
    paths = [str(tmp_path / "in" / "a.txt"), str(tmp_path / "in" / "b" / "c.txt.gz")]
    assert read_lines(make_reader(paths, tmp_path)) == expected


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8-sig"])
def test_other_encodings_are_decoded(
    tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 16)
    path = tmp_path / "a.txt"
    path.write_bytes("첫 줄\r\n\r\n둘째 줄\r\n셋째".encode(encoding))
    lines = read_lines(make_reader(str(path), tmp_path, encoding=encoding))
    assert lines == [("첫 줄", 0), ("둘째 줄", 1), ("셋째", 1)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,text\n1,"첫 줄\n둘째 줄"\n2,\n3,끝\n'),
        ("a.tsv", "id\ttext\n1\t첫 줄\n2\t\n3\t끝\n"),
        ("a.jsonl", '{"text": "첫 줄\\r\\n둘째 줄"}\n{"text": ""}\n{"text": "끝"}\n'),
    ],
)
def test_each_row_of_a_table_is_a_document(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    source = make_reader(str(path), tmp_path)
    first = [("첫 줄", 0), ("둘째 줄", 0)] if "둘째" in content else [("첫 줄", 0)]
    assert read_lines(source) == [*first, ("끝", 1)]
    assert source.has_documents
    assert source.skipped == {"empty text": 1}


def test_parquet_and_data_frame_give_same_documents(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["하나\n둘", "셋"], "n": [1, 2]})
    frame.write_parquet(tmp_path / "a.parquet")
    expected = [("하나", 0), ("둘", 0), ("셋", 1)]
    assert read_lines(make_reader(str(tmp_path / "a.parquet"), tmp_path)) == expected
    assert read_lines(make_reader(frame, tmp_path)) == expected
    assert read_lines(make_reader((["하나\n둘", "셋"], None), tmp_path)) == expected


def test_damaged_line_is_named_or_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 8)
    path = tmp_path / "a.txt"
    path.write_bytes("하나\n둘\n".encode() + b"\xb0\xa1 bad\n" + "셋\nNUL \0\n넷\n".encode())
    with pytest.raises(DataError, match=r"a\.txt, row 3: .*invalid bytes.*--encoding") as error:
        read_lines(make_reader(str(path), tmp_path))
    assert error.value.row == 3
    source = make_reader(str(path), tmp_path, skip_bad_rows=True)
    assert read_lines(source) == [("하나", 0), ("둘", 0), ("셋", 0), ("넷", 0)]
    assert source.skipped == {"invalid bytes": 1, "NUL byte": 1}
    assert len(read_lines(source)) == 4, "reading again counts anew"
    assert source.skipped == {"invalid bytes": 1, "NUL byte": 1}


def test_errors_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        make_reader(str(tmp_path / "none.txt"), tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="files of text in this folder"):
        make_reader(str(tmp_path / "empty"), tmp_path)
    (tmp_path / "a.txt").write_text("x\n")
    with pytest.raises(DataError, match="no column 'body'"):
        read_lines(make_reader(str(tmp_path / "a.txt"), tmp_path, text_column="body"))
    (tmp_path / "b.txt").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read_lines(make_reader(str(tmp_path / "b.txt"), tmp_path))


def test_fingerprint_of_file_changes_with_content(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 200_000)
    file = TextFile("a.txt", path)
    before = file.fingerprint()
    assert file.fingerprint() == before
    path.write_text("x" * 199_999 + "y")
    assert file.fingerprint() != before

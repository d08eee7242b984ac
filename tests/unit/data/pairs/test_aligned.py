"""Line-aligned files: every line of one belongs to the same line of the other."""

import gzip
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from munjang.data.pairs.read import AlignedFiles, read_pairs
from munjang.errors import ConfigError, DataError
from tests.unit.data.strategies import hostile_text


def write_files(folder, source, target, *, names=("train.en", "train.ko")):
    """Write two files of bytes, or of lines that end with a line feed each."""
    paths = [folder / name for name in names]
    for path, content in zip(paths, (source, target), strict=True):
        if not isinstance(content, bytes):
            content = "".join(f"{line}\n" for line in content).encode()
        path.write_bytes(content)
    return AlignedFiles(*paths)


def to_pairs(table):
    return list(zip(table.keys.to_list(), table.targets.to_list(), strict=True))


def assert_refused(files, match, row=None, **how):
    with pytest.raises(DataError, match=match) as caught:
        read_pairs(files, **how)
    assert caught.value.row == row
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lines_are_paired_by_row(tmp_path):
    files = write_files(tmp_path, ["Hello.", "Good night."], ["안녕.", "잘 자."])
    table = read_pairs(files)
    assert to_pairs(table) == [("Hello.", "안녕."), ("Good night.", "잘 자.")]
    assert table.rows.tolist() == [1, 2]
    assert (table.key_name, table.target_name) == ("source", "target")
    assert table.place(1) == (f"{files.source} and {files.target}", 2)
    assert (table.notes, table.skipped) == ((), {})


@pytest.mark.parametrize(
    "target",
    [
        "가\n나\n다\n".encode(),
        "가\n나\n다".encode(),
        "가\r\n나\r\n다\r\n".encode(),
        "\ufeff가\n나\n다\n".encode(),
        "가\n나\n다\n".encode("utf-16"),
        "가\r나\r다".encode(),
        gzip.compress("가\n나\n다\n".encode()),
    ],
    ids=["lf", "no-last-lf", "crlf", "bom", "utf-16", "cr", "gz"],
)
def test_encodings_line_ends_and_gzip_give_same_pairs(tmp_path, target):
    table = read_pairs(write_files(tmp_path, ["a", "b", "c"], target))
    assert to_pairs(table) == [("a", "가"), ("b", "나"), ("c", "다")]


def test_encoding_option_is_used_and_suggested(tmp_path):
    files = write_files(tmp_path, b"a\nb\n", "가\n나\n".encode("cp949"))
    assert to_pairs(read_pairs(files, encoding="cp949")) == [("a", "가"), ("b", "나")]
    message = assert_refused(files, r"not valid UTF-8 at byte 0 .*--encoding cp949", row=1)
    assert message.startswith(f"{files.target}, row 1: ")
    with pytest.raises(ConfigError, match="no text encoding named 'cp94'"):
        read_pairs(files, encoding="cp94")


def test_several_files_are_read_in_order(tmp_path):
    first = write_files(tmp_path, ["a"], ["가"])
    second = write_files(tmp_path, ["b", "c"], ["나", "다"], names=("more.en", "more.ko"))
    table = read_pairs(AlignedFiles([first.source, second.source], [first.target, second.target]))
    assert to_pairs(table) == [("a", "가"), ("b", "나"), ("c", "다")]
    assert table.place(2) == (f"{second.source} and {second.target}", 2)
    with pytest.raises(DataError, match="as many source files as target files, got 2 and 1"):
        read_pairs(AlignedFiles([first.source, second.source], first.target))
    with pytest.raises(DataError, match="got 0 and 0"):
        read_pairs(AlignedFiles([], []))


# --- what does not belong together


@pytest.mark.parametrize("skip", [False, True])
def test_unequal_line_counts_are_refused(tmp_path, skip):
    files = write_files(tmp_path, ["a", "b", "c", "d"], ["가", "나", "다"])
    message = assert_refused(files, "got 4 lines of sources and 3 of targets", skip_bad_rows=skip)
    assert f"{files.source} is longer by 1" in message
    assert "which lines belong together is unknown" in message
    longer = write_files(tmp_path, ["a"], ["가"] * 1200)
    message = assert_refused(longer, "got 1 lines of sources and 1,200", skip_bad_rows=skip)
    assert f"{files.target} is longer by 1,199" in message


def test_trailing_blank_lines_are_named(tmp_path):
    files = write_files(tmp_path, ["a", "b"], ["가", "나", "", " "])
    assert_refused(files, r"train\.ko is longer by 2; its lines after .* are blank: delete them")


def test_empty_side_is_named_or_skipped(tmp_path):
    files = write_files(tmp_path, ["a", "", "c", "d", "e"], ["가", "나", "다", " \t", ""])
    message = assert_refused(
        files, r"expected a source in column 'source', got an empty one", row=2
    )
    assert f"{files.source} and {files.target}, row 2: " in message
    assert "(2 more bad rows after it)" in message
    table = read_pairs(files, skip_bad_rows=True)
    assert to_pairs(table) == [("a", "가"), ("c", "다")]
    assert table.rows.tolist() == [1, 3]
    assert table.skipped == {"empty source": 1, "empty target": 2}


def test_pair_with_two_empty_sides_counts_once(tmp_path):
    files = write_files(tmp_path, ["a", "", ""], ["가", "", "다"])
    assert read_pairs(files, skip_bad_rows=True).skipped == {"empty source": 2}
    both = write_files(tmp_path, [" "], ["가"])
    with pytest.raises(DataError, match="the file is empty"):
        read_pairs(both, skip_bad_rows=True)


def test_invalid_bytes_are_named_or_skipped(tmp_path):
    source = b"a\n\xff\xfe\nc\nd\0d\ne\n"
    target = "가\n나\n".encode() + b"\xed\xa0\x80\n\x80\n" + "마\n".encode()
    files = write_files(tmp_path, source, target)
    message = assert_refused(files, "not valid UTF-8 at byte 2", row=2)
    assert message.startswith(str(files.source))
    table = read_pairs(files, skip_bad_rows=True)
    assert to_pairs(table) == [("a", "가"), ("e", "마")]
    assert table.rows.tolist() == [1, 5]
    assert table.skipped == {
        "invalid bytes in the source": 1,
        "NUL byte in the source": 1,
        "invalid bytes in the target": 1,
    }


def test_no_usable_row_is_refused(tmp_path):
    files = write_files(tmp_path, ["a", " ", "c"], ["", "나", "\x0b"])
    with pytest.raises(DataError, match=r"no usable row is left; bad rows: 1 with empty source, 2"):
        read_pairs(files, skip_bad_rows=True)


def test_missing_and_empty_files_are_refused(tmp_path):
    files = write_files(tmp_path, ["a"], b"")
    assert_refused(files, r"train\.ko: the file is empty")
    assert_refused(
        write_files(tmp_path, ["a"], b"PAR1\xff\0PAR1"), "expected plain text, .* got Parquet"
    )
    assert_refused(AlignedFiles(files.source, tmp_path / "train.k"), "nearest name .* is train.ko")


# --- whatever text


UNUSUAL_TEXTS = [
    unicodedata.normalize("NFC", "각하"),
    unicodedata.normalize("NFD", "각하"),
    "👩‍👩‍👧 😀",
    "שלום \u202e עולם",
    "\x01\x02 \x0b \x1c \x85 \u2028 x",
    "a\rb",
    '"quoted", and\ttabbed',
    "  spaces kept  ",
    "\ufeff mark inside",
    "ᄒ ㅋㅋ",
]


def test_unusual_texts_are_read_unchanged(tmp_path):
    files = write_files(tmp_path, UNUSUAL_TEXTS, UNUSUAL_TEXTS[::-1])
    table = read_pairs(files)
    assert to_pairs(table) == list(zip(UNUSUAL_TEXTS, UNUSUAL_TEXTS[::-1], strict=True))


def test_very_long_line(tmp_path):
    long = "문장 " * 700_000
    table = read_pairs(write_files(tmp_path, ["a", long], ["가", long[::-1]]))
    assert to_pairs(table)[1] == (long, long[::-1])


lines = hostile_text().filter(lambda text: "\n" not in text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    written=st.lists(st.tuples(lines, lines), min_size=1, max_size=8),
    ending=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    packed=st.booleans(),
)
def test_written_pairs_are_read_back(tmp_path, written, ending, last, packed):
    contents = []
    for side in zip(*written, strict=True):
        # A mark of the encoding is no text at the start of a file, so one is put before it.
        content = ("\ufeff" + ending.join(side) + ending * last).encode()
        contents.append(gzip.compress(content) if packed else content)
    files = write_files(tmp_path, *contents)
    table = read_pairs(files, max_length_ratio=None)
    assert to_pairs(table) == written
    assert table.rows.tolist() == list(range(1, len(written) + 1))

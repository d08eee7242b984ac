"""Corrected labels come into the file, and nothing else changes, however ugly the file is."""

import codecs
import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from munjang.data.readers import read_table
from munjang.data.rewriting.jsonlines import find_value
from munjang.diagnosis.relabel import relabel
from munjang.errors import ConfigError, DataError
from munjang.report.spreadsheet import format_csv
from tests.unit.data.strategies import hostile_text

HEADS = ("file", "row", "text", "given", "suggested", "probability", "corrected")
LABELS = ("pos", "neg", "그 외, 등")


def list_rows(source: Path, folder: Path, changes: Mapping[int, str], **options: Any) -> Path:
    """Write the list of a file's rows, with corrected labels by index of the row."""
    table = read_table(str(source), **options)
    rows = [
        [table.files[0], int(table.rows[n]), table.keys[n], "", "", "", changes.get(n, "")]
        for n in range(len(table))
    ]
    path = folder / "issues.csv"
    path.write_text(format_csv(HEADS, rows), encoding="utf-8", newline="")
    return path


def check_round_trip(
    source: Path, folder: Path, changes: Mapping[int, str], **options: Any
) -> Path:
    """Relabel, check that only these labels changed, and that going back gives the same bytes."""
    before = read_table(str(source), **options)
    new = folder / f"new-{source.name}"
    done = relabel(source, list_rows(source, folder, changes, **options), new, **options)
    after = read_table(str(new), **options)
    labels = before.targets.to_list()
    expected = [changes.get(n, label) for n, label in enumerate(labels)]
    assert after.targets.to_list() == expected
    assert after.keys.to_list() == before.keys.to_list()
    assert after.rows.tolist() == before.rows.tolist()
    assert done.rows == sum(a != b for a, b in zip(labels, expected, strict=True))
    back = folder / f"back-{source.name}"
    undo = {n: label for n, label in enumerate(labels) if n in changes}
    if not set(undo.values()) <= set(expected):
        return new  # a label that no row has any more is unknown
    relabel(new, list_rows(new, folder, undo, **options), back, **options)
    if source.suffix == ".csv":  # a label that once needed quotes keeps them
        assert parse_csv(back) == parse_csv(source)
    elif source.suffix != ".parquet":
        assert unpack(back) == unpack(source)
    return new


def parse_csv(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode(errors="surrogateescape")
    return list(csv.reader(io.StringIO(text, newline="")))


def unpack(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


TEXTS = st.lists(hostile_text(), min_size=2, max_size=6)
CHOICES = st.lists(st.sampled_from(range(3)), min_size=6, max_size=6)


def changes_of(rows: int, chosen: Sequence[int], labels: Sequence[str]) -> dict[int, str]:
    """New labels of some rows: those that occur already."""
    known = sorted(set(labels))
    return {n: known[chosen[n] % len(known)] for n in range(rows) if chosen[n] != 2}


@settings(max_examples=15, phases=(Phase.generate,))
@given(TEXTS, CHOICES, CHOICES, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans())
def test_csv(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    old: list[int],
    chosen: list[int],
    quoting: Any,
    crlf: bool,
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    labels = [LABELS[old[n]] for n in range(len(texts))]
    text = io.StringIO()
    end = "\r\n" if crlf else "\n"
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    writer.writerow(["id", "label", "text", 'no"te'])
    for n, (value, label) in enumerate(zip(texts, labels, strict=True)):
        writer.writerow([f"00{n}", label, value, " "])
    source = folder / "data.csv"
    source.write_bytes(text.getvalue().encode())
    check_round_trip(source, folder, changes_of(len(texts), chosen, labels))


@settings(max_examples=15, phases=(Phase.generate,))
@given(TEXTS, CHOICES, CHOICES)
def test_json_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], old: list[int], chosen: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("jsonl")
    labels = [LABELS[old[n]] for n in range(len(texts))]
    lines = [
        json.dumps({"x": {"label": "{"}, "label": label, "n": [1.0, None], "text": value})
        for value, label in zip(texts, labels, strict=True)
    ]
    source = folder / "data.jsonl"
    source.write_text("\n\n".join(lines), encoding="utf-8")
    check_round_trip(source, folder, changes_of(len(texts), chosen, labels))


@given(
    st.dictionaries(
        st.text('ab"\\{}:,가', max_size=4), st.one_of(st.text(), st.integers(), st.none())
    ),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_place_of_a_json_value(
    values: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    line = "  " + json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    for key, value in values.items():
        place = find_value(line, key)
        assert place is not None
        assert json.loads(line[slice(*place)]) == value
    assert find_value(line, "absent key") is None


@settings(max_examples=15, phases=(Phase.generate,))
@given(TEXTS, CHOICES, CHOICES, st.sampled_from(["string", "dictionary", "integer"]))
def test_parquet(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    old: list[int],
    chosen: list[int],
    kind: str,
) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    names = LABELS if kind != "integer" else ("0", "1", "2")
    labels = [names[old[n]] for n in range(len(texts))]
    column = pa.array(labels)
    if kind == "integer":
        column = pa.array([int(label) for label in labels], pa.int8())
    if kind == "dictionary":
        column = column.dictionary_encode()
    table = pa.table({"n": range(len(texts)), "label": column, "text": texts})
    table = table.replace_schema_metadata({"made by": "a test"})
    source = folder / "data.parquet"
    pq.write_table(table, source, row_group_size=2, compression="zstd")
    new = check_round_trip(source, folder, changes_of(len(texts), chosen, labels))
    before, after = pq.ParquetFile(source), pq.ParquetFile(new)
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.metadata.num_row_groups == before.metadata.num_row_groups
    assert after.metadata.row_group(0).column(1).compression == "ZSTD"
    assert after.read().select([0, 2]).equals(before.read().select([0, 2]))


ENCODED = [
    ("plain.tsv", b"", "utf-8", "utf-8"),
    ("marked.tsv", codecs.BOM_UTF8, "utf-8", "utf-8"),
    ("korean.tsv", b"", "cp949", "cp949"),
    ("little.tsv", codecs.BOM_UTF16_LE, "utf-16-le", "utf-8"),
    ("big.tsv", codecs.BOM_UTF16_BE, "utf-16-be", "utf-8"),
    ("unmarked.tsv", b"", "utf-16-be", "utf-16-be"),
    ("packed.tsv.gz", b"", "utf-8", "utf-8"),
]


@pytest.mark.parametrize(("name", "mark", "codec", "asked"), ENCODED, ids=[e[0] for e in ENCODED])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_compression_and_line_ends_stay(
    tmp_path: Path, name: str, mark: bytes, codec: str, asked: str, end: str
) -> None:
    lines = [
        "document\tid\tlabel",
        '"따옴표" 그대로\t1\t긍정',
        "둘째\t2\t 부정 ",
        "셋째\t3\t긍정",
        "",
    ]
    data = mark + end.join(lines).encode(codec)
    source = tmp_path / name
    source.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    new = check_round_trip(source, tmp_path, {1: "긍정", 2: "부정"}, encoding=asked)
    expected = end.join([*lines[:2], "둘째\t2\t 긍정 ", "셋째\t3\t부정", ""])
    assert unpack(new) == mark + expected.encode(codec)
    assert new.read_bytes()[:2] == source.read_bytes()[:2]


def test_bad_rows_stay_byte_for_byte(tmp_path: Path) -> None:
    data = b'text,label\ngood,pos\n\xff\xfe broken,pos\nonly one field\n"bad, ""one""",neg\nx,pos\n'
    source = tmp_path / "data.csv"
    source.write_bytes(data)
    new = check_round_trip(source, tmp_path, {0: "neg", 1: "pos"}, skip_bad_rows=True)
    assert new.read_bytes() == data.replace(b"good,pos", b"good,neg").replace(
        b'""",neg', b'""",pos'
    )


def test_numbers_and_booleans_of_json_keep_their_type(tmp_path: Path) -> None:
    source = tmp_path / "data.jsonl"
    source.write_text(
        '{"text": "a", "label": 1}\n{"text": "b", "label":0 }\n{"text": "c", "label": 1}\n'
    )
    new = check_round_trip(source, tmp_path, {0: "0"})
    assert new.read_text().startswith('{"text": "a", "label": 0}\n')
    source.write_text('{"text": "a", "label": true}\n{"text": "b", "label": false}\n')
    assert '"a", "label": false}' in check_round_trip(source, tmp_path, {0: "false"}).read_text()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("text,label\none,pos\ntwo,neg\nthree,pos\n")
    return path


def write_list(folder: Path, *lines: str, head: str = "row,text,corrected") -> Path:
    path = folder / "issues.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2,other,neg"], "issues.csv, row 2: the text of row 2 of .* is 'one', and the list has"),
        (["2,one,nge"], "row 2: the label 'nge' does not occur in .*; the labels are neg and pos"),
        (["2,one,neg", "2,one,neg"], "row 3: row 2 is listed in line 2 too"),
        (["9,one,neg"], "has no usable row 9"),
        (["x,one,neg"], "row: expected a number, got 'x'"),
        (["-1,one,neg"], "row: expected a number"),
        (["9999999999999999999999,one,neg"], "row: expected a number"),
        (["2,one"], "expected 3 fields as in the header, got 2"),
        (['2,"one'], "not valid CSV"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(
    source: Path, tmp_path: Path, lines: list[str], message: str
) -> None:
    new = tmp_path / "new.csv"
    with pytest.raises(DataError, match=message):
        relabel(source, write_list(tmp_path, *lines), new)
    assert not new.exists()


def test_a_list_without_the_columns_is_refused(source: Path, tmp_path: Path) -> None:
    sheet = write_list(tmp_path, "2,neg", head="row,corrected")
    with pytest.raises(DataError, match="there is no column 'text'"):
        relabel(source, sheet, tmp_path / "new.csv")
    with pytest.raises(DataError, match="cannot be read"):
        relabel(source, tmp_path / "absent.csv", tmp_path / "new.csv")


def test_the_files_that_are_read_are_not_overwritten(source: Path, tmp_path: Path) -> None:
    sheet = write_list(tmp_path, "2,one,neg")
    for out in (source, sheet):
        with pytest.raises(ConfigError, match="is read too"):
            relabel(source, sheet, out)


def test_rows_of_other_files_are_left_out(source: Path, tmp_path: Path) -> None:
    head = "file,row,text,corrected"
    sheet = write_list(tmp_path, f"{source},2,one,neg", "other.csv,7,seven,neg", head=head)
    assert relabel(source, sheet, tmp_path / "new.csv").rows == 1
    sheet = write_list(tmp_path, "a.csv,2,one,neg", "b.csv,7,seven,neg", head=head)
    with pytest.raises(DataError, match="it lists rows of 2 files"):
        relabel(source, sheet, tmp_path / "new.csv")
    sheet = write_list(tmp_path, "moved/data.csv,2,one,neg", head=head)
    assert relabel(source, sheet, tmp_path / "new.csv").rows == 1


def test_line_ends_of_a_text_may_change_in_a_spreadsheet(tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_bytes(b'text,label\r\n"one\r\nmore",pos\r\ntwo,neg\r\n')
    sheet = write_list(tmp_path, '2,"one', 'more",neg')
    assert relabel(source, sheet, tmp_path / "new.csv").rows == 1
    assert (tmp_path / "new.csv").read_bytes() == b'text,label\r\n"one\r\nmore",neg\r\ntwo,neg\r\n'


def test_malformed_quotes_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_text('text,label\na "b" c,pos\n"d",neg\n')
    sheet = write_list(tmp_path, '2,"a ""b"" c",neg')
    with pytest.raises(DataError, match="quotes in this file are malformed"):
        relabel(source, sheet, tmp_path / "new.csv")


def test_a_name_that_the_file_writes_in_two_ways_is_one_label(tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_text("text,label\na,1\nb,1.0\nc,0\nd,1\n")
    sheet = write_list(tmp_path, "4,c,1.0", "3,b,1")
    done = relabel(source, sheet, tmp_path / "new.csv")
    assert (done.rows, done.unchanged) == (1, 1)
    assert (tmp_path / "new.csv").read_text() == "text,label\na,1\nb,1.0\nc,1\nd,1\n"

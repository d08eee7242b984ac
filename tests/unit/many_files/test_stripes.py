"""Parts are the same, however a file is dealt out, and whatever was done before."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import DataError
from munjang.many_files.inputs import InputFile
from munjang.many_files.layout import BAD_ROWS, DONE, file_folder
from munjang.many_files.plan import Plan
from munjang.many_files.records import finish_file, read_done
from munjang.many_files.stripes import Stripe, deal, write_stripe
from tests.unit.many_files.works import BLOCK_ROWS, OPTIONS, ROWS_PER_PART, Capitals, plan_of

WORDS = ("가", "가", "값", "👍🏽", "a", "", " ", '"', ",", "\t", "nan")


def write(plan: Plan, out: Path, stripes: Sequence[Stripe]) -> list[int]:
    """Write stripes; return the numbers of the parts in the order in which they were written."""
    written: list[int] = []
    counts = {
        write_stripe(
            Capitals(),
            plan,
            out,
            stripe,
            lambda number, record: written.append(number),
            lambda number: None,
            lambda rows: None,
            lambda line: None,
        )
        for stripe in stripes
    }
    assert len(counts) == 1  # all stripes know how many parts the file has
    finish_file(file_folder(out, plan.inputs[0].name), counts.pop(), plan.suffix)
    return written


def contents(out: Path) -> dict[str, bytes]:
    """All files of a folder of answers."""
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def joined(out: Path, name: str) -> str:
    parts = sorted(file_folder(out, name).glob("part-*"))
    return "".join(part.read_text(encoding="utf-8") for part in parts)


@settings(max_examples=60)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=3).map("".join), max_size=40),
    suffix=st.sampled_from([".txt", ".csv", ".tsv", ".jsonl", ".parquet"]),
    steps=st.integers(1, 5),
    blank=st.integers(0, 20),
    damaged=st.sets(st.integers(0, 39), max_size=4),
)
def test_parts_do_not_depend_on_stripes(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    suffix: str,
    steps: int,
    blank: int,
    damaged: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("stripes")
    source = folder / f"글{suffix}"
    if suffix == ".parquet":
        values = [None if n in damaged else text for n, text in enumerate(texts)]
        pl.DataFrame({"text": values, "n": range(len(texts))}).write_parquet(source)
    else:
        source.write_bytes(make_lines(texts, suffix, blank, damaged))
    outs = [folder / "one", folder / "many"]
    if not source.stat().st_size:
        return
    for out, stripes in zip(
        outs, ([Stripe(0)], [Stripe(0, n, steps) for n in range(steps)]), strict=True
    ):
        write(plan_of([source], out, skip_bad_rows=True), out, stripes)
    assert contents(outs[0]) == contents(outs[1])
    rows = [int(line.split(" ")[0]) for line in joined(outs[0], source.name).splitlines()]
    assert rows == sorted(set(rows))
    records = read_done(outs[0] / source.name)
    assert records is not None
    assert sum(record.rows for record in records) == len(rows)


def make_lines(texts: list[str], suffix: str, blank: int, damaged: set[int]) -> bytes:
    """The lines of a file, some of them bad, some of them blank."""
    lines = []
    for number, text in enumerate(texts):
        if suffix == ".jsonl":
            line = json.dumps({"text": text}, ensure_ascii=False)
        elif suffix == ".csv":
            line = '"' + text.replace('"', '""') + f'\n",{number}'
        elif suffix == ".tsv":
            line = text.replace("\t", " ") + f"\t{number}"
        else:
            line = text.replace("\n", " ")
        lines.append(line.encode() if number not in damaged else b"\xff" + line.encode())
        if number == len(texts) // 2:
            lines += [b""] * blank
    header = {".csv": [b"text,n"], ".tsv": [b"text\tn"]}.get(suffix, [])
    return b"".join(line + b"\r\n" for line in (*header, *lines))


def test_rows_are_together_by_number(tmp_path: Path) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "out"
    source.write_text("".join(f"{n}\n" for n in range(1, 23)))
    write(plan_of([source], out), out, [Stripe(0)])
    lines = [line.split(" ") for line in joined(out, "a.txt").splitlines()]
    assert [int(row) for row, _, _ in lines] == list(range(1, 23))
    assert {count for row, count, _ in lines if int(row) <= 20} == {str(BLOCK_ROWS)}
    parts = sorted(path.name for path in (out / "a.txt").glob("part-*"))
    assert parts == ["part-00000.jsonl", "part-00001.jsonl", "part-00002.jsonl"]
    assert ROWS_PER_PART == 8


def test_done_parts_are_not_written_again(tmp_path: Path) -> None:
    source, out = tmp_path / "a.txt.gz", tmp_path / "out"
    source.write_bytes(gzip.compress("".join(f"줄 {n}\n" for n in range(60)).encode()))
    plan = plan_of([source], out)
    assert write(plan, out, [Stripe(0)]) == list(range(8))
    before = contents(out)
    folder = out / source.name
    # as a process that was killed while it wrote part 5 leaves them
    for number, record in enumerate(json.loads((folder / DONE).read_text())["parts"]):
        (folder / f"part-{number:05d}.json").write_text(json.dumps(record))
    (folder / DONE).unlink()
    (folder / "part-00005.json").unlink()
    (folder / "part-00006.jsonl").write_text("cut of")
    assert write(plan, out, [Stripe(0, n, 2) for n in (0, 1)]) == [6, 5]
    assert contents(out) == before


def test_bad_rows_are_kept_with_reason_and_content(tmp_path: Path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out"
    source.write_bytes('text,n\n가,1\n나\n"다"라,3\n\xff,4\n마,5\n'.encode("latin-1", "replace"))
    source.write_bytes(b'text,n\nga,1\nna\n"da"ra,3\n\xff\xeaa,4\nma,5\n')
    write(plan_of([source], out, skip_bad_rows=True), out, [Stripe(0)])
    bad = [json.loads(line) for line in (out / "a.csv" / BAD_ROWS).read_bytes().splitlines()]
    assert [(row["row"], row["reason"]) for row in bad] == [
        (3, "wrong number of fields"),
        (4, "malformed quotes"),
        (5, "invalid bytes"),
    ]
    assert [row["raw"] for row in bad[:2]] == ["na", '"da"ra,3']
    assert bad[2]["raw"].encode(errors="surrogateescape") == b"\xff\xeaa,4"
    assert [line.split(" ")[0] for line in joined(out, "a.csv").splitlines()] == ["2", "6"]


def test_bad_row_stops_and_leaves_no_half_part(tmp_path: Path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out"
    source.write_text("text,n\n" + "a,1\n" * 10 + "a\n")
    plan = plan_of([source], out)
    with pytest.raises(DataError, match=r"a\.csv, row 12: expected 2 fields"):
        write(plan, out, [Stripe(0)])
    names = sorted(path.name for path in (out / "a.csv").iterdir())
    assert names == ["part-00000.json", "part-00000.jsonl"]


def test_changed_and_vanished_files_are_refused(tmp_path: Path) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "out"
    source.write_text("a\n")
    plan = plan_of([source], out)
    source.write_text("ab\n")
    with pytest.raises(DataError, match=r"a\.txt: was changed"):
        write(plan, out, [Stripe(0)])
    source.unlink()
    with pytest.raises(DataError, match=r"a\.txt: is gone"):
        write(plan, out, [Stripe(0)])


def test_file_that_changes_meanwhile_has_no_part(tmp_path: Path) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "out"
    source.write_text("a\n" * 20)
    plan, written = plan_of([source], out), []

    def change(number: int) -> None:
        if number == 1:
            source.write_text("b\n" * 20 + "c\n")

    with pytest.raises(DataError, match="was changed"):
        write_stripe(
            Capitals(),
            plan,
            out,
            Stripe(0),
            lambda *part: written.append(part[0]),
            change,
            print,
            print,
        )
    assert written == [0]
    assert not (out / "a.txt" / "part-00001.jsonl").exists()


@pytest.mark.parametrize(
    ("sizes", "workers", "steps"),
    [
        ([10], 1, [1]),
        ([10], 4, [4]),
        ([0, 0], 4, [1, 1]),
        ([10] * 40, 4, [1] * 40),
        ([5, 5, 5], 2, [2, 2, 2]),
        ([1000, *[1] * 50], 8, [8, *[1] * 50]),
        ([0.1], 8, [2]),
    ],
)
def test_files_are_dealt_by_size(sizes: list[float], workers: int, steps: list[int]) -> None:
    inputs = tuple(InputFile(f"/{n}", str(n), int(1000 * size), 0) for n, size in enumerate(sizes))
    plan = Plan("capitals", "model", "/model", OPTIONS, ROWS_PER_PART, inputs)
    stripes = deal(plan, range(len(inputs)), workers)
    assert {stripe.file: stripe.step for stripe in stripes} == dict(enumerate(steps))
    for place, step in enumerate(steps):
        firsts = [stripe.first for stripe in stripes if stripe.file == place]
        assert firsts == list(range(step))
    in_order = [inputs[stripe.file].bytes for stripe in stripes]
    assert in_order == sorted(in_order, reverse=True)

"""The check of running text: what it says, of a stream that is never in memory."""

from pathlib import Path

import pytest

from munjang.checking import check, report_blocks
from munjang.checking.blocks import Line
from munjang.checking.lines import LinesReport
from munjang.data.shards import measures
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = ("model.dim=8", "model.layers=1", "model.heads=1", "training.threads=1")


def looked_at(path: Path, *more: str, test: Path | None = None) -> LinesReport:
    report = check(
        str(path),
        test=None if test is None else str(test),
        task="masked_lm",
        overrides=[*SMALL, *more],
        seconds=0.05,
    )
    assert isinstance(report, LinesReport)
    return report


def lines_of(report: LinesReport) -> list[str]:
    return [block.text for block in report_blocks(report) if isinstance(block, Line)]


def test_lines_documents_and_tokens_are_counted(tmp_path: Path) -> None:
    texts, _ = make_corpus(90)
    path, test = tmp_path / "a.txt", tmp_path / "test.txt"
    path.write_text("\n\n".join("\n".join(texts[n : n + 3]) for n in range(0, 90, 3)))
    path.write_text(path.read_text() + f"\n\n{texts[4]}\n{texts[4]}\n")
    test.write_text(f"{texts[7]}\nanother line\n\n{texts[7]}\n")
    report = looked_at(path, test=test)
    assert (report.rows, report.documents, report.compared) == (92, 31, None)
    assert (report.duplicates.texts, report.duplicates.rows) == (1, 2)
    assert report.duplicates.examples[0].text == texts[4]
    assert report.test is not None
    assert (report.test.rows, report.test.in_train.texts, report.test.in_train.rows) == (3, 1, 2)
    assert report.tokens.unit == "tokens"
    assert sum(report.tokens.counts) == 92
    assert report.estimate is not None
    said = lines_of(report)
    assert said[0].startswith("92 lines of a.txt, ")
    assert said[0].endswith(", 31 documents")
    assert any("whole ones are held out" in note for note in report.notes)
    assert any(note.startswith("tokens: bert_wordpiece") for note in report.notes)


def test_of_many_lines_copies_are_counted_among_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"line {n % 200} of them" for n in range(400)))
    monkeypatch.setattr(measures.CopyCounter.__init__, "__defaults__", (50,))
    report = looked_at(path)
    assert report.compared == 100, "both copies of fifty lines"
    assert (report.duplicates.texts, report.duplicates.rows) == (50, 50)
    assert any("more than once, among 100 lines: 50 lines" in line for line in lines_of(report))


def test_a_text_that_no_training_would_take_is_described_nevertheless(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one line alone\n")
    report = looked_at(path)
    assert report.estimate is None
    assert report.tokens.unit == "words"
    assert report.unknown == ()
    assert any("a training would refuse this data" in note for note in report.notes)
    assert lines_of(report)


def test_nothing_is_left_behind_but_a_named_cache(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.txt", tmp_path / "cache"
    path.write_text("\n".join(make_corpus(60)[0]))
    before = set(tmp_path.iterdir())
    looked_at(path)
    assert set(tmp_path.iterdir()) == before
    looked_at(path, f"data.cache={cache}")
    assert (cache / "encoded.json").exists()

"""The real corpora of pairs are read to the last row and character."""

import csv
import time

import pytest

from munjang.data.pairs.checks import check_pairs
from munjang.data.pairs.read import AlignedFiles, read_pairs


def corpus_folder(real_data, name):
    folder = real_data / name
    if not folder.is_dir():
        pytest.skip(f"the corpus {name} is not in {real_data}")
    return folder


def read_columns(path, source, target):
    quoting = csv.QUOTE_NONE if path.suffix == ".tsv" else csv.QUOTE_MINIMAL
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter, quoting=quoting))
    return [row[source] for row in rows], [row[target] for row in rows]


@pytest.mark.parametrize("target", ["de", "fr"])
def test_multi30k_is_aligned(real_data, target):
    folder = corpus_folder(real_data, "multi30k")
    paths = [folder / f"train.{language}" for language in ("en", target)]
    start = time.process_time()
    table = read_pairs(AlignedFiles(*paths))
    # Processor time of all threads; about 0.1 s.
    assert time.process_time() - start < 1.5
    assert len(table) == 29_000
    for path, side in zip(paths, (table.keys, table.targets), strict=True):
        lines = path.read_bytes().decode().removesuffix("\n").split("\n")
        assert side.to_list() == lines
    assert table.rows.tolist() == list(range(1, 29_001))
    assert (table.notes, table.skipped) == ((), {})


@pytest.mark.parametrize(
    ("name", "rows", "source", "target"),
    [
        ("tatoeba-ko/train.tsv", 3_186, "en", "ko"),
        ("tatoeba-ko/test.tsv", 330, "en", "ko"),
        ("chatbot-ko/chatbot.csv", 11_823, "Q", "A"),
        ("agnews-headlines/train.tsv", 6_400, "description", "title"),
        ("agnews-headlines/valid.tsv", 600, "description", "title"),
    ],
)
def test_columns_are_inferred(real_data, name, rows, source, target):
    path = corpus_folder(real_data, name.split("/")[0]) / name.split("/")[1]
    table = read_pairs(path)
    assert (table.key_name, table.target_name) == (source, target)
    assert table.notes == tuple(
        f"{kind} column: {column} (inferred: by its name)"
        for kind, column in (("source", source), ("target", target))
    )
    expected = read_columns(path, source, target)
    assert (table.keys.to_list(), table.targets.to_list()) == expected
    assert len(table) == rows
    assert table.skipped == {}


def test_report_of_tatoeba(real_data):
    folder = corpus_folder(real_data, "tatoeba-ko")
    table, test = (read_pairs(folder / f"{part}.tsv") for part in ("train", "test"))
    report = check_pairs(table, test)
    assert report.rows == 3_186
    assert report.duplicates.rows == 0
    assert 0.5 < report.ratios.median < 1
    sources = set(table.keys.str.strip_chars())
    common = sum(source in sources for source in test.keys.str.strip_chars())
    assert report.test.sources.rows == common

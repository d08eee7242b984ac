"""Real corpora are read completely."""

import csv
import gzip
import time

import pytest

from munjang.data.readers import read_table
from munjang.data.readers.stream import stream_texts


def split_lines(path):
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    lines = content.decode().split("\n")
    assert lines.pop() == ""
    return [line.split("\t") for line in lines[1:]]


@pytest.mark.parametrize(
    ("name", "rows", "text", "label", "classes"),
    [
        ("nsmc/train.tsv", 150_000, 1, 2, 2),
        ("nsmc/test.tsv", 50_000, 1, 2, 2),
        ("nsmc/ratings.tsv.gz", 60_000, 0, 1, 10),
        ("trec/train.tsv", 5_452, 1, 0, 6),
        ("trec/test.tsv", 500, 1, 0, 6),
        ("sst2/train.tsv", 6_920, 1, 0, 2),
        ("sst2/test.tsv", 1_821, 1, 0, 2),
        ("mr/all.tsv", 10_662, 1, 0, 2),
    ],
)
def test_tsv_equals_plain_split(real_data, name, rows, text, label, classes):
    table = read_table(real_data / name)
    expected = split_lines(real_data / name)
    assert len(table) == rows == len(expected)
    assert table.keys.to_list() == [fields[text] for fields in expected]
    assert table.targets.to_list() == [fields[label] for fields in expected]
    assert table.targets.n_unique() == classes
    assert table.rows.tolist() == list(range(2, rows + 2))
    assert table.skipped == {}


def test_csv_equals_python_csv_reader(real_data):
    path = real_data / "chatbot-ko" / "chatbot.csv"
    with path.open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    table = read_table(path)
    assert (table.key_name, table.target_name) == ("Q", "label")
    assert table.keys.to_list() == [row["Q"] for row in expected]
    # Some labels of this file have spaces behind them, which would make classes of their own.
    assert table.targets.to_list() == [row["label"].strip() for row in expected]
    assert table.targets.n_unique() == 3
    answers = read_table(path, text_column="A")
    assert answers.keys.to_list() == [row["A"] for row in expected]


def test_headlines_join_title_and_description(real_data):
    path = real_data / "agnews-headlines" / "valid.tsv"
    table = read_table(path)
    assert (table.key_name, table.target_name) == ("title+description", "topic")
    assert table.keys.to_list() == [f"{f[1]} {f[2]}" for f in split_lines(path)]


def test_read_table_is_fast(real_data):
    read_table(real_data / "nsmc" / "test.tsv")
    start = time.process_time()
    read_table(real_data / "nsmc" / "train.tsv")
    # Processor time of all threads; about 0.2 s. A loop over the rows takes longer than this.
    assert time.process_time() - start < 1.5


def test_stream_unlabeled_lines(real_data):
    path = real_data / "nsmc" / "unlabelled.txt.gz"
    rows, texts = zip(*stream_texts(path), strict=True)
    assert sum(map(len, texts)) == 400_000
    assert rows[-1][-1] == 400_000

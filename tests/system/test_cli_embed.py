"""Sentence vectors on the command line: files of real texts, search, and the task similarity."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

import munjang
from tests.system.commands import (
    CommandResult,
    call,
    copy_head,
    invoke,
    run,
    run_with_peak_memory,
    set_options,
)
from tests.unit.data.strategies import PIECES

TEXTS = 5000


@pytest.fixture(scope="module")
def texts(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 real reviews, one per line, some of them empty."""
    into = tmp_path_factory.mktemp("texts") / "reviews.txt"
    with gzip.open(data_folder / "nsmc" / "unlabelled.txt.gz", "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line, _ in zip(file, range(TEXTS), strict=False)]
    into.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return into


@pytest.fixture(scope="module")
def vectors(model: Path, texts: Path) -> tuple[Path, CommandResult]:
    """The vectors of these reviews with their texts, and what the command said."""
    out = texts.with_name("vectors.parquet")
    return out, invoke("embed", model, "--input", texts, "--out", out)


def test_embed_writes_one_vector_per_line(
    model: Path, vectors: tuple[Path, CommandResult], texts: Path
) -> None:
    out, result = vectors
    assert result.code == 0, result.err
    assert result.out == ""
    assert f"5,000 vectors of 16 numbers (pooling pooled) in {out}" in result.err
    table = pq.read_table(out)
    lines = texts.read_text(encoding="utf-8").splitlines()
    assert table["row"].to_pylist() == list(range(1, TEXTS + 1))
    assert table["text"].to_pylist() == lines
    actual = np.stack(table["vector"].to_numpy())
    some = [0, 1, 777, TEXTS - 1]
    expected = munjang.load(model).embed([lines[index] for index in some])
    np.testing.assert_allclose(actual[some], expected, atol=1e-5, rtol=1e-4)


def test_npy_equals_parquet(
    model: Path, vectors: tuple[Path, CommandResult], texts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "vectors.npy"
    assert invoke("embed", model, "--input", texts, "--out", out, "--quiet").err == ""
    array = np.load(out)
    assert array.dtype == np.float32
    stored = np.stack(pq.read_table(vectors[0])["vector"].to_numpy())
    np.testing.assert_allclose(array, stored, atol=1e-5, rtol=1e-4)
    assert invoke("embed", model, "--input", texts, "--out", out, "--normalize").code == 0
    np.testing.assert_allclose(np.linalg.norm(np.load(out), axis=1), 1, atol=1e-5)


def test_standard_input_and_gzip_are_read(model: Path, texts: Path, tmp_path: Path) -> None:
    data = b"".join(texts.read_bytes().splitlines(keepends=True)[:50])
    (tmp_path / "texts.gz").write_bytes(gzip.compress(data))
    piped, packed = tmp_path / "piped.npy", tmp_path / "packed.npy"
    assert run("embed", model, "--out", piped, stdin=data).code == 0
    assert invoke("embed", model, "--input", tmp_path / "texts.gz", "--out", packed).code == 0
    assert np.array_equal(np.load(piped), np.load(packed))
    assert len(np.load(piped)) == 50


def test_table_column_is_embedded_and_bad_rows_are_counted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes('title,document\na,"글, 하나"\nb\nc,글 둘\n'.encode())
    out = tmp_path / "v.parquet"
    options = ("--input", table, "--out", out)
    refused = call(capsys, "embed", model, *options, "--text-column", "document")
    assert refused.code == 2
    assert "row 3" in refused.err
    assert not out.exists()
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]
    kept = call(capsys, "embed", model, *options, "--skip-bad-rows", "--no-texts")
    assert kept.code == 0, kept.err
    assert "text column: document (the model was trained on it)" in kept.err
    assert "skipped 1 row" in kept.err
    frame = pl.read_parquet(out)
    assert frame["row"].to_list() == [2, 4]
    assert frame.columns == ["row", "vector"]


def test_search_finds_text_and_row(
    model: Path, vectors: tuple[Path, CommandResult], texts: Path
) -> None:
    lines = texts.read_text(encoding="utf-8").splitlines()
    query = lines[1234]
    in_texts = invoke("search", model, texts, query, "--k", 3)
    in_vectors = invoke("search", model, vectors[0], query, "--k", 3)
    assert in_texts.code == 0, in_texts.err
    assert in_texts.out == in_vectors.out
    score, row, text = in_texts.out.splitlines()[0].split("\t")
    assert score == "1.0000"
    assert lines[int(row) - 1] == text
    several = invoke("search", model, vectors[0], query, "재미있다", "--k", 2, "--json")
    hits = [json.loads(line) for line in several.out.splitlines()]
    assert [hit["query"] for hit in hits] == [query, query, "재미있다", "재미있다"]
    assert all(set(hit) == {"query", "score", "row", "text"} for hit in hits)
    assert all(lines[hit["row"] - 1] == hit["text"] for hit in hits)


def test_a_search_in_nothing_is_told(model: Path, tmp_path: Path) -> None:
    blank, none = tmp_path / "blank.txt", tmp_path / "none.npy"
    blank.write_text("\n \n")
    np.save(none, np.zeros((0, munjang.load(model).embed("글").shape[1]), dtype=np.float32))
    for path in (blank, none):
        done = invoke("search", model, path, "재미있다")
        assert (done.code, done.out) == (2, "")
        assert done.err == f"munjang: {path}: expected texts to search in, found none\n"


def test_hostile_texts_are_embedded(model: Path, tmp_path: Path) -> None:
    ugly = [piece for piece in PIECES if not set(piece) & set("\r\n\x1c\x0b\x85\u2028")]
    rows = [{"text": "".join(ugly[index:] + ugly[:index])} for index in range(len(ugly))]
    rows.append({"text": "가나 " * 5000})
    source, out = tmp_path / "ugly.jsonl", tmp_path / "v.parquet"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    result = invoke("embed", model, "--input", source, "--out", out)
    assert result.code == 0, result.err
    assert "1 text was longer than the model reads" in result.err
    frame = pl.read_parquet(out)
    assert frame["text"].to_list() == [row["text"] for row in rows]
    expected = munjang.load(model).embed([row["text"] for row in rows])
    np.testing.assert_allclose(np.stack(frame["vector"]), expected, atol=1e-5, rtol=1e-4)
    actual = invoke("search", model, out, rows[3]["text"], "--k", 1)
    assert actual.code == 0, actual.err
    assert actual.out.split("\t")[1] == "4"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "v.csv"], "expected a file name that ends in .npy or .parquet"),
        (["--input", "missing.txt", "--out", "v.npy"], "missing.txt: there is no such file"),
        (["--out", "no/such/folder/v.npy"], "no/such/folder/v.npy: No such file or directory"),
        (["--out", "v.npy", "--pooling", "men"], "did you mean 'mean'?"),
        (["--out", "v.npy", "--pooling", "first"], "choose pooled, or leave it out"),
        ([], "missing option '--out'"),
    ],
)
def test_embed_errors_are_one_line(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_text("글\n")
    source = [] if "--input" in arguments else ["--input", "t.txt"]
    result = call(capsys, "embed", model, *source, *arguments)
    assert result.code == 2
    assert result.err.startswith("munjang: ")
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert os.listdir() == ["t.txt"]  # noqa: PTH208


def test_vectors_do_not_overwrite_their_texts(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "t.parquet"
    pl.DataFrame({"text": ["글"]}).write_parquet(source)
    before = source.read_bytes()
    result = call(capsys, "embed", model, "--input", source, "--out", source)
    assert result.code == 2
    assert "would replace the file of texts" in result.err
    assert source.read_bytes() == before


def test_vectors_of_another_model_are_refused(
    model: Path, reviews: Path, vectors: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    trained = invoke(
        "train", reviews, "--model", "mean", "--seed", 8, "--out", other, *set_options()
    )
    assert trained.code == 0, trained.err
    result = invoke("search", other, vectors[0], "글")
    assert result.code == 2
    assert "these vectors are of another model" in result.err
    pooled = invoke("search", model, vectors[0], "글", "--pooling", "mean")
    assert "have pooling pooled, got mean; leave it out" in pooled.err
    narrow = tmp_path / "narrow.npy"
    np.save(narrow, np.ones((3, 5), np.float32))
    assert "expected vectors of 16 numbers" in invoke("search", model, narrow, "글").err
    blank = invoke("search", model, vectors[0], " ")
    assert blank.code == 2
    assert "queries[0]: expected a text to search for" in blank.err


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(model: Path, texts: Path, tmp_path: Path) -> None:
    large, out = tmp_path / "large.txt", tmp_path / "v.npy"
    data = texts.read_bytes()
    with large.open("wb") as file:
        for _ in range(60):
            file.write(data)
    small = run_with_peak_memory("embed", model, "--input", texts, "--out", out)[1]
    result, peak = run_with_peak_memory("embed", model, "--input", large, "--out", out)
    assert result.code == 0, result.err
    assert len(np.load(out, mmap_mode="r")) == 60 * TEXTS
    assert peak < small + 100_000_000


@pytest.fixture(scope="module")
def korsts(data_folder: Path) -> Path:
    return data_folder / "korsts"


@pytest.fixture(scope="module")
def similarity(
    korsts: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CommandResult]:
    """A model of similarity of real pairs, and what the command said."""
    folder = tmp_path_factory.mktemp("similarity")
    few = copy_head(korsts / "train.tsv", 2001, folder / "train.tsv")
    out = folder / "model"
    options = set_options(model__dim=64, training__epochs=3, training__embedding_learning_rate=0.02)
    task = ("--task", "similarity", "--model", "mean", "--valid", korsts / "dev.tsv")
    return out, invoke("train", few, *task, "--out", out, *options)


def test_similarity_is_trained_evaluated_and_predicted(
    similarity: tuple[Path, CommandResult], korsts: Path
) -> None:
    folder, result = similarity
    assert result.code == 0, result.err
    assert "cosine 0 stands for 0, cosine 1 for 5" in result.err
    scores = json.loads(invoke("evaluate", folder, korsts / "test.tsv", "--json").out)
    assert set(scores) == {"rows", "spearman", "pearson", "rmse"}
    assert scores["rows"] == 1379
    assert scores["spearman"] > 0.45
    answers = invoke("predict", folder, "한 남자가 춤을 춘다.", "남자가 춤을 춘다.")
    value, cosine, *pair = answers.out.rstrip("\n").split("\t")
    assert float(value) == pytest.approx(5 * float(cosine), abs=1e-3)
    assert "남자가" in pair[0]
    typed = invoke("predict", folder, "--json", "한 남자가 춤을 춘다.", "비행기가 이륙한다.")
    answer = json.loads(typed.out)
    assert answer["cosine"] < float(cosine)


def test_similarity_model_embeds_and_searches(
    similarity: tuple[Path, CommandResult], korsts: Path, tmp_path: Path
) -> None:
    folder, out = similarity[0], tmp_path / "v.parquet"
    unnamed = invoke("embed", folder, "--input", korsts / "test.tsv", "--out", out)
    assert unnamed.code == 2
    assert "--text-column" in unnamed.err
    source = ("--input", korsts / "test.tsv", "--text-column", "sentence1", "--out", out)
    assert invoke("embed", folder, *source).code == 0
    hits = invoke("search", folder, out, "한 소녀가 머리를 빗고 있다.", "--k", 2).out.splitlines()
    assert "소녀가 머리를" in hits[0]


def test_in_batch_negatives_need_no_numbers(korsts: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(korsts / "train.tsv", separator="\t", quote_char=None)
    same = frame.filter(pl.col("score") >= 4).select("sentence1", "sentence2")
    same.head(700).write_csv(tmp_path / "same.tsv", separator="\t", quote_style="never")
    loss = "similarity.loss=in_batch_negatives"
    out = tmp_path / "model"
    result = invoke(
        *("train", tmp_path / "same.tsv", "--task", "similarity", "--model", "mean"),
        *("--set", loss, "--out", out, *set_options(model__dim=64, training__epochs=3)),
    )
    assert result.code == 0, result.err
    assert "every pair counts as one that means the same" in result.err
    assert "mean reciprocal rank" in result.out
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["validation"]["mrr"] > 0.5
    line = invoke("predict", out, "한 남자가 춤을 춘다.", "남자가 춤을 춘다.").out
    assert -1 <= float(line.split("\t")[0]) <= 1

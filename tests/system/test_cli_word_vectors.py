"""Word vectors by the command line, on the Brown corpus."""

import json
import re
from pathlib import Path

import pytest

from tests.system.commands import CommandResult, call, invoke

SIZES = ("model.dim=32", "model.subword_buckets=8192", "training.threads=1", "training.epochs=6")
# Verbs of which the corpus has all sentences.
VERBS = re.compile(r"\b(go|walk|come|look|say)(e?s|ing|ed)?\b", re.IGNORECASE)


def set_options(*settings: str) -> list[str]:
    return [part for setting in (*SIZES, *settings) for part in ("--set", setting)]


@pytest.fixture(scope="module")
def brown(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = data_folder / "brown" / "text.txt"
    if not source.is_file():
        pytest.skip(f"no {source}")
    lines = source.read_text("utf-8").splitlines()
    path = tmp_path_factory.mktemp("brown") / "brown.txt"
    path.write_text("\n".join(line for line in lines if VERBS.search(line)) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(brown: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CommandResult]:
    folder = tmp_path_factory.mktemp("vectors") / "v"
    result = invoke("train", brown, "--task", "vectors", "--out", folder, *set_options())
    assert result.code == 0, result.err
    return folder, result


def test_training_shows_loss_beside_word_frequencies(
    trained: tuple[Path, CommandResult],
) -> None:
    folder, result = trained
    assert "word frequencies" in result.out
    scores = json.loads((folder / "metrics.json").read_text("utf-8"))["validation"]
    assert scores["sampled_loss"] < scores["baseline_sampled_loss"] + 0.2
    assert "by the frequency of each word alone" in (folder / "README.md").read_text("utf-8")


def test_forms_of_a_verb_are_neighbors(
    trained: tuple[Path, CommandResult], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    result = call(capsys, "neighbors", folder, "go", "going", "--k", "10")
    assert result.code == 0, result.err
    rows = [line.split("\t") for line in result.out.splitlines()]
    near = {query: [row[2] for row in rows if row[0] == query] for query in ("go", "going")}
    assert [len(words) for words in near.values()] == [10, 10]
    assert "going" in near["go"]
    assert "go" in near["going"]
    found = call(capsys, "neighbours", folder, "go", "--k", "2", "--json")
    assert [json.loads(line)["word"] for line in found.out.splitlines()] == near["go"][:2]


def test_a_word_that_was_never_seen_is_near_its_stem(
    trained: tuple[Path, CommandResult], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    assert '"walkings"' not in (folder / "vocabulary.json").read_text("utf-8")
    result = call(capsys, "neighbors", folder, "walkings", "--k", "5")
    assert "walking" in [line.split("\t")[1] for line in result.out.splitlines()]


def test_files_answer_as_the_folder_does(
    trained: tuple[Path, CommandResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    expected = call(capsys, "analogy", folder, "going", "-", "go", "+", "come", "-q").out
    assert len(expected.splitlines()) == 10
    for name in ("v.vec", "v.bin"):
        assert call(capsys, "export", "vectors", folder, tmp_path / name).code == 0
        again = call(capsys, "analogy", tmp_path / name, "going - go + come", "-q")
        assert again.out == expected
    refused = call(capsys, "export", "vectors", folder, tmp_path / "v.bin")
    assert (refused.code, "this file exists" in refused.err) == (2, True)


def test_similarity_shows_correlation_and_coverage(
    trained: tuple[Path, CommandResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    path = tmp_path / "pairs.csv"
    path.write_text("first,second,score\ngo,come,7\ngo,say,4\nlook,outlooked,8\n가,나,1\n")
    result = call(capsys, "similarity", folder, path)
    assert result.code == 0, result.err
    assert "on 3 of 4 pairs (75.0%)" in result.out
    assert "without a vector: 가, 나" in result.out
    scores = json.loads(call(capsys, "similarity", folder, path, "--json").out)
    assert (scores["pairs"], scores["covered"], scores["composed"]) == (4, 3, 1)


def test_embedding_of_another_task_has_neighbors(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "neighbors", model, "영", "영화", "--k", "3")
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 6


def test_questions_are_scored_by_section(
    trained: tuple[Path, CommandResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    path = tmp_path / "questions.txt"
    path.write_text(": one\ngo going come coming\n: two\ngo going 가 나\n")
    result = call(capsys, "analogy", folder, "--questions", path, "-q")
    assert [line.split("\t")[2] for line in result.out.splitlines()] == ["one", "two", "all"]
    assert call(capsys, "analogy", folder).code == 2


@pytest.mark.parametrize("option", ["--from", "--vectors"])
def test_encoder_begins_from_word_vectors(
    option: str,
    trained: tuple[Path, CommandResult],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = trained
    data = tmp_path / "data.csv"
    rows = [f"they go and come {n},{'ab'[n % 2]}" for n in range(40)]
    data.write_text("text,label\n" + "\n".join(rows) + "\n")
    quick = ("--set", "training.max_steps=1", "--set", "training.threads=1")
    out = tmp_path / "m"
    result = call(capsys, "train", data, option, folder, "--model", "cnn", "--out", out, *quick)
    assert result.code == 0, result.err
    assert "vectors: begin from" in result.err
    assert call(capsys, "predict", out, "they go").code == 0
    own, other = (json.loads((f / "vocabulary.json").read_text("utf-8")) for f in (out, folder))
    assert own["tokens"] == other["tokens"]
    wrong = call(
        capsys, "train", data, option, folder, "--out", tmp_path / "w", "--set", "model.dim=7"
    )
    assert (wrong.code, "model.dim" in wrong.err) == (2, True)


def test_embed_gives_mean_of_word_vectors(
    trained: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    import munjang

    folder, _ = trained
    words, loaded = munjang.load_words(folder), munjang.load(folder)
    mean = loaded.embed("go away")[0]
    expected = (words.require("go") + words.require("away")) / 2
    assert mean == pytest.approx(expected, abs=1e-5)
    weighted = loaded.embed("the walkings", pooling="pooled")[0]
    rare = words.require("walkings") / 2
    assert abs(weighted - rare).max() < abs(loaded.embed("the walkings")[0] - rare).max() / 5

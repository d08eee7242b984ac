"""Word vectors by the command line, on the Brown corpus."""

import json
from pathlib import Path

import pytest

from tests.system.commands import CommandResult, call, copy_head, run

SIZES = ("model.dim=16", "model.subword_buckets=4096", "training.threads=1", "training.epochs=2")


def set_options(*settings: str) -> list[str]:
    return [part for setting in (*SIZES, *settings) for part in ("--set", setting)]


@pytest.fixture(scope="module")
def brown(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = data_folder / "brown" / "text.txt"
    if not source.is_file():
        pytest.skip(f"no {source}")
    return copy_head(source, 4000, tmp_path_factory.mktemp("brown") / "brown.txt")


@pytest.fixture(scope="module")
def trained(brown: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CommandResult]:
    folder = tmp_path_factory.mktemp("vectors") / "v"
    result = run("train", brown, "--task", "vectors", "--out", folder, *set_options())
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


def test_words_with_one_stem_are_neighbors(
    trained: tuple[Path, CommandResult], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    result = call(capsys, "neighbors", folder, "government", "governmental", "--k", "10")
    assert result.code == 0, result.err
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert [row[0] for row in rows] == ["government"] * 10 + ["governmental"] * 10
    near = {row[2] for row in rows if row[0] == "governmental"}
    assert "government" in near  # which is made of its n-grams alone
    found = call(capsys, "neighbours", folder, "government", "--k", "2", "--json")
    assert [json.loads(line)["word"] for line in found.out.splitlines()] == [
        row[2] for row in rows[:2]
    ]


def test_files_answer_as_the_folder_does(
    trained: tuple[Path, CommandResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    expected = call(capsys, "analogy", folder, "state", "-", "city", "+", "county", "-q").out
    assert len(expected.splitlines()) == 10
    for name in ("v.vec", "v.bin"):
        assert call(capsys, "export", "vectors", folder, tmp_path / name).code == 0
        again = call(capsys, "analogy", tmp_path / name, "state - city + county", "-q")
        assert again.out == expected
    refused = call(capsys, "export", "vectors", folder, tmp_path / "v.bin")
    assert (refused.code, "this file exists" in refused.err) == (2, True)


def test_similarity_shows_correlation_and_coverage(
    trained: tuple[Path, CommandResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    path = tmp_path / "pairs.csv"
    path.write_text(
        "first,second,score\nstate,city,5\nstate,county,4\nstate,statehood,8\n가,나,1\n"
    )
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
    path.write_text(": one\nstate states city cities\n: two\nstate states 가 나\n")
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
    rows = [f"the state of the city {n},{'ab'[n % 2]}" for n in range(40)]
    data.write_text("text,label\n" + "\n".join(rows) + "\n")
    quick = ("--set", "training.max_steps=1", "--set", "training.threads=1")
    out = tmp_path / "m"
    result = call(capsys, "train", data, option, folder, "--model", "cnn", "--out", out, *quick)
    assert result.code == 0, result.err
    assert "vectors: begin from" in result.err
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
    mean = loaded.embed("state city")[0]
    expected = (words.require("state") + words.require("city")) / 2
    assert mean == pytest.approx(expected, abs=1e-5)
    sif = loaded.embed("the statehood", pooling="pooled")[0]
    rare = words.require("statehood") / 2
    assert abs(sif - rare).max() < abs(loaded.embed("the statehood")[0] - rare).max()

"""`munjang compare` on masked language models: table, page, baseline, one tokenizer, refusals."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.system.commands import call
from tests.system.comparisons import HOSTILE, compare_here, read_standings

MODELS = ("cnn", "gru", "token-frequencies")
OPTIONS = (
    *("--task", "masked_lm", "--seeds", 1, "--budget", "20k tokens"),
    *("--set", "model.dim=8", "--set", "training.threads=1", "--set", "training.batch_tokens=256"),
)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of three lines each; a word of each line follows from the one before it."""
    random = np.random.default_rng(0)
    pairs = [("the cat", "sleeps"), ("a dog", "barks"), ("영화가", "재미있다"), ("밥을", "먹는다")]
    lines = [" ".join(pairs[random.integers(4)]) + "." for _ in range(300)]
    lines[5] = HOSTILE
    path = tmp_path_factory.mktemp("text") / "text.txt"
    documents = ["\n".join(lines[n : n + 3]) for n in range(0, 300, 3)]
    path.write_text("\n\n".join(documents) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def compared(text: Path) -> Path:
    out = text.with_name("compared")
    result = compare_here("compare", text, "--models", ",".join(MODELS), "--out", out, *OPTIONS)
    assert result.code == 0, result.err
    assert "the same for every model of a seed" in " ".join(result.out.split())
    return out


def test_whole_documents_are_in_one_part(text: Path, compared: Path) -> None:
    parts = {
        name: pl.read_parquet(compared / f"data/{name}.parquet")["text"].to_list()
        for name in ("train", "valid", "test")
    }
    lines = [line for line in text.read_text("utf-8").split("\n") if line]
    assert sorted(line for part in parts.values() for line in part) == sorted(lines)
    for name in ("valid", "test"):
        assert 15 <= len(parts[name]) <= 60
        assert len(parts[name]) % 3 == 0


def test_standings_have_figures_of_networks_and_the_baseline(compared: Path) -> None:
    rows = read_standings(compared)
    assert set(rows) == set(MODELS)
    for row in rows.values():
        assert set(row["figures"]) == {"cross_entropy", "accuracy", "perplexity"}
        assert row["score"] == row["figures"]["cross_entropy"]
        assert row["over_rows"]["low"] <= row["score"] <= row["over_rows"]["high"]
        assert 0 < row["p50"] <= row["p99"]
    assert rows["token-frequencies"]["is_constant"]
    assert not rows["gru"]["is_constant"]
    assert rows["gru"]["tokens_per_second"] > 0


def test_all_models_are_judged_on_the_same_tokens(compared: Path) -> None:
    from munjang.comparison.masked_judge import read_scores

    rows = len(pl.read_parquet(compared / "data/test.parquet"))
    tokens = [
        read_scores(compared / "runs" / name / "seed-0", rows).tokens.tolist() for name in MODELS
    ]
    assert tokens[0] == tokens[1] == tokens[2]
    vocabularies = {
        (compared / "runs" / name / "seed-0/model/vocabulary.json").read_text("utf-8")
        for name in MODELS
    }
    assert len(vocabularies) == 1


@pytest.mark.parametrize("model", MODELS)
def test_models_are_used_like_any_other(
    model: str, text: Path, compared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = compared / "runs" / model / "seed-0/model"
    predicted = call(capsys, "predict", folder, "the [MASK] sleeps.", "--json")
    assert predicted.code == 0, predicted.err
    assert len(json.loads(predicted.out)["masks"]) == 1
    scored = call(capsys, "evaluate", folder, text, "--json")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["cross_entropy"] > 0


def test_page_names_models_and_escapes_texts(compared: Path) -> None:
    page = (compared / "compare.html").read_text("utf-8")
    assert all(name in page for name in MODELS)
    assert "Where the models differ most" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tokenizers", "words,jamo", "--models", "cnn"), "not equally hard to predict"),
        (("--from", "somewhere"), "a model folder has a tokenizer of its own"),
        (("--set", "pretrained.folder=somewhere"), "a model folder has a tokenizer of its own"),
        (("--set", "data.join_next=true"), "a comparison judges single lines"),
        (("--models", "mean"), "mean goes with"),
        (("--metric", "bleu"), "cross_entropy, accuracy"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    options: tuple[str, ...],
    message: str,
    text: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = call(capsys, "compare", text, "--out", tmp_path / "c", *OPTIONS, *options)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("munjang:") == 1
    assert not (tmp_path / "c" / "runs").exists()


def test_rows_of_a_table_are_compared_as_one_text_each(tmp_path: Path) -> None:
    table = pl.DataFrame({"text": [f"word{n % 7} follows word{n % 7}" for n in range(120)]})
    table.write_csv(tmp_path / "rows.csv")
    arguments = ["compare", tmp_path / "rows.csv", "--input", "text", "--out", tmp_path / "c"]
    result = compare_here(*arguments, "--models", "cnn,token-frequencies", *OPTIONS)
    assert result.code == 0, result.err
    assert set(read_standings(tmp_path / "c")) == {"cnn", "token-frequencies"}

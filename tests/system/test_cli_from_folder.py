"""`--from FOLDER` as a person runs it: pretrain on texts, fine-tune on labels, compare, search."""

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from munjang import load
from tests.synthetic import make_corpus
from tests.system.commands import call, invoke, write_table
from tests.system.comparisons import compare_here
from tests.system.test_cli_errors import assert_one_line

FEW = ["--set", "training.threads=1", "--set", "training.max_steps=8"]
SIZE = {
    "bert": ["model.dim=32", "model.layers=2", "tokenizer.max_size=1500"],
    "cnn": ["model.dim=32", "model.filters=16"],
}


@pytest.fixture(scope="module")
def unlabeled(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 5,000 reviews without labels."""
    into = tmp_path_factory.mktemp("unlabeled") / "reviews.txt"
    with gzip.open(data_folder / "nsmc" / "unlabelled.txt.gz", "rt", encoding="utf-8") as file:
        into.write_text("".join(islice(file, 5000)), encoding="utf-8")
    return into


@pytest.mark.parametrize("model", ["cnn", "bert"])
def test_pretrain_then_fine_tune(
    model: str, unlabeled: Path, reviews: Path, more_reviews: Path, tmp_path: Path
) -> None:
    first, out = tmp_path / "pretrained", tmp_path / "fine-tuned"
    size = [part for setting in SIZE[model] for part in ("--set", setting)]
    result = invoke(
        "train", unlabeled, "--task", "masked_lm", "--model", model, "--out", first, *FEW, *size
    )
    assert result.code == 0, result.err
    result = invoke(
        "train",
        reviews,
        "--from",
        first,
        "--out",
        out,
        "--json",
        *FEW,
        "--set",
        "pretrained.frozen_layers=0",
        "--set",
        "training.layer_decay=0.9",
    )
    assert result.code == 0, result.err
    assert f"weights: begin from {first} ({model}, task masked_lm)" in result.err
    assert "missing, initialized at random: " in result.err
    assert "left over, not used: " in result.err
    assert "weights: frozen are the embedding" in result.err
    pretrained = json.loads(result.out)["training"]["pretrained"]
    assert (pretrained["source"], pretrained["model"]) == ("pretrained", model)
    source, model_after = load(first), load(out)
    frozen = source.network.encoder.embedding.weight
    assert model_after.network.encoder.embedding.weight.equal(frozen)
    vocabulary = (first / "vocabulary.json").read_bytes()
    assert (out / "vocabulary.json").read_bytes() == vocabulary
    assert invoke("evaluate", out, more_reviews, "--json").code == 0
    # a classifier of something else goes on from there
    repeated = invoke("train", more_reviews, "--from", out, "--out", tmp_path / "again", *FEW)
    assert repeated.code == 0, repeated.err
    assert f"weights: begin from {out} ({model}, task classify)" in repeated.err


@pytest.fixture(scope="module")
def table_and_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table of made texts, and a small model of them."""
    folder = tmp_path_factory.mktemp("made")
    texts, labels = make_corpus(120)
    table = write_table(folder / "data.csv", zip(texts, labels, strict=True))
    out = folder / "source model"
    result = invoke("train", table, "--model", "mean", "--out", out, *FEW, "--set", "model.dim=8")
    assert result.code == 0, result.err
    return table, out


def test_compare_with_and_without_pretrained_model(
    table_and_model: tuple[Path, Path], tmp_path: Path
) -> None:
    table, source = table_and_model
    out = tmp_path / "compared"
    command = (
        "compare",
        table,
        "--models",
        "mean,majority",
        "--from",
        source,
        "--seeds",
        1,
        "--budget",
        "2000 tokens",
        "--out",
        out,
        "--set",
        "training.threads=1",
    )
    result = compare_here(*command)
    assert result.code == 0, result.err
    rows = json.loads((out / "compare.json").read_text())["standings"]
    names = {row["name"] for row in rows}
    assert names == {"mean", "majority", f"mean from {source}"}
    (pretrained,) = (path for path in (out / "runs").iterdir() if path.name.startswith("mean-from"))
    folder = pretrained / "seed-0" / "model"
    assert load(folder).metrics["training"]["pretrained"]["source"] == "source model"
    repeated = invoke(*command, "--resume")
    assert repeated.err.count("done before") == 3


def test_tune_starts_every_trial_from_the_folder(
    table_and_model: tuple[Path, Path], tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    table, source = table_and_model
    out = tmp_path / "tuned"
    result = invoke("tune", table, "--from", source, "--trials", 2, "--out", out, *FEW)
    assert result.code == 0, result.err
    space = json.loads((out / "tune.json").read_text())["space"]
    assert space
    assert not {"model.dim", "model.ngrams"} & set(space)
    best = load(out / "best")
    assert best.recipe.model_name == "mean"
    assert best.metrics["training"]["pretrained"]["matched"] > 0


def test_errors_are_one_line(
    table_and_model: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, source = table_and_model
    out = tmp_path / "out"
    command = ("train", table, "--out", out, *FEW)
    missing = tmp_path / "nothing"
    assert_one_line(call(capsys, *command, "--from", missing), "there is no such model folder")
    result = call(capsys, *command, "--from", source, "--model", "cnn")
    assert_one_line(
        result, "model.name", "has mean and cnn is asked for", "leave model.name (--model)"
    )
    result = call(capsys, *command, "--from", source, "--vectors", "words.vec")
    assert_one_line(result, "--from", "--vectors", "not both")
    result = call(capsys, *command, "--set", "pretrained.frozen_layers=1")
    assert_one_line(result, "there is no model folder to begin from")
    result = call(capsys, *command, "--from", table)
    assert_one_line(result, "expected a model folder, but this is a file")
    compared = ("compare", table, "--models", "mean", "--out", out, "--from", source)
    result = call(capsys, *compared, "--set", "model.dim=9")
    assert_one_line(result, "model.dim", "has 8 and 9 is asked for")
    assert not out.exists()

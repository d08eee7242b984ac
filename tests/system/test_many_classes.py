"""Many classes: memory stays in proportion to the rows, and what is told stays short."""

import json
import random
import re
from pathlib import Path

import pytest

from tests.system.commands import call, invoke, run_with_peak_memory, set_options

GIGABYTE = 10**9


def write_classes(path: Path, classes: int, rows: int, seed: int = 0) -> Path:
    """`rows` rows of each of so many classes; two words tell the class."""
    words = random.Random(seed)
    lines = [
        f"k{number % 997} q{number // 997} w{words.randrange(3000)},c{number}"
        for _ in range(rows)
        for number in range(classes)
    ]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


def test_five_hundred_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_classes(tmp_path / "many.csv", 500, 3)
    model = tmp_path / "m"
    options = ("--model", "mean", *set_options(training__epochs=8))
    result = invoke("train", data, "--out", model, *options)
    assert result.code == 0, result.err
    metrics = json.loads((model / "metrics.json").read_text())["validation"]
    assert metrics["confusion"] is None
    assert len(metrics["classes"]) == 500
    assert sum(one["rows"] for one in metrics["classes"]) == metrics["rows"] == 500
    confused = sum(pair["rows"] for pair in metrics["confused"])
    assert 0 < confused <= round((1 - metrics["accuracy"]) * 500)
    card = (model / "README.md").read_text()
    assert "400 more, listed in `config.yaml`" in card
    assert len(card.splitlines()) < 150
    evaluated = call(capsys, "evaluate", model, data)
    assert re.search(r"^ *400 more, all in --json +1,200", evaluated.out, re.MULTILINE)
    assert "most confused classes: true" in evaluated.out
    assert len(evaluated.out.splitlines()) < 150
    answers = call(capsys, "predict", model, "k1 q0 w1", "--json")
    assert len(json.loads(answers.out)["probabilities"]) == 500


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mean", "cnn"])
def test_twenty_thousand_classes_use_bounded_memory(tmp_path: Path, model: str) -> None:
    data = write_classes(tmp_path / "many.csv", 20_000, 3)
    unseen = write_classes(tmp_path / "unseen.csv", 20_000, 1, seed=1)
    folder = tmp_path / "m"
    options = ("--set", "training.epochs=1", "--set", "training.threads=1")
    result, peak = run_with_peak_memory("train", data, "--model", model, "--out", folder, *options)
    assert result.code == 0, result.err
    assert "20,000 to validate on" in result.err
    weights = (folder / "model.safetensors").stat().st_size
    # the weights, their gradients, two numbers of the optimizer for each, and the best ones
    assert peak < GIGABYTE + 5 * weights
    result, peak = run_with_peak_memory("evaluate", folder, unseen, "--json")
    assert json.loads(result.out)["rows"] == 20_000
    assert peak < GIGABYTE + weights
    result, peak = run_with_peak_memory("predict", folder, "--input", unseen)
    assert len(result.out.splitlines()) == 20_000
    assert peak < GIGABYTE + weights

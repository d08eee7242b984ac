"""`check` of pairs: what a training would read, leave out and cost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang import AlignedFiles, MunjangError, train
from munjang.checking import check
from munjang.data.buckets import padding_share
from munjang.data.pairs.checks import PairReport
from munjang.estimates import estimate_training
from munjang.preparation import Prepared, prepare

QUICK = (
    "model.dim=8",
    "model.hidden_dim=16",
    "training.epochs=3",
    "training.batch_tokens=64",
    "training.average_after=null",
    "training.threads=1",
    "decoding.beam=2",
)


def make_pairs(count: int = 60, seed: int = 0) -> tuple[list[str], list[str]]:
    """Words, and the same words turned round, each pair with its number."""
    random = np.random.default_rng(seed)
    rows = [[*random.choice(["가", "나", "다"], random.integers(1, 6))] for _ in range(count)]
    sources = [" ".join([*row, str(number)]) for number, row in enumerate(rows)]
    return sources, [" ".join(source.split()[::-1]) for source in sources]


def run_check(data: Any, *more: str, **options: Any) -> PairReport:
    basis = {"model": "attentive", "tokenizer": "words", "seconds": 0.2}
    result = check(data, task="translate", overrides=[*QUICK, *more], **{**basis, **options})
    assert isinstance(result, PairReport)
    return result


def prepare_pairs(data: Any, *more: str) -> Prepared:
    model = {"name": "attentive", "dim": 8, "hidden_dim": 16}
    settings = {"task": "translate", "tokenizer": {"name": "words"}, "model": model}
    training = {"epochs": 3, "batch_tokens": 64, "average_after": None, "threads": 1}
    decoding = {"beam": 2}
    settings |= {"training": training, "decoding": decoding}
    return prepare(data, None, settings, lambda line: None)


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_report_equals_figures_of_training() -> None:
    pairs = make_pairs()
    report = run_check(pairs)
    trained = train(
        pairs, task="translate", model="attentive", tokenizer="words", overrides=QUICK
    ).metrics["training"]
    assert report.rows == 60
    tokens, estimate = report.tokens, report.estimate
    assert tokens is not None
    assert estimate is not None
    for side in ("source", "target"):
        own = getattr(tokens, side)
        assert own.vocabulary == trained[f"{side}_vocabulary"]
        assert own.oov_rate == trained[f"{side}_oov_rate"] > 0
    assert tokens.padding == pytest.approx(trained["padding_share"])
    assert estimate["model"] == "attentive"
    assert estimate["parameters"] == trained["parameters"]
    assert estimate["steps"] == trained["steps"]
    assert estimate["timed_steps"] > 0
    assert estimate["weights_bytes"] >= 4 * estimate["parameters"]
    assert estimate["copies_bytes"] == estimate["weights_bytes"]
    assert estimate["seconds"] > 3 * estimate["evaluation_seconds"] > 0
    assert estimate["answering_seconds"] > 0
    json.dumps(report.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("average", "copies"), [({}, 1), ({"average_after": 0.75}, 2), ({"average_best": 3}, 4)]
)
def test_average_after_and_average_best_cost_copies_of_weights(
    average: dict[str, Any], copies: int
) -> None:
    ready = prepare_pairs(make_pairs())
    training = ready.recipe.training.model_copy(update=average)
    ready = replace(ready, recipe=ready.recipe.model_copy(update={"training": training}))
    estimate = estimate_training(ready, seconds=0.1)
    assert estimate.copies_bytes == copies * estimate.weights_bytes


def test_estimate_does_not_change_preparation() -> None:
    ready = prepare_pairs(make_pairs())
    before = ready.fingerprint, ready.task
    estimate_training(ready, seconds=0.1)
    assert (ready.fingerprint, ready.task) == before
    groups = ready.recipe.training.bucketing().shuffle(ready.train.lengths, (0, 0))
    assert padding_share(groups, ready.train.lengths) < 0.5


def test_too_long_pairs_are_counted_and_named_by_line(tmp_path: Path) -> None:
    sources, targets = make_pairs()
    sources[4] = " ".join(["가"] * 9)
    targets[50] = " ".join(["나"] * 8)
    files = AlignedFiles(write_lines(tmp_path / "a", sources), write_lines(tmp_path / "b", targets))
    report = run_check(files, "tokenizer.max_length=7", "data.max_length_ratio=null")
    assert report.tokens is not None
    assert report.tokens.left_out.rows == 2
    first, second = report.tokens.left_out.examples
    assert (first.row, first.source_tokens) == (5, 9)
    assert (second.row, second.target_tokens) == (51, 8)
    assert first.file == f"{tmp_path / 'a'} and {tmp_path / 'b'}"


def test_bad_rows_are_refused_or_counted(tmp_path: Path) -> None:
    sources, targets = make_pairs()
    sources[7], targets[20], targets[30] = "", " ", "너무 긴 것 " * 60
    files = AlignedFiles(write_lines(tmp_path / "a", sources), write_lines(tmp_path / "b", targets))
    with pytest.raises(MunjangError, match="row 8"):
        run_check(files)
    report = run_check(files, columns={"skip_bad_rows": True})
    assert report.rows == 57
    assert sum(report.skipped.values()) == 3
    assert report.estimate is not None
    # the same rows, no more, are left out of a training
    overrides = [*QUICK, "data.skip_bad_rows=true", "training.epochs=1"]
    trained = train(
        files, task="translate", model="attentive", tokenizer="words", overrides=overrides
    )
    assert trained.metrics["training"]["skipped"] == report.skipped


def test_test_data_may_have_another_format(tmp_path: Path) -> None:
    sources, targets = make_pairs()
    table = tmp_path / "pairs.tsv"
    rows = [f"1\t{one}\t{other}" for one, other in zip(sources, targets, strict=True)]
    write_lines(table, ["n\ten\tko", *rows])
    files = AlignedFiles(
        write_lines(tmp_path / "a", [*sources[:3], "새", ""]),
        write_lines(tmp_path / "b", [*targets[:2], *"가나다"]),
    )
    columns = {"source_column": "en", "target_column": "ko", "skip_bad_rows": True}
    report = run_check(table, test=files, columns=columns)
    assert (report.source_column, report.target_column) == ("en", "ko")
    assert report.test is not None
    assert (report.test.rows, report.test.pairs.texts, report.test.sources.texts) == (4, 2, 3)
    assert sum(report.test.skipped.values()) == 1


def test_untrainable_data_has_note_and_no_estimate() -> None:
    report = run_check((["가 나"], ["나 가"]))
    assert (report.tokens, report.estimate) == (None, None)
    assert any(note.startswith("a training would refuse this data: ") for note in report.notes)
    report = run_check(make_pairs(), "tokenizer.max_length=1")
    assert any("longer than tokenizer.source.max_length" in note for note in report.notes)


def test_errors_are_one_line(tmp_path: Path) -> None:
    files = AlignedFiles(
        write_lines(tmp_path / "a", ["가", "나"]), write_lines(tmp_path / "b", ["a"])
    )
    with pytest.raises(MunjangError, match="got 2 lines of sources and 1 of targets"):
        run_check(files)
    with pytest.raises(MunjangError, match="did you mean 'epochs'"):
        run_check(make_pairs(), "training.epoch=1")
    with pytest.raises(MunjangError, match="text_column"):
        run_check(make_pairs(), columns={"text_column": "en"})


def test_default_model_is_transformer() -> None:
    report = check(
        make_pairs(),
        task="translate",
        overrides=["model.dim=8", "model.heads=2", "training.threads=1", "training.epochs=1"],
        seconds=0.2,
    )
    assert isinstance(report, PairReport)
    assert report.estimate is not None
    assert report.estimate["model"] == "transformer"

"""Numbers and sets of labels by the command line, on real text: train, evaluate, predict."""

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from tests.system.commands import CommandResult, call, set_options

QUICK = (
    "--quiet",
    *("--model", "mean"),
    *set_options(training__learning_rate=0.003, training__embedding_learning_rate=0.1),
)


def read_entity_types(path: Path, sentences: int) -> list[tuple[str, list[str]]]:
    """Sentences of CoNLL and the kinds of the entities in them, which may be none."""
    result = []
    blocks = path.read_text("utf-8").split("\n\n")[:sentences]
    for block in blocks:
        pairs = [line.split("\t") for line in block.split("\n") if "\t" in line]
        kinds = {tag.split("-")[0] for _, tag in pairs} - {"O"}
        result.append((" ".join(token for token, _ in pairs), sorted(kinds)))
    return [pair for pair in result if pair[0]]


@pytest.fixture(scope="module")
def ratings(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 3,000 reviews and their rating of 1 to 10."""
    into = tmp_path_factory.mktemp("ratings") / "ratings.tsv"
    with gzip.open(data_folder / "nsmc" / "ratings.tsv.gz", "rt", encoding="utf-8") as file:
        into.write_text("".join(islice(file, 3001)), "utf-8")
    return into


def test_regress_session(ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "m"
    result = call(capsys, "train", ratings, "--task", "regress", "--out", folder, *QUICK)
    assert result.code == 0, result.err
    for expected in ("MAE", "RMSE", "Spearman", "R2", "300 rows", "model saved in"):
        assert expected in result.out
    result = call(capsys, "evaluate", folder, ratings, "--json")
    scores = json.loads(result.out)
    assert scores["rows"] == 3000
    assert 0 < scores["mae"] <= scores["rmse"] < scores["baseline_rmse"] < 4
    assert scores["spearman"] > 0.3
    drawn = call(capsys, "evaluate", folder, ratings, "--quiet").out
    assert f"{scores['mae']:.4f}" in drawn
    assert "always answering with the mean of these rows" in drawn
    lines = call(capsys, "predict", folder, "최고의 영화", "최악의 영화").out.splitlines()
    (best, first), (worst, _) = (line.split("\t") for line in lines)
    assert first == "최고의 영화"
    assert float(best) > float(worst)
    answer = json.loads(call(capsys, "predict", folder, "최고의 영화", "--json").out)
    assert set(answer) == {"row", "value", "truncated"}
    assert answer["value"] == pytest.approx(float(best), abs=1e-4)


def test_multilabel_session(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = read_entity_types(data_folder / "naver-ner" / "train.conll", 1500)
    assert any(not kinds for _, kinds in pairs)
    assert any(len(kinds) > 1 for _, kinds in pairs)
    train, table, folder = tmp_path / "kinds.jsonl", tmp_path / "kinds.tsv", tmp_path / "m"
    train.write_text(
        "".join(json.dumps({"text": text, "labels": kinds}) + "\n" for text, kinds in pairs)
    )
    rows = "".join(f"{text}\t{'|'.join(kinds)}\n" for text, kinds in pairs)
    table.write_text(f"text\tlabels\n{rows}", "utf-8")
    result = call(capsys, "train", train, "--task", "multilabel", "--out", folder, *QUICK)
    assert result.code == 0, result.err
    for expected in ("micro F1", "macro F1", "subset accuracy", "log loss"):
        assert expected in result.out
    assert "thresholds:" in (folder / "config.yaml").read_text("utf-8")
    result = call(capsys, "evaluate", folder, table, "--json")
    scores = json.loads(result.out)
    assert scores["rows"] == len(pairs)
    assert sum(one["rows"] for one in scores["classes"]) == sum(len(kinds) for _, kinds in pairs)
    assert 0.3 < scores["micro_f1"] < 1
    assert "precision" in call(capsys, "evaluate", folder, table, "--quiet").out
    text = pairs[0][0]
    answer = json.loads(call(capsys, "predict", folder, text, "--json").out)
    assert set(answer) == {"row", "labels", "probabilities", "truncated"}
    line = call(capsys, "predict", folder, text).out
    assert line == f"{'|'.join(answer['labels'])}\t{text}\n"


def test_check_reports_numbers_and_label_sets(
    ratings: Path, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ("--model", "mean", *set_options())
    result = call(capsys, "check", ratings, "--task", "regress", *quick)
    assert result.code == 0, result.err
    assert "numbers from 1 to 10, mean 8." in result.out
    assert "always answering the mean would have an RMSE of " in result.out
    assert "estimated cost of training mean" in result.out
    report = json.loads(call(capsys, "check", ratings, "--task", "regress", *quick, "--json").out)
    assert sum(report["numbers"]["counts"]) == 3000
    assert report["labels"] is None

    pairs = read_entity_types(data_folder / "naver-ner" / "train.conll", 300)
    kinds = tmp_path / "kinds.jsonl"
    kinds.write_text("".join(json.dumps({"text": t, "labels": k}) + "\n" for t, k in pairs))
    result = call(capsys, "check", kinds, "--task", "multilabel", *quick)
    assert result.code == 0, result.err
    assert "labels per row" in result.out
    assert "always answering" not in result.out
    report = json.loads(call(capsys, "check", kinds, "--task", "multilabel", *quick, "--json").out)
    assert sum(report["sets"].values()) == len(pairs)
    assert sum(int(size) * rows for size, rows in report["sets"].items()) == sum(
        report["labels"].values()
    )


def refusal_message(result: CommandResult) -> str:
    """The one line of a command that refused."""
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    return result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "regres"], "unknown task 'regres'; did you mean 'regress'?"),
        (["--set", "classify.loss=mse"], "mean_squared_error does not fit the task classify"),
        (
            ["--task", "regress", "--set", "regress.loss=focal"],
            "takes mean_squared_error, mean_absolute_error, huber, log_cosh, poisson",
        ),
        (
            ["--task", "multilabel", "--set", "multilabel.loss=mse"],
            "does not fit the task multilabel, which takes binary_crossentropy",
        ),
        (["--task", "regress"], "bad.csv, row 3: expected a number in column 'label', got 'five'"),
        (
            ["--task", "regress", "--set", "training.metric=accuracy"],
            "should be 'mae', 'rmse', 'spearman' or 'r2', got 'accuracy'",
        ),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "bad.csv"
    table.write_text("text,label\na,1\nb,five\nc,3\nd,nan\n")
    result = call(capsys, "train", table, *arguments, "--out", tmp_path / "m", "--quiet")
    assert message in refusal_message(result)
    assert not (tmp_path / "m").exists()


def test_ensemble_with_linear_model_session(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, folder = data_folder / "trec" / "train.tsv", tmp_path / "m"
    together = set_options(model__ensemble_size=2, model__linear_weight=0.33)
    result = call(capsys, "train", train, "--out", folder, *QUICK, *together)
    assert result.code == 0, result.err
    scores = json.loads(call(capsys, "evaluate", folder, train, "--json").out)
    assert scores["accuracy"] > 0.8
    result = call(capsys, "predict", folder, "Who wrote Hamlet ?")
    assert result.out.startswith("human\t")


def test_regress_refuses_linear_model(
    ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    linear = set_options(model__linear_weight=0.5)
    result = call(
        capsys, "train", ratings, "--task", "regress", "--out", tmp_path / "m", *QUICK, *linear
    )
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "model.linear_weight" in result.err
    assert "set it to 0" in result.err
    assert not (tmp_path / "m").exists()

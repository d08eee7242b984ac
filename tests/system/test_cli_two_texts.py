"""Two texts per row on the command line: from a file of questions to answers, on real data."""

import json
from pathlib import Path

import pytest

from tests.system.commands import CommandResult, call, copy_head, invoke, run
from tests.system.comparisons import compare_here

QUICK = (
    *("--set", "model.ngram_buckets=4096"),
    *("--set", "training.epochs=2"),
    *("--set", "training.threads=1"),
)


@pytest.fixture(scope="module")
def questions(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 300 pairs of the validation part of question-pair-ko."""
    folder = data_folder / "question-pair-ko"
    if not folder.is_dir():
        pytest.skip(f"no question-pair-ko in {data_folder}")
    return copy_head(folder / "valid.tsv", 301, tmp_path_factory.mktemp("pairs") / "questions.tsv")


@pytest.fixture(scope="module")
def trained(questions: Path) -> Path:
    out = questions.parent / "model"
    result = invoke("train", questions, "--model", "mean", *QUICK, "--out", out)
    assert result.code == 0, result.err
    return out


def read_rows(result: CommandResult) -> list[list[str]]:
    assert result.code == 0, result.err
    return [line.split("\t") for line in result.out.splitlines()]


def test_input_and_columns_are_inferred_and_reported(trained: Path, questions: Path) -> None:
    result = invoke(
        "train", questions, "--model", "mean", *QUICK, "--out", trained.parent / "again"
    )
    for line in (
        "input: two_texts (inferred from the data)",
        "first column: question1 (inferred: by its name)",
        "second column: question2 (inferred: by its name)",
        "label column: is_duplicate (inferred: by its name)",
        "read 300 pairs of",
    ):
        assert line in result.err
    repeated = (trained.parent / "again" / "model.safetensors").read_bytes()
    assert repeated == (trained / "model.safetensors").read_bytes()
    card = (trained / "README.md").read_text("utf-8")
    assert "text pair classifier" in card
    assert 'predict([("a text", "another text")])' in card


def test_named_text_column_reads_one_text(questions: Path, tmp_path: Path) -> None:
    one = ("--text-column", "question1", "--label-column", "is_duplicate")
    result = invoke("train", questions, *one, "--model", "mean", *QUICK, "--out", tmp_path / "m")
    assert result.code == 0, result.err
    assert "read 300 rows" in result.err


def test_pairs_are_predicted_from_arguments_lines_and_files(trained: Path, questions: Path) -> None:
    typed = read_rows(invoke("predict", trained, "집에 가자", "집으로 가자", "배고파", "비 온다"))
    assert [row[2:] for row in typed] == [["집에 가자", "집으로 가자"], ["배고파", "비 온다"]]
    lines = "집에 가자\t집으로 가자\n\n배고파\t비 온다\n"
    piped = read_rows(run("predict", trained, stdin=lines))
    assert [piped[0], piped[2]] == typed
    assert piped[1][2:] == ["", ""]
    whole = read_rows(invoke("predict", trained, "--input", questions))
    assert len(whole) == 300
    swapped = ("--first-column", "question2", "--second-column", "question1")
    other = read_rows(invoke("predict", trained, "--input", questions, *swapped))
    assert [row[2] for row in other] == [row[3] for row in whole]
    plain = json.loads(invoke("predict", trained, "--json", "a", "b").out)
    assert set(plain["probabilities"]) == {"0", "1"}


def test_evaluate_equals_predictions_of_the_file(trained: Path, questions: Path) -> None:
    result = invoke("evaluate", trained, questions, "--json", "--quiet")
    accuracy = json.loads(result.out)["accuracy"]
    rows = questions.read_text("utf-8").splitlines()[1:]
    predicted = read_rows(invoke("predict", trained, "--input", questions))
    right = [
        row.rsplit("\t", 1)[1] == actual[0] for row, actual in zip(rows, predicted, strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "b", "c"), "two per pair, got 3 texts"),
        (("--text-column", "x", "--input", "-"), "text_column: a row of this model is two texts"),
    ],
)
def test_predict_errors_are_one_line(
    trained: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    result = call(capsys, "predict", trained, *arguments)
    assert result.code != 0
    assert message in result.err
    assert result.err.count("\n") == 1


def test_lines_that_are_not_pairs_are_named_or_skipped(trained: Path) -> None:
    lines = "a\tb\nalone\na\tb\tc\n"
    result = invoke("predict", trained, stdin=lines)
    assert result.code != 0
    assert "row 2: expected two texts with a tab between them, got a line with no tab" in result.err
    assert len(result.out.splitlines()) == 1
    skipped = invoke("predict", trained, "--skip-bad-rows", stdin=lines)
    assert skipped.code == 0
    assert "skipped 2 rows: not two texts" in skipped.err


def test_model_of_one_text_refuses_two_columns(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ("--text-column", "question1", "--label-column", "is_duplicate")
    invoke("train", questions, *one, "--model", "mean", *QUICK, "--out", tmp_path / "m")
    result = call(capsys, "predict", tmp_path / "m", "--first-column", "a", "--input", questions)
    assert "first_column: a row of this model is one text" in result.err


def test_check_finds_duplicates_and_leaks(questions: Path) -> None:
    result = invoke("check", questions, "--test", questions, "--model", "mean", *QUICK)
    assert result.code == 0, result.err
    assert "300 pairs of" in result.out
    assert "the same pair in DATA and in the test: 300 pairs, 300 rows" in result.out
    assert "300 test pairs have a text that is in DATA" in result.out
    assert "estimated cost of training mean" in result.out


def test_compare_has_pair_baselines(questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "compared"
    names = "mean,majority,tfidf-cosine,tfidf-pair"
    small = ("--budget", "2k tokens", "--seeds", 1, "--quiet", *QUICK[:2], *QUICK[4:])
    result = compare_here("compare", questions, "--models", names, *small, "--out", out)
    assert result.code == 0, result.err
    rows = json.loads((out / "compare.json").read_text("utf-8"))["standings"]
    scores = {row["name"]: row["figures"]["accuracy"] for row in rows}
    assert set(scores) == set(names.split(","))
    assert scores["tfidf-cosine"] > scores["majority"]
    model = next(out.glob("runs/tfidf-pair/*/model"))
    assert read_rows(invoke("predict", model, "배고파", "배고파"))[0][0] == "0"  # 0: the same
    assert invoke("evaluate", model, questions).code == 0


def test_similarity_gives_numbers_and_is_tuned(data_folder: Path, tmp_path: Path) -> None:
    if not (data_folder / "korsts").is_dir():
        pytest.skip(f"no korsts in {data_folder}")
    pairs = copy_head(data_folder / "korsts" / "dev.tsv", 201, tmp_path / "sts.tsv")
    options = ("--task", "regress", "--model", "mean", *QUICK)
    tuned = invoke("tune", pairs, *options, "--trials", 2, "--quiet", "--out", tmp_path / "tuned")
    assert tuned.code == 0, tuned.err
    best = tmp_path / "tuned" / "best"
    result = invoke("evaluate", best, pairs, "--json", "--quiet")
    assert "spearman" in json.loads(result.out)
    number, first, second = read_rows(invoke("predict", best, "개가 달린다", "개가 뛴다"))[0]
    assert float(number) == float(number)
    assert (first, second) == ("개가 달린다", "개가 뛴다")


def test_attention_goes_between_jointly_read_texts(
    questions: Path, tmp_path: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("--set", "model.dim=8", "--set", "model.heads=2", "--set", "model.layers=1")
    out = tmp_path / "bert"
    result = invoke("train", questions, "--model", "bert", *small, *QUICK[2:], "--out", out)
    assert result.code == 0, result.err
    attention = ("--view", "attention")
    shown = invoke("explain", out, "집에 가자", "집으로", *attention, "--json")
    assert shown.code == 0, shown.err
    tokens = json.loads(shown.out)["source"]
    assert tokens.count("⟨eos⟩") == 2
    assert tokens[0] == "⟨go⟩"
    apart = call(capsys, "explain", trained, "집에 가자", "집으로", *attention)
    assert "reads each text apart" in apart.err
    why = json.loads(invoke("explain", trained, "집에 가자", "집으로", "--json").out)
    assert [text["text"] for text in why["scores"][0]["texts"]] == ["집에 가자", "집으로"]
    odd = call(capsys, "explain", out, "집에 가자")
    assert "two per pair, got 1 text" in odd.err

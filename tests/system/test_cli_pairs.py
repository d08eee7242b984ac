"""Translation on the command line: two files in, a model folder, and answers line by line."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

import munjang
from tests.system.commands import call, invoke, run

NAMES = {"1": "하나", "2": "둘", "3": "셋", "4": "넷", "5": "다섯", "6": "여섯"}
SETTINGS = (
    "tokenizer.source.name=characters",
    "tokenizer.target.name=words",
    "model.dim=24",
    "model.hidden_dim=32",
    "model.dropout=0",
    "model.embedding_dropout=0",
    "translate.label_smoothing=0",
    "translate.samples=1",
    "training.epochs=14",
    "training.batch_size=16",
    "training.batch_tokens=null",
    "training.learning_rate=0.01",
    "training.threads=1",
)


def random_digits(count: int, seed: int) -> list[str]:
    """Digits without spaces, such as 3124."""
    draw = random.Random(seed)
    return ["".join(draw.choices("123456", k=draw.randint(1, 5))) for _ in range(count)]


def spell_out(digits: str) -> str:
    return " ".join(NAMES[digit] for digit in digits)


def write_lines(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.src, train.trg, test.src, test.trg."""
    folder = tmp_path_factory.mktemp("digits")
    for part, count in (("train", 500), ("test", 60)):
        texts = random_digits(count, seed=count)
        write_lines(folder / f"{part}.src", texts)
        write_lines(folder / f"{part}.trg", [spell_out(text) for text in texts])
    return folder


@pytest.fixture(scope="module")
def trained(files: Path) -> Path:
    """A folder, and what its training wrote beside it: out.txt and err.txt."""
    options = [part for setting in SETTINGS for part in ("--set", setting)]
    result = invoke(
        "train", "--task", "translate", "--model", "attentive", "--source", files / "train.src",
        "--target", files / "train.trg", "--out", files / "model", *options,
    )  # fmt: skip
    assert result.code == 0, result.err
    (files / "out.txt").write_text(result.out, encoding="utf-8")
    (files / "err.txt").write_text(result.err, encoding="utf-8")
    return files / "model"


def test_train_reports_data_and_shows_sample_answers(trained: Path) -> None:
    err = (trained.parent / "err.txt").read_text(encoding="utf-8")
    assert "read 500 pairs of" in err
    assert "pairs to train on" in err
    assert "chrF" in err
    assert "(reference: " in err
    out = (trained.parent / "out.txt").read_text(encoding="utf-8")
    assert "exact match" in out
    assert "munjang predict" in out
    records = (trained / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    samples = [r for r in map(json.loads, records) if r["part"] == "samples"]
    assert set(samples[0]["samples"][0]) == {"source", "reference", "answer"}


def test_folder_holds_two_vocabularies_and_loads_in_python(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert {"tokenizer.json", "target_tokenizer.json", "target_vocabulary.json"} <= names
    assert "text with a text" in (trained / "README.md").read_text(encoding="utf-8")
    model = munjang.load(trained)
    assert [a.text for a in model.predict(["12", "", "345"])] == ["하나 둘", "", "셋 넷 다섯"]


def test_predictions_are_one_line_per_line_in_order(trained: Path, files: Path) -> None:
    texts = ["123", "", "6", "55", "4321"]
    by_pipe = run("predict", trained, "--input", "-", stdin="".join(f"{t}\n" for t in texts))
    by_file = invoke("predict", trained, "--input", write_lines(files / "some.txt", texts))
    assert by_pipe.out == by_file.out
    assert by_pipe.out.split("\n")[:-1] == [spell_out(text) for text in texts]
    assert invoke("predict", trained, *texts[2:]).out.split("\n")[:-1] == list(
        map(spell_out, texts[2:])
    )


def test_nbest_prints_row_and_score_best_first(trained: Path) -> None:
    result = invoke("predict", trained, "12", "34", "--nbest", "3")
    rows = [line.split("\t") for line in result.out.split("\n")[:-1]]
    assert [row[0] for row in rows] == ["1"] * 3 + ["2"] * 3
    assert rows[0][2] == "하나 둘"
    for start in (0, 3):
        scores = [float(row[1]) for row in rows[start : start + 3]]
        assert scores == sorted(scores, reverse=True)


def test_blank_line_gets_an_empty_answer(trained: Path) -> None:
    texts = ["12", "", " ", "\t", "\u3000", "\xa0", "34"]
    result = invoke(
        "predict", trained, "--input", "-", stdin="".join(f"{text}\n" for text in texts)
    )
    assert result.out.split("\n") == ["하나 둘", *[""] * 5, "셋 넷", ""]
    result = invoke("predict", trained, "--nbest", "2", *texts)
    rows = [line.split("\t") for line in result.out.split("\n")[:-1]]
    assert [row for row in rows if row[0] in "23456"] == [[n, "0.0000", ""] for n in "23456"]
    assert [row[0] for row in rows if row[0] in "17"] == ["1", "1", "7", "7"]


def test_json_has_scores_and_alignments(trained: Path) -> None:
    result = invoke("predict", trained, "1234", "--json", "--align", "--beam", "2", "--nbest", "2")
    actual = json.loads(result.out)
    assert (actual["row"], actual["answer"], actual["truncated"]) == (1, "하나 둘 셋 넷", False)
    best = actual["candidates"][0]
    assert len(actual["candidates"]) == 2
    assert best["finished"]
    assert best["log_probability"] < 0
    positions = [(link["start"], link["end"]) for link in best["alignment"]]
    assert len(positions) == 4
    assert [link["answer"].strip() for link in best["alignment"]] == ["하나", "둘", "셋", "넷"]
    assert all("1234"[start:end] == link["source"] for (start, end), link
               in zip(positions, best["alignment"], strict=True))  # fmt: skip
    assert (
        "alignment"
        not in json.loads(invoke("predict", trained, "12", "--json").out)["candidates"][0]
    )


def test_sampling_follows_the_seed(trained: Path) -> None:
    drawn = [
        invoke("predict", trained, "135", "--seed", seed, "--nbest", "4",
               "--set", "decoding.method=sample", "--set", "decoding.temperature=3").out
        for seed in (1, 1, 2)
    ]  # fmt: skip
    assert drawn[0] == drawn[1] != drawn[2]


def test_evaluate_equals_sacrebleu_of_written_hypotheses(trained: Path, files: Path) -> None:
    pairs = ("--source", files / "test.src", "--target", files / "test.trg")
    result = invoke("evaluate", trained, *pairs, "--hypotheses", files / "found.txt", "--json")
    scores = json.loads(result.out)
    answers = (files / "found.txt").read_text(encoding="utf-8").split("\n")[:-1]
    expected = (files / "test.trg").read_text(encoding="utf-8").split("\n")[:-1]
    assert scores["rows"] == len(answers) == 60
    assert scores["bleu"] == pytest.approx(BLEU().corpus_score(answers, [expected]).score)
    assert scores["chrf"] == pytest.approx(CHRF().corpus_score(answers, [expected]).score)
    assert scores["exact_match"] == sum(map(str.__eq__, answers, expected)) / 60 >= 0.9
    assert "tok:13a" in scores["signatures"][0]
    assert invoke("predict", trained, "--input", files / "test.src").out.split("\n")[:-1] == answers


def test_long_text_is_truncated_with_a_note_or_refused(trained: Path) -> None:
    long = "12" * 3000
    result = invoke("predict", trained, long)
    assert result.code == 0
    assert "longer than the model reads" in result.err
    model = munjang.load(trained)
    recipe = model.recipe.with_section("tokenizer", long_sources="refuse")
    refusing = replace(model, recipe=recipe, input=replace(model.input, recipe=recipe))
    with pytest.raises(munjang.MunjangError, match=r"row 2.*6,000 tokens.*up to 256"):
        refusing.predict(["12", long])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "a"), "--source and --target go together"),
        (("data.tsv", "--source", "a", "--target", "b"), "not both"),
        ((), "give DATA"),
        (("--source", "a", "--target", "b", "--task", "classify"), "are for the task translate"),
        (
            ("x.tsv", "--model", "cnn"),
            "the task translate on the input parallel takes seq2seq, attentive",
        ),
        (("x.tsv", "--set", "decoding.nbest=9"), "nbest (9) should be at most beam"),
        (
            ("x.tsv", "--set", "training.metric=accuracy"),
            "for translate it should be 'chrf', 'bleu'",
        ),
        (("x.tsv", "--set", "training.length_buckets=10,20"), "pairs have two lengths"),
        (
            ("x.tsv", "--model", "seq2seq", "--set", "translate.copy_unknown=true"),
            "seq2seq has no attention to copy by",
        ),
        (("x.tsv", "--vectors", "v.vec"), "vectors"),
    ],
)
def test_errors_are_one_line(
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    result = call(
        capsys, "train", "--task", "translate", *arguments, "--out", tmp_path / "m", "--quiet"
    )
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_misaligned_files_are_refused(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = write_lines(tmp_path / "short.trg", ["하나"])
    result = call(
        capsys, "train", "--task", "translate", "--source", files / "train.src", "--target", short,
        "--out", tmp_path / "m", "--quiet",
    )  # fmt: skip
    assert result.code == 2
    assert "500" in result.err
    assert result.err.count("\n") == 1


def test_killed_training_resumes_to_same_weights(files: Path, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def at_step_9(step: object) -> None:
        if step.number == 9:  # type: ignore[attr-defined]
            raise KilledError

    def fit(folder: str, **more: object) -> None:
        munjang.train(
            munjang.AlignedFiles(files / "train.src", files / "train.trg"), task="translate",
            model="transformer", out=tmp_path / folder,
            overrides=["training.max_steps=14", "training.checkpoint_steps=2", "model.dim=16",
                       "model.layers=1", "training.batch_tokens=200", "training.threads=1"],
            **more,
        )  # fmt: skip

    fit("whole")
    with pytest.raises(KilledError):
        fit("stopped", on_step=at_step_9)
    fit("stopped", resume=True)
    weights = [(tmp_path / f / "model.safetensors").read_bytes() for f in ("whole", "stopped")]
    assert weights[0] == weights[1]

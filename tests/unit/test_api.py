"""Training, resuming and judging from Python: what goes in, what comes out, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from torch import Tensor

from munjang.api import Trained, evaluate, load, train
from munjang.errors import ConfigError, DataError, FolderError, MunjangError
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, TOKENIZER, VOCABULARY, WEIGHTS
from munjang.training.loop import Step
from tests.architectures import ARCHITECTURES
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, METRICS_FILE, CARD)
SHORT = [*QUICK, "training.epochs=2"]


class CallbackError(Exception):
    """Something in a callback went wrong."""


def get_weights(trained: Trained) -> dict[str, Tensor]:
    return trained.model.network.state_dict()


def assert_same_weights(one: Trained, other: Trained) -> None:
    expected = get_weights(other)
    assert get_weights(one).keys() == expected.keys()
    for name, tensor in get_weights(one).items():
        assert torch.equal(tensor, expected[name]), name


def fail_at(number: int) -> Callable[[Step], None]:
    def fail(step: Step) -> None:
        if step.number == number:
            raise CallbackError

    return fail


WIDE = {
    "transformer": ["model.dim=32"],
    "bert": ["model.dim=32", "model.layers=2", "training.learning_rate=0.01"],
}


@pytest.mark.parametrize("korean", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_model_learns_in_memory(name: str, korean: bool) -> None:
    seen: list[Step] = []
    # one word tells a class, so none is dropped
    small = ["model.token_dropout=0", *([] if name == "mean" else ["model.bag_dim=0"])]
    # without gates a state saturates under steps that large
    shorter = ["training.learning_rate=0.005"] if name == "rnn" else []
    # heads share dim, and of 8 four would have a single pair of numbers each to turn
    wide = WIDE.get(name, [])
    overrides = [*QUICK, *small, *shorter, *wide, "model.ngram_buckets=64"]
    trained = train(
        make_corpus(korean=korean), model=name, overrides=overrides, on_step=seen.append
    )
    assert trained.scores.accuracy == 1.0
    assert trained.folder is None
    assert trained.model.labels == ("bad", "good", "so-so")
    assert [step.number for step in seen] == list(range(1, seen[0].total + 1))
    training = trained.metrics["training"]
    assert training["steps"] == len(seen)
    assert training["rows"] + training["valid_rows"] == 120
    assert training["parameters"] == sum(t.numel() for t in trained.model.network.parameters())
    assert len(trained.metrics["history"]) == 6
    learned = "characters" if korean else "words"
    assert trained.model.recipe.tokenizer.name == {"bert": "bert_wordpiece"}.get(name, learned)
    text = "영화 최고" if korean else "a lovely film"
    assert trained.model.predict(text)[0].label == "good"


def test_same_seed_gives_same_weights_and_another_seed_others() -> None:
    first, repeated, other = (
        train(make_corpus(), model="cnn", overrides=SHORT, seed=seed) for seed in (3, 3, 4)
    )
    assert_same_weights(first, repeated)
    assert not torch.equal(
        get_weights(first)["encoder.convolutions.0.weight"],
        get_weights(other)["encoder.convolutions.0.weight"],
    )


def test_global_random_state_is_not_used_or_changed() -> None:
    runs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        runs.append(train(make_corpus(), model="cnn", overrides=SHORT))
        assert torch.equal(torch.get_rng_state(), state)
    assert_same_weights(*runs)


def test_folder_holds_model_and_log_only(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    trained = train(make_corpus(), model="mean", overrides=SHORT, out=str(out))
    assert trained.folder == out
    names = {path.name for path in out.iterdir()}
    assert names == {*FILES, "manifest.json", "metrics.jsonl", "tensorboard"}
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [r["accuracy"] for r in records if r["part"] == "valid"] == [
        record["accuracy"] for record in trained.metrics["history"]
    ]
    saved = load(out)
    assert saved.predict("lovely") == trained.model.predict("lovely")
    assert saved.metrics["validation"]["accuracy"] == trained.scores.accuracy


def test_best_step_is_kept() -> None:
    overrides = [*QUICK, "training.learning_rate=0.3", "training.metric=log_loss"]
    trained = train(make_corpus(), model="cnn", overrides=overrides)
    history = trained.metrics["history"]
    best = min(history, key=lambda record: record["log_loss"])
    assert trained.metrics["training"]["best_step"] == best["step"]
    assert trained.scores.log_loss == pytest.approx(best["log_loss"])


@pytest.mark.parametrize(
    ("name", "extra", "stop"),
    [
        ("mean", ["model.ngrams=2", "model.ngram_min_frequency=2", "model.ngram_buckets=50"], 9),
        ("cnn", ["training.average_after=0.0", "training.embedding_optimizer=adagrad"], 28),
        ("lstm", ["model.bag_dim=4", "model.bag_buckets=50"], 17),
        ("transformer", ["model.positions=learned", "model.dropout=0.3"], 17),
    ],
)
def test_interrupted_training_resumes_to_same_weights(
    name: str, extra: list[str], stop: int, tmp_path: Path
) -> None:
    common = {
        "model": name,
        "overrides": [*SHORT, "training.epochs=3", "training.checkpoint_steps=4", *extra],
    }
    with pytest.raises(CallbackError):
        train(make_corpus(), out=tmp_path / "a", on_step=fail_at(stop), **common)
    assert not (tmp_path / "a" / "manifest.json").exists()
    steps: list[int] = []
    resumed = train(
        make_corpus(),
        out=tmp_path / "a",
        resume=True,
        on_step=lambda step: steps.append(step.number),
        **common,
    )
    assert steps[0] == (stop - 1) // 4 * 4 + 1
    whole = train(make_corpus(), out=tmp_path / "b", **common)
    assert_same_weights(resumed, whole)
    for file in ("model.safetensors", "vocabulary.json", "config.yaml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    history = [{**record, "seconds": 0} for record in resumed.metrics["history"]]
    assert history == [{**record, "seconds": 0} for record in whole.metrics["history"]]


def test_resume_without_checkpoint_starts_anew(tmp_path: Path) -> None:
    first = train(make_corpus(), model="mean", overrides=SHORT, out=tmp_path / "a", resume=True)
    assert_same_weights(first, train(make_corpus(), model="mean", overrides=SHORT))


@pytest.mark.parametrize(
    "change",
    [
        {"data": make_corpus(seed=1)},
        {"overrides": [*SHORT, "training.checkpoint_steps=3", "model.dim=9"]},
        {"seed": 1},
        {"tokenizer": "characters"},
        {"model": "cnn"},
    ],
    ids=["data", "setting", "seed", "tokenizer", "model"],
)
def test_resume_of_another_run_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    same = {
        "data": make_corpus(),
        "model": "mean",
        "overrides": [*SHORT, "training.checkpoint_steps=3"],
    }
    with pytest.raises(CallbackError):
        train(**same, out=tmp_path, on_step=fail_at(5))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert "config.yaml" in before
    with pytest.raises(FolderError, match="made with other data or settings"):
        train(**{**same, **change}, out=tmp_path, resume=True)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}


def test_resume_with_other_threads_and_checkpoint_steps(tmp_path: Path) -> None:
    same = {"data": make_corpus(), "model": "mean", "out": tmp_path}
    often = [*SHORT, "training.checkpoint_steps=3"]
    with pytest.raises(CallbackError):
        train(**same, overrides=often, on_step=fail_at(5))
    steps: list[int] = []
    other = [*SHORT, "training.checkpoint_steps=2", "training.threads=1"]
    train(**same, overrides=other, resume=True, on_step=lambda step: steps.append(step.number))
    assert steps[0] == 4


def test_valid_data() -> None:
    valid = make_corpus(30, seed=9)
    trained = train(make_corpus(), model="mean", overrides=QUICK, valid=valid)
    assert trained.scores.rows == 30
    assert trained.metrics["training"]["rows"] == 120
    assert evaluate(trained.model, valid) == trained.scores


def test_unseen_validation_label_is_named() -> None:
    texts, labels = make_corpus(30, seed=9)
    labels[4] = "weird"
    with pytest.raises(DataError, match="row 5: the label 'weird' was never seen in training"):
        train(make_corpus(), model="mean", overrides=QUICK, valid=(texts, labels))


def write_corpus(path: Path, *, columns: tuple[str, str] = ("text", "label")) -> Path:
    pl.DataFrame(dict(zip(columns, make_corpus(), strict=True))).write_csv(path, separator="\t")
    return path


def test_files_are_read_and_inferences_reported(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "reviews.tsv", columns=("document", "class"))
    lines: list[str] = []
    trained = train(
        path,
        model="mean",
        overrides=SHORT,
        text_column="document",
        label_column="class",
        out=tmp_path / "model",
        report=lines.append,
    )
    assert any("read 120 rows of" in line and "reviews.tsv" in line for line in lines)
    assert any(line.startswith("model: mean,") for line in lines)
    data = trained.model.recipe.data
    assert (data.text_column, data.label_column) == ("document", "class")
    # the columns that the model was trained with are found again
    assert evaluate(tmp_path / "model", path).rows == 120
    with pytest.raises(DataError, match="nothing"):
        evaluate(tmp_path / "model", path, text_column="nothing")


def test_saved_config_trains_same_model(tmp_path: Path) -> None:
    first = train(make_corpus(), model="cnn", overrides=SHORT, seed=5, out=tmp_path / "model")
    repeated = train(make_corpus(), config=tmp_path / "model" / "config.yaml")
    assert_same_weights(first, repeated)


def test_arguments_override_config_and_overrides_win(tmp_path: Path) -> None:
    config = {
        "seed": 1,
        "model": {"name": "lstm", "dim": 5},
        "training": {"epochs": 9},
        "tokenizer": {"name": "jamo"},
    }
    recipe = train(
        make_corpus(),
        config=config,
        overrides=["training.epochs=1", "training.threads=1"],
        seed=2,
        tokenizer="characters",
    ).model.recipe
    assert (recipe.model_name, recipe.model.dim) == ("lstm", 5)
    assert (recipe.seed, recipe.training.epochs) == (2, 1)
    assert recipe.tokenizer.name == "characters"
    overrides = ["training.epochs=1", "training.threads=1"]
    typed = train(make_corpus(), model="mean", config=config, overrides=overrides)
    assert typed.model.recipe.model_name == "mean"
    set_last = train(
        make_corpus(), model="cnn", config=config, overrides=[*overrides, "model.name=mean"]
    )
    assert set_last.model.recipe.model_name == "mean"


def test_finished_model_is_replaced_only_if_asked(tmp_path: Path) -> None:
    quick = {"model": "mean", "overrides": SHORT, "out": tmp_path / "m"}
    train(make_corpus(), **quick)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "m").iterdir()}
    for resume in (False, True):
        with pytest.raises(FolderError, match=r"a finished model is here already; .* --overwrite"):
            train(make_corpus(), **quick, resume=resume)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "m").iterdir()} == before
    (tmp_path / "m" / "notes.txt").write_text("mine")
    other = train(make_corpus(korean=True), **quick, overwrite=True)
    assert load(tmp_path / "m").predict("최고") == other.model.predict("최고")
    assert (tmp_path / "m" / "notes.txt").read_text() == "mine"


def test_unfinished_run_is_resumed_or_replaced_as_asked(tmp_path: Path) -> None:
    quick = {"model": "mean", "overrides": [*SHORT, "training.checkpoint_steps=2"], "out": tmp_path}
    with pytest.raises(CallbackError):
        train(make_corpus(), **quick, on_step=fail_at(6))
    with pytest.raises(FolderError, match="an unfinished training is here; --resume"):
        train(make_corpus(), **quick)
    steps: list[int] = []
    train(make_corpus(), **quick, overwrite=True, on_step=lambda step: steps.append(step.number))
    assert steps[0] == 1


def test_overwrite_with_resume_continues_the_new_run(tmp_path: Path) -> None:
    quick = {"model": "mean", "overrides": [*SHORT, "training.checkpoint_steps=2"], "out": tmp_path}
    with pytest.raises(CallbackError):
        train(make_corpus(), **quick, on_step=fail_at(6))
    steps: list[int] = []
    train(
        make_corpus(),
        **quick,
        overwrite=True,
        resume=True,
        on_step=lambda step: steps.append(step.number),
    )
    assert steps[0] == 5


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "names", [["notes.txt"], ["README.md", "setup.py"], ["config.yaml", ".git"]]
)
def test_folder_with_foreign_files_is_refused(
    names: list[str], overwrite: bool, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(FolderError, match="this folder holds other files"):
        train(make_corpus(), model="mean", overrides=SHORT, out=tmp_path, overwrite=overwrite)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        names, "mine"
    )


@pytest.mark.parametrize("resume", [False, True])
def test_file_with_name_of_model_file_is_not_overwritten(resume: bool, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(FolderError, match=r"other files \(README\.md\)"):
        train(make_corpus(), model="mean", overrides=SHORT, out=tmp_path, resume=resume)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_foreign_files_beside_a_run_are_overwritten_only_if_asked(tmp_path: Path) -> None:
    for name in ("metrics.jsonl", "notes.txt"):
        (tmp_path / name).write_text("")
    quick = {"model": "mean", "overrides": SHORT, "out": tmp_path}
    with pytest.raises(FolderError, match=r"other files \(notes\.txt\)"):
        train(make_corpus(), **quick)
    train(make_corpus(), **quick, overwrite=True)
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize(
    "left",
    [
        ["config.yaml", "metrics.jsonl"],
        ["config.yaml", "metrics.jsonl", "checkpoint.safetensors.partial"],
        ["config.yaml.partial", "metrics.jsonl"],
        [*FILES, "metrics.jsonl"],
        [],
    ],
)
def test_leftovers_of_an_early_kill_are_ignored(left: list[str], tmp_path: Path) -> None:
    for name in left:
        (tmp_path / name).write_text("half a")
    train(make_corpus(), model="mean", overrides=SHORT, out=tmp_path)
    assert not list(tmp_path.glob("*.partial"))
    assert load(tmp_path).predict("lovely")


def test_invalid_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    quick = {"model": "mean", "overrides": SHORT}
    with pytest.raises(FolderError, match="expected a folder to write the model to"):
        train(make_corpus(), **quick, out=tmp_path / "file")
    with pytest.raises(FolderError, match="cannot make this folder: Not a directory"):
        train(make_corpus(), **quick, out=tmp_path / "file" / "below")
    with pytest.raises(ConfigError, match="resume: expected the folder"):
        train(make_corpus(), **quick, resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "lstn"}, "unknown model 'lstn'; did you mean 'lstm'?"),
        ({"tokenizer": "wrods"}, "did you mean 'words'?"),
        ({"task": "clasify"}, "unknown task 'clasify'; did you mean 'classify'?"),
        ({"overrides": ["model.dmi=3"]}, "unknown setting 'dmi'; did you mean 'dim'?"),
        ({"overrides": ["dim"]}, "--set: expected key=value"),
        ({"config": "no/such.yaml"}, "cannot read this config file"),
        ({"config": {"model": "cnn"}, "model": None}, "model: expected settings such as"),
        ({"overrides": ["training.device=quantum"]}, "expected cpu, cuda"),
        ({"overrides": ["training.device=cuda"]}, "this machine has no usable GPU"),
        ({"overrides": ["classify.loss=binary_crossentropy"]}, "for two classes, the data has 3"),
        ({"overrides": ["classify.class_weights={good: 2}"]}, "missing: bad, so-so"),
        ({"data": (["a", "b"], ["x", "x"])}, "at least two classes"),
        ({"data": ([], [])}, ""),
        ({"data": (["a", None], ["x", "y"])}, ""),
        ({"data": "no/such.csv"}, "no/such.csv"),
    ],
)
def test_errors_are_one_line_and_leave_no_folder(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    if "device=cuda" in str(change) and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    arguments = {"data": make_corpus(), "model": "mean", "out": tmp_path / "m", **change}
    with pytest.raises(MunjangError) as caught:
        train(**arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_divergence_names_learning_rate(tmp_path: Path) -> None:
    overrides = [
        *SHORT,
        "training.learning_rate=1e35",
        "training.clip_norm=null",
        "training.warmup=0.9",
    ]
    with pytest.raises(ConfigError, match=r"training\.learning_rate: training diverged at step"):
        train(make_corpus(), model="mean", overrides=overrides, out=tmp_path / "m")


def test_evaluate_counts_skipped_rows_and_names_unknown_labels() -> None:
    trained = train(make_corpus(), model="mean", overrides=QUICK)
    with pytest.raises(DataError, match="the label 'new' was never seen"):
        evaluate(trained.model, (["a", "b"], ["good", "new"]))
    lines: list[str] = []
    scores = evaluate(
        trained.model,
        (["lovely", None, "awful"], ["good", "good", "bad"]),
        skip_bad_rows=True,
        report=lines.append,
    )
    assert scores.rows == 2
    assert any(line.startswith("skipped 1 row:") for line in lines)

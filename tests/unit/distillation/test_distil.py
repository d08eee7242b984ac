"""Distillation from Python: teachers, their answers, what is read, and how runs go on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munjang
from munjang.distillation import soft_targets
from munjang.distillation import teachers as teachers_module
from munjang.distillation.run import Distilled, distil
from munjang.distillation.teachers import load_teachers
from munjang.errors import ConfigError, DataError, FolderError
from munjang.folder.replacement import SOFT_TARGETS
from munjang.model import Model
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

STUDENT = [*QUICK, "model.dim=4", "training.threads=1"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned the made corpus."""
    out = tmp_path_factory.mktemp("teachers") / "one"
    munjang.train(make_corpus(240), model="mean", overrides=QUICK, out=out)
    return out


@pytest.fixture(scope="module")
def second_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher of the same labels that has learned less."""
    out = tmp_path_factory.mktemp("teachers") / "two"
    munjang.train(make_corpus(60, seed=5), model="mean", seed=3, overrides=QUICK, out=out)
    return out


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """300 texts without labels."""
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(make_corpus(300, seed=9)[0]) + "\n", encoding="utf-8")
    return path


def distil_student(teacher: Any, *data: Any, **more: Any) -> Distilled:
    return distil(teacher, *data, model="mean", overrides=STUDENT, **more)


def test_student_learns_from_unlabeled_texts(teacher: Path, texts: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    student = distil_student(teacher, texts, out=tmp_path / "s", report=lines.append)
    _, evaluated = student.comparison.models
    assert evaluated.agreement["accuracy"] > 0.9
    assert evaluated.metrics == {}
    assert any("without labels" in line for line in lines)
    model = munjang.load(tmp_path / "s")
    assert isinstance(model, Model)
    assert model.recipe.task == "classify"
    assert model.labels == munjang.load(teacher).labels  # type: ignore[union-attr]
    assert model.recipe.distillation is not None
    assert model.recipe.distillation.teachers == (str(teacher),)
    assert not (tmp_path / "s" / SOFT_TARGETS).exists()
    card = (tmp_path / "s" / "README.md").read_text()
    assert "## Its teachers" in card
    assert "this model" in card
    assert munjang.evaluate(tmp_path / "s", make_corpus(60, seed=2)).metrics["accuracy"] > 0.9


def test_soft_targets_are_mean_of_teachers(
    teacher: Path, second_teacher: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def keep(targets: Any, columns: int, answers: Any) -> Any:
        filled = soft_targets.fill_in_memory(targets, columns, answers)
        seen.append((filled.copy(), columns))
        return filled

    monkeypatch.setattr("munjang.distillation.student.fill_in_memory", keep)
    result = distil_student([teacher, second_teacher], texts)
    [(filled, columns)] = seen
    models = [munjang.load(folder) for folder in (teacher, second_teacher)]
    lines = texts.read_text(encoding="utf-8").splitlines()
    expected = np.mean([model.predict_proba(lines) for model in models], axis=0)  # type: ignore[union-attr]
    # the rows are those of the texts in an order of their own
    np.testing.assert_allclose(
        np.sort(filled[:, :columns], axis=0), np.sort(expected, axis=0), rtol=1e-4
    )
    assert [model.name for model in result.comparison.models][2] == "mean of the teachers"


def test_labeled_rows_are_learned_and_scored(teacher: Path, texts: Path) -> None:
    student = distil_student(teacher, texts, data=make_corpus(120, seed=4))
    first, last = student.comparison.models
    assert student.comparison.labeled
    assert first.metrics["accuracy"] > 0.9
    assert last.metrics["accuracy"] > 0.9
    assert last.metrics == student.trained.scores.metrics


def test_same_seed_gives_same_student_for_any_block_size(
    teacher: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = distil_student(teacher, texts).trained.model.logits(["a lovely film"])
    monkeypatch.setattr(soft_targets, "_ROWS", 7)
    second = distil_student(teacher, texts).trained.model.logits(["a lovely film"])
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)


def test_validation_texts_are_left_out_of_training(teacher: Path, tmp_path: Path) -> None:
    held_out = make_corpus(30, seed=7)
    path = tmp_path / "texts.txt"
    path.write_text("\n".join([*held_out[0], *make_corpus(60, seed=8)[0]]), encoding="utf-8")
    lines: list[str] = []
    student = distil_student(teacher, path, valid=held_out, report=lines.append)
    left_out = next(line for line in lines if line.startswith("left out"))
    assert left_out.startswith("left out 30 ")
    assert student.trained.metrics["training"]["rows"] == 60


def test_unlabeled_texts_that_are_all_validation_rows_are_refused(
    teacher: Path, tmp_path: Path
) -> None:
    held_out = make_corpus(30, seed=7)
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(held_out[0]), encoding="utf-8")
    with pytest.raises(DataError, match="none to learn from"):
        distil_student(teacher, path, valid=held_out)


class Stop(KeyboardInterrupt):
    """Ctrl-C at a moment of the test's choice."""


@pytest.fixture
def answered_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each call of the teachers, in parts of 50 rows."""
    calls: list[int] = []
    whole = teachers_module.average

    def average(teachers: Any, rows: Any, labels: Any) -> Any:
        calls.append(len(rows))
        return whole(teachers, rows, labels)

    monkeypatch.setattr(soft_targets, "average", average)
    monkeypatch.setattr(soft_targets, "_ROWS", 50)
    return calls


def test_stopped_run_computes_soft_targets_once(
    teacher: Path,
    texts: Path,
    tmp_path: Path,
    answered_rows: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed = distil_student(teacher, texts, out=tmp_path / "whole")
    assert sum(answered_rows) == 300
    answered_rows.clear()
    original = soft_targets.average

    def stop_at_third(*args: Any) -> Any:
        if len(answered_rows) == 2:
            raise Stop
        return original(*args)

    monkeypatch.setattr(soft_targets, "average", stop_at_third)
    with pytest.raises(Stop):
        distil_student(teacher, texts, out=tmp_path / "s")
    assert sum(answered_rows) == 100
    assert (tmp_path / "s" / SOFT_TARGETS).exists()
    with pytest.raises(FolderError, match="--resume"):
        distil_student(teacher, texts, out=tmp_path / "s")
    monkeypatch.setattr(soft_targets, "average", original)
    answered_rows.clear()
    lines: list[str] = []
    resumed = distil_student(teacher, texts, out=tmp_path / "s", resume=True, report=lines.append)
    assert sum(answered_rows) == 200
    assert any("100 of 300 rows were answered" in line for line in lines)
    whole, repeated = (d.trained.folder / "model.safetensors" for d in (undisturbed, resumed))
    assert whole.read_bytes() == repeated.read_bytes()


def test_run_stopped_in_training_is_resumed(
    teacher: Path, texts: Path, tmp_path: Path, answered_rows: list[int]
) -> None:
    undisturbed = distil_student(teacher, texts, out=tmp_path / "whole")
    answered_rows.clear()

    def stop_at(step: Any) -> None:
        if step.number == 2:
            raise Stop

    more = [*STUDENT, "training.checkpoint_steps=1"]
    with pytest.raises(Stop):
        distil(teacher, texts, model="mean", overrides=more, out=tmp_path / "s", on_step=stop_at)
    assert sum(answered_rows) == 300
    resumed = distil_student(teacher, texts, out=tmp_path / "s", resume=True)
    assert sum(answered_rows) == 300
    whole, repeated = (d.trained.folder / "model.safetensors" for d in (undisturbed, resumed))
    assert whole.read_bytes() == repeated.read_bytes()


def test_soft_targets_of_other_texts_are_not_reused(
    teacher: Path, texts: Path, tmp_path: Path, answered_rows: list[int]
) -> None:
    def stop(step: Any) -> None:
        raise Stop

    with pytest.raises(Stop):
        distil_student(teacher, texts, out=tmp_path / "s", on_step=stop)
    texts.write_text(texts.read_text(encoding="utf-8") + "one more\n", encoding="utf-8")
    answered_rows.clear()
    distil_student(teacher, texts, out=tmp_path / "s", resume=True)
    assert sum(answered_rows) == 301


def test_teachers_are_averaged_by_label_name(teacher: Path, tmp_path: Path) -> None:
    one = load_teachers([str(teacher)])[0]
    rows = type(one.model.input).read(
        make_corpus(6), one.model.recipe, type(one.task).reader(one.model.recipe), print
    )
    backwards = tuple(reversed(one.labels))
    np.testing.assert_array_equal(
        one.answer(rows, backwards), one.answer(rows, one.labels)[:, ::-1]
    )


def test_regression_student(tmp_path: Path) -> None:
    texts, labels = make_corpus(200)
    numbers = [{"good": 9.0, "bad": 1.0}.get(label, 5.0) for label in labels]
    munjang.train(
        (texts, numbers), task="regress", model="mean", overrides=QUICK, out=tmp_path / "t"
    )
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(make_corpus(200, seed=3)[0]), encoding="utf-8")
    student = distil(tmp_path / "t", path, model="mean", overrides=QUICK, out=tmp_path / "s")
    assert student.comparison.models[-1].agreement["spearman"] > 0.8
    with pytest.raises(ConfigError, match="temperature"):
        distil(tmp_path / "t", path, model="mean", temperature=2.0)


def test_multilabel_student(tmp_path: Path) -> None:
    texts, labels = make_corpus(200)
    sets = [
        [label, "long"] if len(text) > 25 else [label]
        for text, label in zip(texts, labels, strict=True)
    ]
    munjang.train(
        (texts, sets), task="multilabel", model="mean", overrides=QUICK, out=tmp_path / "t"
    )
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(make_corpus(200, seed=3)[0]), encoding="utf-8")
    student = distil(tmp_path / "t", path, model="mean", overrides=QUICK, out=tmp_path / "s")
    assert student.comparison.models[-1].agreement["micro_f1"] > 0.8


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"config": {"task": "regress"}}, "task: the teacher .* has classify"),
        ({"temperature": 0.0}, "temperature"),
        ({"soft_weight": 1.5}, "soft_weight"),
        ({"model": "seq2seq"}, "seq2seq"),
    ],
)
def test_incompatible_settings_are_refused(
    teacher: Path, texts: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        distil(teacher, texts, **{"model": "mean", **more})


def test_student_begins_from_a_folder(teacher: Path, texts: Path, tmp_path: Path) -> None:
    small = ["model.dim=8", "model.hidden_dim=8", "model.ngrams=1", "training.max_steps=2"]
    begun = munjang.train(
        texts, task="masked_lm", model="gru", overrides=small, out=tmp_path / "pretrained"
    )
    still = ["training.learning_rate=1e-12", "training.embedding_learning_rate=1e-12"]
    overrides = [*STUDENT[:-2], "training.threads=1", "training.max_steps=1", *still]
    student = distil(teacher, texts, from_folder=tmp_path / "pretrained", overrides=overrides)
    assert student.trained.model.recipe.model_name == "gru"
    assert student.trained.model.recipe.pretrained.folder == str(tmp_path / "pretrained")
    before = begun.model.network.state_dict()
    shared = {
        name: value
        for name, value in student.trained.model.network.state_dict().items()
        if name in before and name.startswith(("embedding", "encoder"))
    }
    assert len(shared) > 4
    for name, value in shared.items():
        np.testing.assert_allclose(value, before[name], atol=1e-6, err_msg=name)


def test_missing_texts_are_refused(teacher: Path) -> None:
    with pytest.raises(ConfigError, match="--unlabelled"):
        distil_student(teacher)


def test_teachers_of_other_labels_are_refused(teacher: Path, texts: Path, tmp_path: Path) -> None:
    other, labels = make_corpus(120)
    renamed = ["fine" if label == labels[0] else label for label in labels]
    munjang.train((other, renamed), model="mean", overrides=QUICK, out=tmp_path / "other")
    with pytest.raises(ConfigError, match="more: fine; missing: "):
        distil_student([teacher, tmp_path / "other"], texts)


def test_teacher_without_probabilities_is_refused(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="no such model folder"):
        distil_student(tmp_path / "nothing", texts)
    small = ["model.dim=8", "model.heads=2", "model.layers=1", "training.max_steps=2"]
    munjang.train(texts, task="masked_lm", model="bert", overrides=small, out=tmp_path / "lm")
    with pytest.raises(ConfigError, match="masked_lm"):
        distil_student(tmp_path / "lm", texts)


def test_train_refuses_distillation_section(teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="munjang distil"):
        munjang.train(
            make_corpus(), config={"distillation": {"teachers": [str(teacher)]}}, out=tmp_path / "m"
        )


def test_student_is_not_written_over_a_teacher(
    teacher: Path, second_teacher: Path, texts: Path
) -> None:
    before = (second_teacher / "manifest.json").read_bytes()
    with pytest.raises(ConfigError, match=r"out: .* is the folder of a teacher"):
        distil_student([teacher, second_teacher], texts, out=second_teacher, overwrite=True)
    assert (second_teacher / "manifest.json").read_bytes() == before

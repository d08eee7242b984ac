"""Label issues of a file: flips of synthetic texts are found by models that did not see them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from munjang.api import train
from munjang.config import parse_overrides
from munjang.data.readers import read_table
from munjang.diagnosis.folds import assign_folds
from munjang.diagnosis.label_issues import find_label_issues
from munjang.errors import ConfigError, DataError, FolderError
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")


def flip(labels: Sequence[str], share: float, seed: int = 0) -> tuple[list[str], set[int]]:
    """Labels of which some are another one, and the rows of these."""
    random = np.random.default_rng(seed)
    names = sorted(set(labels))
    chosen = random.choice(len(labels), round(share * len(labels)), replace=False)
    flipped = list(labels)
    for row in chosen.tolist():
        flipped[row] = str(random.choice([name for name in names if name != labels[row]]))
    return flipped, set(chosen.tolist())


# margins of an SVM are no log-odds: they rank rows of several classes less well
@pytest.mark.parametrize(
    ("model", "share"), [("tfidf-characters", 0.9), ("tfidf-words", 0.9), ("nbsvm", 0.6)]
)
def test_flips_are_found_and_the_true_label_is_suggested(model: str, share: float) -> None:
    texts, labels = make_corpus(300, korean=model == "tfidf-characters")
    flipped, rows = flip(labels, 0.05)
    found = find_label_issues((texts, flipped), model=model)
    first = found.issues[: len(rows)]
    hits = [issue for issue in first if issue.row - 1 in rows]
    assert len(hits) >= share * len(rows)
    assert all(issue.suggested == labels[issue.row - 1] for issue in hits)
    assert all(issue.given == flipped[issue.row - 1] for issue in first)
    assert all(issue.text == texts[issue.row - 1] for issue in first)
    assert found.rows == 300
    assert found.pairs()


def test_an_architecture_can_judge() -> None:
    texts, labels = make_corpus(150)
    flipped, rows = flip(labels, 0.05)
    config = parse_overrides([*QUICK, "training.epochs=10"])
    found = find_label_issues((texts, flipped), model="mean", folds=2, config=config)
    first = {issue.row - 1 for issue in found.issues[: len(rows)]}
    assert len(first & rows) >= len(rows) // 2


def test_a_pretrained_encoder_can_judge(tmp_path: Path) -> None:
    texts, labels = make_corpus(150)
    flipped, rows = flip(labels, 0.05)
    config = parse_overrides(["model.dim=16", "model.filters=16", "training.max_steps=5"])
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(texts), encoding="utf-8")
    encoder = train(lines, task="masked_lm", model="cnn", config=config).model
    notes: list[str] = []
    found = find_label_issues(
        (texts, flipped),
        from_folder=encoder,
        folds=2,
        config=parse_overrides(["training.epochs=10"]),
        report=notes.append,
    )
    first = {issue.row - 1 for issue in found.issues[: len(rows)]}
    assert len(first & rows) >= len(rows) // 2
    assert found.model == "cnn from a model folder"
    assert not [line for line in notes if "trained on labels" in line]


def test_several_models_judge_together() -> None:
    texts, labels = make_corpus(300)
    flipped, rows = flip(labels, 0.05)
    config = parse_overrides([*QUICK, "training.max_steps=5"])
    start = train((texts, flipped), model="mean", config=config).model
    found = find_label_issues(
        (texts, flipped),
        model=["nbsvm", "tfidf-words"],
        from_folder=start,
        config=parse_overrides(["training.max_steps=5"]),
    )
    assert found.model == "nbsvm, tfidf-words and mean from a model folder"
    first = {issue.row - 1 for issue in found.issues[: len(rows)]}
    assert len(first & rows) >= 0.8 * len(rows)


def test_a_start_that_knows_labels_is_said() -> None:
    texts, labels = make_corpus(60)
    config = parse_overrides([*QUICK, "training.max_steps=2"])
    start = train((texts, labels), model="mean", config=config).model
    notes: list[str] = []
    options = {"folds": 2, "config": parse_overrides(["training.max_steps=1"])}
    find_label_issues((texts, labels), from_folder=start, report=notes.append, **options)  # type: ignore[arg-type]
    assert "knows the wrong labels, too" in notes[0]


def test_equal_texts_share_a_fold_and_classes_are_spread() -> None:
    texts = (
        ["가나다", " 가나다 ", "가나다"] + [f"text {n}" for n in range(40)] + ["rare 1", "rare 2"]
    )
    labels = ["a", "b", "a"] + ["a", "b"] * 20 + ["c", "c"]
    table = read_table((texts, labels))
    targets = np.array(["abc".index(label) for label in labels])
    for seed in range(5):
        fold = assign_folds(table, targets, 5, seed)
        assert fold[0] == fold[1] == fold[2]
        assert set(fold.tolist()) == set(range(5))
        assert fold[-1] != fold[-2]
        for label in (0, 1):
            counts = np.bincount(fold[targets == label], minlength=5)
            assert counts.max() - counts.min() <= 3


def test_a_class_of_one_text_is_refused_with_its_row() -> None:
    texts, labels = make_corpus(30)
    with pytest.raises(DataError, match=r"row 31: the class 'typo' has 1 distinct text"):
        find_label_issues(([*texts, "only"], [*labels, "typo"]), folds=2)


def test_a_class_of_two_texts_is_enough_for_a_baseline_only() -> None:
    texts, labels = make_corpus(30)
    rows = ([*texts, "rare one", "rare two"], [*labels, "rare", "rare"])
    assert find_label_issues(rows, model="nbsvm").rows == 32
    # a training parts its texts again, into those to learn from and those to validate on
    with pytest.raises(DataError, match=r"row 31: the class 'rare' has 2 .* from 1 .* needs 2"):
        find_label_issues(rows, model=["nbsvm", "mean"])


def test_a_class_of_three_texts_is_enough_for_an_architecture() -> None:
    texts, labels = make_corpus(30)
    rows = ([*texts, "rare 1", "rare 2", "rare 3"], [*labels, "rare", "rare", "rare"])
    config = parse_overrides([*QUICK, "training.max_steps=1"])
    for seed in range(3):
        assert find_label_issues(rows, model="mean", config=config, seed=seed).rows == 33


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed: expected 0 to 2,147,483,647, got -1"),
        ({"seed": 2**31}, "seed: expected 0 to"),
        ({"model": "tfidf-charakters"}, "did you mean 'tfidf-characters'"),
        ({"model": "majority"}, "unknown model 'majority'"),
        ({"folds": 1}, "folds: expected 2 to 100"),
        ({"config": {"model": {"dim": 3}}}, "has no settings"),
        (
            {"model": ["nbsvm", "tfidf-words"], "config": {"model": {"dim": 3}}},
            "nbsvm and tfidf-words have no settings",
        ),
        ({"model": ["nbsvm", "nbsvm"]}, "expected each model once, got nbsvm more than once"),
        ({"model": ["nbsvm", "nbsv"]}, "did you mean 'nbsvm'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_label_issues(make_corpus(12), **options)  # type: ignore[arg-type]


def test_a_start_that_is_not_there_is_refused_before_the_data_is_read() -> None:
    with pytest.raises(FolderError, match="there is no such model folder"):
        find_label_issues("no-such-file.tsv", from_folder="no-such-folder")

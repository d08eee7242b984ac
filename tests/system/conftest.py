"""Slices of real reviews, and a model trained on one by the command line."""

import shutil
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.browsers import BROWSERS
from tests.system.commands import (
    CommandResult,
    copy_head,
    run,
    set_options,
    write_table,
)
from tests.system.comparisons import HOSTILE


@pytest.fixture(scope="session")
def reviews(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 1,500 Korean reviews, TSV with columns id, document, label."""
    into = tmp_path_factory.mktemp("reviews") / "train.tsv"
    return copy_head(data_folder / "nsmc" / "train.tsv", 1501, into)


@pytest.fixture(scope="session")
def more_reviews(reviews: Path, data_folder: Path) -> Path:
    """400 other reviews."""
    return copy_head(data_folder / "nsmc" / "test.tsv", 401, reviews.with_name("test.tsv"))


@pytest.fixture(scope="session")
def training(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CommandResult]:
    """The folder of a trained model, and what the command said."""
    folder = tmp_path_factory.mktemp("models") / "a model"
    columns = ("--text-column", "document", "--label-column", "label")
    contract = ("--task", "classify", "--model", "mean", *columns, "--seed", 7)
    return folder, run("train", reviews, *contract, "--out", folder, *set_options())


@pytest.fixture(scope="session")
def model(training: tuple[Path, CommandResult]) -> Path:
    """The folder of a trained model."""
    folder, result = training
    assert result.code == 0, result.err
    return folder


@pytest.fixture(scope="session")
def hostile_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 texts of three classes, some of which would like to be HTML."""
    texts, labels = make_corpus(120)
    rows = [
        (f"{HOSTILE} {number}" if label == "good" else text, label)
        for number, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    return write_table(tmp_path_factory.mktemp("made") / "data.csv", rows)


@pytest.fixture(scope="session")
def browser() -> str:
    """A headless browser, if there is one."""
    result = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if result is None:
        pytest.skip(f"no browser in PATH: looked for {', '.join(BROWSERS)}")
    return result

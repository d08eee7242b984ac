"""The engine of word vectors: which one is the default, and what each of them refuses."""

from typing import Any

import pytest

from munjang.config import merge
from munjang.defaults.engines import engine_defaults
from munjang.defaults.text import script_defaults
from munjang.errors import ConfigError
from munjang.preparation import prepare
from munjang.recipe import check_given
from munjang.registry import ENGINES, TASKS, EngineRow
from munjang.reporting import discard

MANY = 100_000


@pytest.fixture(autouse=True)
def gensim_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineRow, "is_installed", True)


def default_engine(given: dict[str, Any] | None = None, rows: int = MANY) -> str:
    named = merge({"task": "vectors", "model": {"name": "skipgram"}}, given or {})
    return str(script_defaults(named, "other", rows)["training"]["engine"])


def test_every_task_names_engines_that_exist() -> None:
    for task in TASKS.rows:
        assert task.engines[0] == "munjang"
        assert all(ENGINES.find(name) for name in task.engines)
    for row in ENGINES.rows:
        assert row.load().check_recipe
        assert row.summary


def test_default_is_the_same_on_every_machine() -> None:
    assert default_engine() == "munjang"
    assert default_engine({"training": {"engine": "gensim"}}, rows=400) == "gensim"


def test_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineRow, "is_installed", False)
    with pytest.raises(ConfigError, match=r'pip install "munjang\[gensim\]"') as error:
        ENGINES.require("gensim").require_package()
    assert "\n" not in str(error.value)


def test_a_missing_package_is_told_before_data_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineRow, "is_installed", False)
    with pytest.raises(ConfigError, match="gensim needs the package gensim"):
        prepare(
            "no such file", None, {"task": "vectors", "training": {"engine": "gensim"}}, discard
        )


@pytest.mark.parametrize(
    ("section", "key", "value", "same"),
    [
        ("training", "device", "cuda", "cpu"),
        ("training", "clip_norm", 1.0, None),
        ("training", "embedding_optimizer", "adamw", "adagrad"),
        ("training", "average_best", 3, None),
        ("vectors", "shared_negatives", 8, 64),
        ("model", "subword_scheme", "sum", "fasttext"),
    ],
)
def test_settings_of_another_engine_are_refused(
    section: str, key: str, value: Any, same: Any
) -> None:
    named = {"training": {"engine": "gensim"}}
    assert default_engine(merge({section: {key: same}}, named)) == "gensim"
    given = {section: {key: value}}
    with pytest.raises(ConfigError, match=f"{section}.{key}: the engine gensim has no such"):
        default_engine(merge(given, named))


def test_defaults_of_gensim_are_its_own() -> None:
    given = {"task": "vectors", "model": {"name": "skipgram"}, "training": {"engine": "gensim"}}
    defaults = script_defaults(given, "other", MANY)
    assert defaults["model"]["subword_scheme"] == "fasttext"
    assert defaults["training"]["embedding_learning_rate"] == 0.025
    assert defaults["training"]["threads"] is None


def test_tasks_of_one_engine_have_no_defaults_of_engines() -> None:
    assert engine_defaults({"task": "classify"}, {}) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "classify", "training": {"engine": "gensim"}}, "for classify it should be"),
        ({"task": "vectors", "training": {"engine": "gensin"}}, "'munjang' or 'gensim', got"),
        (
            {"task": "vectors", "training": {"engine": "gensim"}, "vectors": {"negatives": 2.5}},
            "a whole number of negatives, got 2.5",
        ),
        ({"task": "vectors", "model": {"subword_scheme": "fasttext"}}, "set it to sum"),
        (
            {
                "task": "vectors",
                "training": {"engine": "gensim"},
                "model": {"subword_scheme": "sum"},
            },
            "set it to fasttext",
        ),
    ],
)
def test_what_does_not_fit_an_engine_is_refused_in_one_line(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        check_given(given)
    assert "\n" not in str(error.value)

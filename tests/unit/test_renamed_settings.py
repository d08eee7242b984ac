"""Renamed settings: every new name exists, and an old one is told its new name."""

from typing import Any

import pytest

from munjang.config import Settings
from munjang.data.pairs.settings import PairDataSettings
from munjang.errors import ConfigError
from munjang.recipe import check_given, recipe_class
from munjang.registry import ARCHITECTURES, TASKS, inputs_of
from munjang.renamed_settings import RENAMED


def keys_of(settings: type[Settings], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in settings.model_fields.items():
        keys.add(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            keys |= keys_of(kind, f"{prefix}{name}.")
    return keys


KNOWN = {
    key
    for task in TASKS.rows
    for kind in inputs_of(task)
    for key in keys_of(recipe_class(kind.name, task.name))
} | {key for row in ARCHITECTURES.rows for key in keys_of(row.config_class(), "model.")}


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_every_new_name_exists(old: str, new: str) -> None:
    assert new in KNOWN
    assert old not in RENAMED.values()


def given_for(old: str) -> dict[str, Any]:
    section, _, key = old.partition(".")
    parallel = {"translate", "decoding"}
    if section in parallel or old in {"data.max_ratio", "tokenizer.too_long", "tokenizer.shared"}:
        named = {"task": "translate"}
    else:
        named = {"task": "images"} if section == "images" else {}
    return {**named, section: {key: 1}}


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old, new in RENAMED.items() if not old.startswith("model.")]
)
def test_an_old_name_is_told_its_new_one(old: str, new: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_given(given_for(old))
    assert str(caught.value) == f"config: unknown setting '{old}': it is named '{new}' now"


def test_an_old_section_is_told_its_new_name() -> None:
    with pytest.raises(
        ConfigError, match="unknown setting 'vectors': it is named 'pretrained' now"
    ):
        check_given({"vectors": {"fil": "a.vec"}})


def test_a_section_alone_knows_the_names_too() -> None:
    with pytest.raises(ConfigError) as caught:
        PairDataSettings.parse({"max_ratio": 2}, where="data")
    told = "data: unknown setting 'data.max_ratio': it is named 'data.max_length_ratio' now"
    assert str(caught.value) == told


def test_a_new_name_of_another_input_is_not_told() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'tokenizer\.shared'; known: "):
        check_given({"tokenizer": {"shared": True}})

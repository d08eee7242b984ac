"""Renamed settings: every new name exists, and an old one is told its new name."""

from typing import Any

import pytest

from munjang.config import Settings
from munjang.data.pairs.settings import PairDataSettings
from munjang.errors import ConfigError
from munjang.recipe import check_given, recipe_class
from munjang.registry import ARCHITECTURES, TASKS, inputs_of
from munjang.renamed_settings import RENAMED


def list_keys(settings: type[Settings], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in settings.model_fields.items():
        keys.add(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            keys |= list_keys(kind, f"{prefix}{name}.")
    return keys


KNOWN = {
    key
    for task in TASKS.rows
    for kind in inputs_of(task)
    for key in list_keys(recipe_class(kind.name, task.name))
} | {key for row in ARCHITECTURES.rows for key in list_keys(row.config_class(), "model.")}


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_every_new_name_exists(old: str, new: str) -> None:
    assert new in KNOWN
    assert old not in RENAMED.values()


def settings_with(old: str) -> dict[str, Any]:
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
def test_old_name_error_gives_new_name(old: str, new: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_given(settings_with(old))
    assert str(caught.value) == f"config: unknown setting '{old}': it is named '{new}' now"


def test_old_section_error_gives_new_name() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'images': it is named 'image' now"):
        check_given({"input": "image", "images": {"fil": 1}})


def test_section_parsed_alone_gives_new_name() -> None:
    with pytest.raises(ConfigError) as caught:
        PairDataSettings.parse({"max_ratio": 2}, where="data")
    message = "data: unknown setting 'data.max_ratio': it is named 'data.max_length_ratio' now"
    assert str(caught.value) == message


def test_new_name_of_another_input_is_not_suggested() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'tokenizer\.shared'; known: "):
        check_given({"tokenizer": {"shared": True}})

"""Settings: what is refused, in which words, and that YAML brings back what it was given."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.config import (
    Settings,
    collect_settings,
    merge,
    parse_overrides,
    read_yaml,
    suggest_nearest,
    to_yaml,
)
from munjang.errors import ConfigError
from tests.unit.text.strategies import hostile_text


class Inner(Settings):
    """A section."""

    width: int = 3
    names: tuple[str, ...] = ()


class Outer(Settings):
    """A config with a section."""

    inner: Inner = Inner()
    rate: float = 0.5


texts = hostile_text(3).map(lambda text: text[:40])
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts)
sections = st.dictionaries(texts, leaves | st.lists(leaves, max_size=2), max_size=3)
trees = st.dictionaries(texts, leaves | sections, max_size=3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"iner": {}},
            "config: unknown setting 'iner'; did you mean 'inner'?; known: inner, rate",
        ),
        (
            {"inner": {"wdith": 3}},
            "config: unknown setting 'inner.wdith'; did you mean 'width'?; known: names, width",
        ),
        ({"zzz": 1}, "config: unknown setting 'zzz'; known: inner, rate"),
        (
            {"rate": "fast"},
            "config: rate: input should be a valid number, unable to parse string as a number, "
            "got 'fast'",
        ),
        (
            {"inner": {"width": 1.5}},
            "config: inner.width: input should be a valid integer, got a number with a "
            "fractional part, got 1.5",
        ),
        ({"inner": 3}, "config: inner: input should be a valid dictionary, got 3"),
    ],
)
def test_error_names_key_and_value(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Outer.parse(values)
    assert str(caught.value) == words


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Outer().rate = 1.0  # type: ignore[misc]


@given(trees)
@settings(max_examples=60)
def test_yaml_round_trip(tmp_path_factory: Any, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("yaml") / "c.yaml"
    path.write_text(to_yaml(values), encoding="utf-8", newline="\n")
    assert read_yaml(path) == values


def test_yaml_keeps_hangul_and_order() -> None:
    assert to_yaml({"b": "문장", "a": 1}) == "b: 문장\na: 1\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "expected settings as 'key: value' lines, got list"),
        (b"just text", "expected settings as 'key: value' lines, got str"),
        (b"a: [1, 2", "not valid YAML"),
        (b"a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("라벨: 값".encode("cp949"), "not valid YAML"),
        (b"a: \x00", "not valid YAML"),
    ],
)
def test_invalid_yaml_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_empty_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read this config file: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot read this config file"):
        read_yaml(tmp_path)
    (tmp_path / "empty.yaml").touch()
    assert read_yaml(tmp_path / "empty.yaml") == {}


@given(base=trees, over=trees)
@settings(max_examples=60)
def test_merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = repr((base, over))
    merged = merge(base, over)
    assert repr((base, over)) == before
    assert merged.keys() == base.keys() | over.keys()
    for key, value in merged.items():
        below, above = base.get(key), over.get(key)
        if key not in over:
            assert value == below
        elif isinstance(below, dict) and isinstance(above, dict):
            assert value == merge(below, above)
        else:
            assert value == above


def test_parse_overrides() -> None:
    result = parse_overrides(
        ["model.dim=64", "model.name=lstm", "training.average_after=null", "a = [1, 2]", "b="]
    )
    assert result == {
        "model": {"dim": 64, "name": "lstm"},
        "training": {"average_after": None},
        "a": [1, 2],
        "b": None,
    }
    assert parse_overrides(["x=a=b"]) == {"x": "a=b"}
    assert parse_overrides(["x.y=1", "x.y=2"]) == {"x": {"y": 2}}
    assert parse_overrides([]) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dim", "--set: expected key=value, such as --set model.dim=64, got 'dim'"),
        ("=3", "--set: expected key=value"),
        ("a=[1", r"--set a: '\[1' is not a YAML value"),
    ],
)
def test_invalid_overrides_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_overrides([text])


def test_suggest_nearest() -> None:
    assert suggest_nearest("epoch", ["epochs", "dim"]) == "; did you mean 'epochs'?"
    assert suggest_nearest("zzz", ["epochs", "dim"]) == ""


def test_collect_settings_merges_file_arguments_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "given.yaml"
    file.write_text("seed: 1\nmodel: {name: cnn, dim: 8}\n", encoding="utf-8")
    named = {"seed": 2, "data": {"encoding": None}, "model": {"name": None}}
    expected = {"seed": 2, "model": {"name": "cnn", "dim": 16}}
    assert collect_settings(file, named, ["model.dim=16"]) == expected
    assert collect_settings({"seed": 1}, {"seed": None}) == {"seed": 1}
    assert collect_settings(None, {}) == {}

"""JSON and YAML from anybody: plain values within bounds, or a line that says why not."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from munjang.parsing import JSON_LISTS, YAML_VALUES, UnreadableError, parse_json, parse_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "line 1: anchors and aliases"),
        ("a: 1\nb:\n  <<: {c: 1}", r"line 3: merge keys \(<<\)"),
        ("a: !!str 1", r"line 1: .*tags \(!\)"),
        ("a: !!python/object/apply:os.system ['true']", r"tags \(!\)"),
        ("a: 1\n---\na: 2", "line 2: a second document"),
        ("a: 1\nb: {c: 1,\n c: 2}", "line 3: the key 'c' occurs twice"),
        ("? [a]\n: 1", "a key is one word"),
        ("a: 2026-99-99", "line 1: '2026-99-99' is no value"),
        ("[" * 33, "nested more than 32 deep"),
        ("[" * 100_000, "lists and mappings"),
        ("- 1\n" * (YAML_VALUES + 1), "more than 200,000 values"),
        ("a: [1", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
    ],
)
def test_unreadable_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        parse_yaml(text)


PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates()
)
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


class Plain(yaml.SafeDumper):
    """PyYAML's writer, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@given(TREES, st.sampled_from([None, True, False]))
def test_yaml_values_equal_pyyaml(values: Any, flow: bool | None) -> None:
    written = yaml.dump(values, Dumper=Plain, default_flow_style=flow, allow_unicode=True)
    assert parse_yaml(written) == yaml.safe_load(written)


@pytest.mark.parametrize(
    "text", ["", "# nothing", "a:", "1:30", "0x1f", "'<<': 1", "=: a", "- - -1"]
)
def test_unusual_documents_equal_pyyaml(text: str) -> None:
    values = parse_yaml(text)
    assert values == ({"=": "a"} if text == "=: a" else yaml.safe_load(text))


def test_thousands_of_digits_are_text() -> None:
    assert parse_yaml("a: " + "9" * 5_000) == {"a": "9" * 5_000}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b"[" + b"[]," * JSON_LISTS + b"1]", "too many values"),
        (b"[" + b"9" * 100_000 + b"]", "not valid JSON"),
        (b'{"a": 1, "a": 2}', "a key occurs twice"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"[-Infinity]", "-Infinity is no number of JSON"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'["\\\\\\udc00"]', "half of a surrogate pair"),
        (b'["\xff"]', "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"", "not valid JSON"),
    ],
)
def test_unreadable_json_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        parse_json(data)


def test_json_size_is_limited() -> None:
    assert parse_json(b"[1]", most_bytes=3) == [1]
    with pytest.raises(UnreadableError, match="4 bytes, where up to 3 are read"):
        parse_json(b"[12]", most_bytes=3)


def test_json_escapes_and_surrogate_pairs() -> None:
    assert parse_json(b'["\\\\ud800", "\\ud83d\\ude00"]') == ["\\ud800", "😀"]
    assert parse_json(b"[NaN, 1]", nan_is_null=True) == [None, 1]

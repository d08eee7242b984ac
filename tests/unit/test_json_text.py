"""JSON as this program writes it: it reads back, and has no character that a terminal obeys."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from munjang.json_text import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_values_read_back_without_control_characters(value: object) -> None:
    text = json_text(value)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)
    read = json.loads(text)
    infinite = "Infinity" in json.dumps(value)
    assert infinite or read == value


def test_control_characters_are_escaped_among_ascii_and_others() -> None:
    assert json_text("a\x7f\x00\n") == r'"a\u007f\u0000\n"'
    assert json_text("가\x7f\x85\u2028") == r'"가\u007f\u0085\u2028"'
    assert json_text({"a": float("nan"), "b": float("inf")}) == '{"a": null, "b": null}'

"""Text from the data on a line of a terminal or of Markdown is escaped."""

import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.reporting import escape_line, escape_lines, escape_markdown, format_markdown_list

MARKDOWN = st.text(st.characters() | st.sampled_from("`*_[]()<>|&~$\\#!\n\r\t\x1b\u202e\u2028가"))
DIRECTION_MARKS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("so-so", "so-so"),
        ("매우 좋음 👍", "매우 좋음 👍"),
        ("two\nlines | a cell", "two lines \\| a cell"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("![i](http://x)", "!\\[i\\](http\\://x)"),
        ("`rm` *a* __b__ &lt;", "\\`rm\\` \\*a\\* \\_\\_b\\_\\_ &amp;lt;"),
        ("back\\slash", "back\\\\slash"),
        ("\x1b[31m", "\\\\x1b\\[31m"),
        ("\u202elabel", "\\\\u202elabel"),
        ("a" * 150, "a" * 100 + "…"),
    ],
)
def test_escape_markdown(text: str, written: str) -> None:
    assert escape_markdown(text) == written


def render(written: str) -> str:
    """Return what CommonMark renders for a text whose marks are all escaped."""
    result, letters = [], iter(written)
    for letter in letters:
        assert letter not in "`*_[]<>|~$", f"{letter} is left as a mark in {written!r}"
        result.append(next(letters) if letter == "\\" else letter)
    return unescape("".join(result))


@given(MARKDOWN)
def test_escaped_markdown_has_no_markup_or_line_breaks(text: str) -> None:
    written = escape_markdown(text, longest=10_000)
    assert len(written.splitlines()) <= 1
    assert not set(written) & DIRECTION_MARKS
    plain = " ".join(text.split())
    if not any(unicodedata.category(c)[0] == "C" for c in plain) and plain == escape_line(plain):
        assert render(written) == plain


def test_long_lists_of_names_are_shortened() -> None:
    assert format_markdown_list(["a", "b|c"], "labels.json") == "a, b\\|c"
    many = format_markdown_list(map(str, range(1_500)), "labels.json", longest=2)
    assert many == "0, 1 and 1,498 more, listed in `labels.json`"


@given(st.text())
def test_escape_lines_keeps_line_breaks(text: str) -> None:
    assert escape_lines(text).count("\n") == text.count("\n")
    for part in escape_lines(text).replace("\t", "\n").split("\n"):
        assert part == escape_line(part)

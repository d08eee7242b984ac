"""Style sheets of pages hold for one element of a notebook only."""

import re

import pytest

from munjang.report.scoping import SCOPE, scope
from tests.unit.report.fragments import rules


def unwrap(css: str) -> str:
    """The rules within the scope, without those that choose the color scheme."""
    ((selector, inside),) = rules(scope(css))
    assert selector == SCOPE
    return re.split(r":is\([^{]*\) & { color-scheme", inside)[0].strip()


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("p { margin: 0; }", "p { margin: 0; }"),
        ("body { margin: 0; }", "& { margin: 0; }"),
        (":root { --a: #fff; }", "& { --a: #fff; }"),
        (":root, body > p { margin: 0; }", "&, & > p { margin: 0; }"),
        ("html.wide td { color: red; }", "&.wide td { color: red; }"),
        ("tbody td, .body { color: red; }", "tbody td, .body { color: red; }"),
        ("td:first-child { font: body; }", "td:first-child { font: body; }"),
        ("@media print { body { margin: 0; } }", "@media print { & { margin: 0; } }"),
    ],
)
def test_the_page_becomes_the_element(css: str, expected: str) -> None:
    assert unwrap(css) == expected


def test_the_notebook_decides_on_the_color_scheme_before_the_system() -> None:
    inside = unwrap(
        "p { a: b; } @media (prefers-color-scheme: dark) { :root { --a: #000; } } q { }"
    )
    before, system, notebook, after = rules(inside)
    assert (before[0], after[0]) == ("p", "q")
    assert system[0] == "@media (prefers-color-scheme: dark)"
    ((condition, dark),) = rules(system[1])
    assert condition.startswith("&:where(:not(:is(")
    assert '[data-jp-theme-light="true"]' in condition
    assert '[data-jp-theme-light="false"]' in notebook[0]
    assert notebook[0].endswith(" &")
    assert [*rules(dark)] == [*rules(notebook[1])] == [("&", " --a: #000; ")]


def test_an_open_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="not closed"):
        scope("@media (prefers-color-scheme: dark) { p { }")

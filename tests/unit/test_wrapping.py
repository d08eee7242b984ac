"""Lines cut to the width of a terminal: nothing is wider, nothing is lost, words are whole."""

import shlex

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from munjang.cli.fitting import Column, FittedTable
from munjang.terminal.wrapping import wrap, wrap_cell

WORDS = st.lists(
    st.text(st.sampled_from("ab한글é가각👍/-|=,.\u0301"), min_size=1, max_size=40), max_size=12
)
LINES = st.builds(
    lambda indent, words, gap: " " * indent + gap.join(words),
    st.integers(0, 6),
    WORDS,
    st.sampled_from([" ", "  ", "   "]),
)
WIDTHS = st.integers(16, 90)


def max_width(lines: list[str]) -> int:
    return max(map(cell_len, lines))


@given(st.lists(LINES, min_size=1, max_size=3), WIDTHS)
def test_wrap_respects_width_and_loses_no_character(lines: list[str], width: int) -> None:
    text = "\n".join(lines)
    result = wrap(text, width)
    assert max_width(result.split("\n")) <= width
    assert "".join(result.split()) == "".join(text.split())


@given(LINES, WIDTHS)
def test_wrap_cell_respects_width_and_loses_no_character(text: str, width: int) -> None:
    result = wrap_cell(text, width)
    assert max_width(result) <= width
    assert "".join("".join(result).split()) == "".join(text.split())


@given(WORDS, WIDTHS)
def test_wrap_keeps_words_that_fit(words: list[str], width: int) -> None:
    short = [word for word in words if cell_len(word) <= width - 4]
    assert wrap(" ".join(short), width).split() == short


def test_wrap_keeps_short_lines() -> None:
    assert wrap("  two  spaces \n\n end", 20) == "  two  spaces \n\n end"
    assert wrap("one\ttwo", 20) == "one     two"


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)),
       st.integers(30, 90))  # fmt: skip
def test_wrapped_command_is_equivalent(words: list[str], width: int) -> None:
    line = "  munjang predict " + shlex.join(words)
    result = wrap(line, width)
    assert shlex.split(result.replace("\\\n", "")) == shlex.split(line)


def test_long_path_in_command_is_cut_after_a_slash() -> None:
    path = "/".join(["", *["folder"] * 12])
    result = wrap(f"next: munjang train {path} --out m", 60)
    assert max_width(result.split("\n")) <= 60
    assert shlex.split(result.replace("\\\n", ""))[2:] == ["train", path, "--out", "m"]
    assert all(line.endswith(("\\", "m")) for line in result.split("\n"))


def render(table: FittedTable, width: int) -> list[str]:
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get().splitlines()


def make_table(name: str = "tfidf-characters") -> FittedTable:
    columns = [
        Column("model", left=True, flows=True),
        Column("accuracy"),
        Column("p50", rank=2),
        Column("how it came", rank=1, left=True, flows=True),
    ]
    table = FittedTable(columns)
    table.add_row(name, "0.9123", "0.12 ms", "32 x 128 and 12 zeros, moved by 4")
    table.add_row("cnn", "0.8123", "0.34 ms", "one")
    return table


def test_columns_are_dropped_by_rank() -> None:
    heads = {width: render(make_table(), width)[1].split() for width in (100, 74, 62, 40)}
    everything = ["model", "accuracy", "p50", "how", "it", "came"]
    assert heads[100] == heads[74] == everything
    assert heads[62] == ["model", "accuracy", "how", "it", "came"]
    assert heads[40] == ["model", "accuracy"]
    assert "--wide also shows: p50, how it came" in render(make_table(), 40)
    assert not any("--wide" in line for line in render(make_table(), 74))


@given(st.text(st.sampled_from("ab 한글가"), min_size=1, max_size=90), st.integers(24, 110))
def test_figures_are_not_truncated_by_long_names(name: str, width: int) -> None:
    lines = render(make_table(name), width)
    assert max_width(lines) <= width
    words = " ".join(lines).split()
    assert "0.9123" in words
    assert "0.8123" in words

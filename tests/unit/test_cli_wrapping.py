"""Lines cut to the width of a terminal: nothing is wider, nothing is lost, words are whole."""

import shlex

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from munjang.cli.fitting import Column, FittedTable
from munjang.cli.wrapping import wrap, wrap_cell

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


def widest(lines: list[str]) -> int:
    return max(map(cell_len, lines))


@given(st.lists(LINES, min_size=1, max_size=3), WIDTHS)
def test_no_line_is_wider_and_no_letter_is_lost(lines: list[str], width: int) -> None:
    text = "\n".join(lines)
    found = wrap(text, width)
    assert widest(found.split("\n")) <= width
    assert "".join(found.split()) == "".join(text.split())


@given(LINES, WIDTHS)
def test_a_cell_likewise(text: str, width: int) -> None:
    found = wrap_cell(text, width)
    assert widest(found) <= width
    assert "".join("".join(found).split()) == "".join(text.split())


@given(WORDS, WIDTHS)
def test_a_word_that_fits_is_whole(words: list[str], width: int) -> None:
    short = [word for word in words if cell_len(word) <= width - 4]
    assert wrap(" ".join(short), width).split() == short


def test_a_short_line_is_left_as_it_is() -> None:
    assert wrap("  two  spaces \n\n end", 20) == "  two  spaces \n\n end"
    assert wrap("one\ttwo", 20) == "one     two"


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)),
       st.integers(30, 90))  # fmt: skip
def test_what_is_to_be_typed_means_the_same(words: list[str], width: int) -> None:
    line = "  munjang predict " + shlex.join(words)
    found = wrap(line, width)
    assert shlex.split(found.replace("\\\n", "")) == shlex.split(line)


def test_a_path_to_be_typed_is_cut_behind_a_slash() -> None:
    path = "/".join(["", *["folder"] * 12])
    found = wrap(f"next: munjang train {path} --out m", 60)
    assert widest(found.split("\n")) <= 60
    assert shlex.split(found.replace("\\\n", ""))[2:] == ["train", path, "--out", "m"]
    assert all(line.endswith(("\\", "m")) for line in found.split("\n"))


def drawn(table: FittedTable, width: int) -> list[str]:
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get().splitlines()


def made_table(name: str = "tfidf-characters") -> FittedTable:
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


def test_columns_leave_in_the_order_of_their_ranks() -> None:
    heads = {width: drawn(made_table(), width)[1].split() for width in (100, 74, 62, 40)}
    everything = ["model", "accuracy", "p50", "how", "it", "came"]
    assert heads[100] == heads[74] == everything
    assert heads[62] == ["model", "accuracy", "how", "it", "came"]
    assert heads[40] == ["model", "accuracy"]
    assert "--wide also shows: p50, how it came" in drawn(made_table(), 40)
    assert not any("--wide" in line for line in drawn(made_table(), 74))


@given(st.text(st.sampled_from("ab 한글가"), min_size=1, max_size=90), st.integers(24, 110))
def test_whatever_the_name_figures_are_whole(name: str, width: int) -> None:
    lines = drawn(made_table(name), width)
    assert widest(lines) <= width
    words = " ".join(lines).split()
    assert "0.9123" in words
    assert "0.8123" in words

"""Runs of characters without a space are told with their row."""

from pathlib import Path

import pytest

from munjang.data.readers import read_table
from munjang.data.runs import long_run_lines
from munjang.text.subwords.training_pretokens import LONGEST_RUN


def test_the_first_such_row_is_named(tmp_path: Path) -> None:
    long = "a" * (LONGEST_RUN + 1)
    path = tmp_path / "notes.csv"
    path.write_text(f"text,label\na b,x\nbefore {long} after,y\n{long}{long},x\nc,y\n")
    (line,) = long_run_lines(read_table(path))
    assert line.startswith(f"{path}, row 3: 65,537 characters without a space (1 more such row")


@pytest.mark.parametrize("text", ["a " * LONGEST_RUN, "a" * LONGEST_RUN, "가" * LONGEST_RUN])
def test_long_texts_are_no_runs(text: str) -> None:
    assert long_run_lines(read_table(([text, "b"], ["x", "y"]))) == []

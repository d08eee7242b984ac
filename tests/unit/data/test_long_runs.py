"""Notes on long runs of characters without a space name their row."""

from pathlib import Path

import pytest

from munjang.data.long_runs import describe_long_runs
from munjang.data.readers import read_table
from munjang.text.subwords.training_pretokens import LONGEST_RUN


def test_note_names_first_row_with_long_run(tmp_path: Path) -> None:
    long = "a" * (LONGEST_RUN + 1)
    path = tmp_path / "notes.csv"
    path.write_text(f"text,label\na b,x\nbefore {long} after,y\n{long}{long},x\nc,y\n")
    (line,) = describe_long_runs(read_table(path))
    assert line.startswith(f"{path}, row 3: 65,537 characters without a space (1 more such row")


@pytest.mark.parametrize("text", ["a " * LONGEST_RUN, "a" * LONGEST_RUN, "가" * LONGEST_RUN])
def test_long_texts_with_spaces_give_no_note(text: str) -> None:
    assert describe_long_runs(read_table(([text, "b"], ["x", "y"]))) == []

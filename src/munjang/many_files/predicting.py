"""Prediction of many files: parts hold the lines that `munjang predict` prints."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from munjang.data.readers.stream import OnBadRow, stream_rows
from munjang.folder.load import load
from munjang.many_files.answers import LINES, Answers, block_rows
from munjang.many_files.plan import Plan
from munjang.many_files.works import Write, Written

COLUMNS = ("text_column", "first_column", "second_column")
_ANSWERS = ("decoding", "align", "seed", "top", "abstain")


class Predicting:
    """Answers of a model, one or more lines per row.

    Args:
        answers: the model.
        options: `format`, one of `LINES`, names of columns, and `encoding`.

    Raises:
        ConfigError: a column is named that rows of the model do not have.
    """

    def __init__(self, answers: Answers, options: Mapping[str, Any]) -> None:
        self._answers = answers
        self._line_of = LINES[options["format"]]
        self._encoding: str = options["encoding"]
        named = {name: options[name] for name in COLUMNS}
        self._wanted = answers.model.input.wanted_columns(named)

    @classmethod
    def load(cls, plan: Plan) -> Self:
        """Load the model."""
        model = load(plan.folder)
        chosen = {name: plan.options[name] for name in _ANSWERS}
        return cls(Answers(model, **chosen), plan.options)

    def read(self, file: str, **reading: Any) -> Iterator[tuple[Any, list[Any]]]:
        """Yield rows and values of a file."""
        rows = block_rows(self._answers.model)
        return stream_rows(file, self._wanted, encoding=self._encoding, batch_size=rows, **reading)

    @contextmanager
    def open(
        self, path: Path, file: str, on_bad_row: OnBadRow | None, written: Written
    ) -> Iterator[Write]:
        """Open a part."""
        with path.open("wb") as part:

            def write(rows: Sequence[int], values: Sequence[Any]) -> None:
                for row, value, answer in self._answers.batch(rows, values, on_bad_row, file):
                    line = self._line_of(row, value, answer)  # control characters are escaped
                    part.write(line.encode(errors="backslashreplace") + b"\n")
                    written.rows += 1
                    written.truncated += answer.truncated

            yield write

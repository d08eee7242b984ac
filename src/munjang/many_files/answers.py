"""Answers of a model to batches of rows, as lines: of one file, a pipe, or many files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from munjang.api import require_decoding
from munjang.data.readers.faults import SKIP_HINT
from munjang.data.readers.stream import BATCH_ROWS, OnBadRow
from munjang.errors import ConfigError, DataError
from munjang.folder.load import AnyModel
from munjang.json_text import json_text
from munjang.many_files.usable import Usable, keep_usable
from munjang.model import Model
from munjang.reporting import escape_line
from munjang.tasks.calibration import NOT_CALIBRATED
from munjang.tasks.task import Answer, Calibrates, GivesLogits, RanksTokens

# Maximum number of probabilities, one per text and label, that are in memory at once.
MOST_PROBABILITIES = 2**20

Predict = Callable[[Sequence[Any]], Sequence[Any]]


def tsv_lines(row: int, value: str | tuple[str, ...], answer: Answer) -> str:
    """Return the lines of an answer for people: columns with tabs between them."""
    text, *others = (value,) if isinstance(value, str) else value
    lines = ([*line, *others] for line in answer.lines(row, text))
    return "\n".join("\t".join(map(escape_line, line)) for line in lines)


def json_line(row: int, value: Any, answer: Answer) -> str:
    """Return the line of an answer for programs: a JSON object with the number of the row."""
    return json_text({"row": row, **answer.to_json()})


LINES: Mapping[str, Callable[[int, Any, Answer], str]] = {"jsonl": json_line, "tsv": tsv_lines}


def block_rows(model: AnyModel) -> int:
    """Return the number of rows of a file that are answered together.

    A block is answered in the order of lengths: the larger it is, the less padding. Answers that
    take long, such as texts, are given sooner from small blocks.
    """
    if isinstance(model, Model) and isinstance(model.task, GivesLogits):
        return model.input.block_rows
    return BATCH_ROWS


class Answers:
    """A model and the options of its answers.

    Args:
        model: the model.
        decoding: decoding settings that differ from those of the training.
        align: add the source piece with most attention for each piece of an answer.
        seed: random seed of sampling.
        top: number of tokens per [MASK], of next tokens, or of near words.
        abstain: largest share of wrong answers.

    Raises:
        ConfigError: the seed is out of range, or the model writes no text and an option of decoding
            is given, or it fills no masks and `top` is given, or it knows no risk and `abstain` is
            given.
    """

    def __init__(
        self,
        model: AnyModel,
        *,
        decoding: Mapping[str, Any] | None = None,
        align: bool = False,
        seed: int = 0,
        top: int | None = None,
        abstain: float | None = None,
    ) -> None:
        self.model = model
        self._predict = predict_with(
            model, dict(decoding or {}), align=align, seed=seed, top=top, abstain=abstain
        )
        labels = len(getattr(model, "labels", ()))
        # an answer holds the probabilities of all labels
        self._batch_size = max(1, MOST_PROBABILITIES // max(1, labels))
        self._usable: Usable = getattr(model, "reader", model.input).usable

    def batch(
        self,
        rows: Sequence[int],
        values: Sequence[Any],
        on_bad_row: OnBadRow | None = None,
        file: str | None = None,
    ) -> Iterator[tuple[int, Any, Answer]]:
        """Yield number, value and answer of each row.

        Args:
            rows: row numbers.
            values: texts, tuples of texts, or paths of images.
            on_bad_row: called for a value that cannot be used; None raises at the first.
            file: file of the rows, for messages.

        Raises:
            DataError: a value cannot be used.
        """
        rows, values = keep_usable(self._usable, rows, values, on_bad_row)
        try:
            for start in range(0, len(values), self._batch_size):
                part = slice(start, start + self._batch_size)
                answers = self._predict(values[part])
                yield from zip(rows[part], values[part], answers, strict=True)
        except DataError as error:
            raise self._locate(error, rows, values, file) from None

    def _locate(
        self, error: DataError, rows: Sequence[int], values: Sequence[Any], file: str | None
    ) -> DataError:
        """Return the error with the file and the row of the first value that cannot be used."""
        places = set(self._usable(values)[0])
        first = next((place for place in range(len(values)) if place not in places), None)
        if first is None or error.file is not None or file is None:
            return error
        # a row that the error names is one of the batch
        message = str(error).removeprefix(f"row {error.row}: ")
        return DataError(f"{message}; {SKIP_HINT}", file=file, row=rows[first])


def predict_with(
    model: AnyModel,
    decoding: dict[str, Any],
    *,
    align: bool,
    seed: int,
    top: int | None = None,
    abstain: float | None = None,
) -> Predict:
    """Return the function from values to answers, with the options of `Answers`.

    Raises:
        ConfigError: as `Answers`.
    """
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed: expected 0 or more and below 2^63, got {str(seed)[:40]}")
    options = {**decoding, **({"align": True} if align else {}), **({"seed": seed} if seed else {})}
    if abstain is not None:
        return _predict_selectively(model, abstain, options, top)
    if top is not None:
        answering = model.task if isinstance(model, Model) else model
        if not isinstance(answering, RanksTokens):
            raise ConfigError(
                "--top: is for models that predict masked or next tokens (task masked_lm or "
                "language), or near words (task vectors)"
            )
        if options:
            raise ConfigError("--top and options of decoding are for different models; give one")
        predict: Any = model.predict
        return partial(predict, top=top)
    if not options:
        return model.predict
    writer = require_decoding(model, options)
    if decoding:
        writer = writer.with_decoding(decoding)
    return partial(writer.predict, alignment=align, seed=seed)


def _predict_selectively(
    model: AnyModel, risk: float, options: dict[str, Any], top: int | None
) -> Predict:
    """Return the function from texts to answers, some of which are none.

    Raises:
        ConfigError: other options are given, or the model is not calibrated.
    """
    if options or top is not None:
        other = next(iter(options), "top")
        raise ConfigError(f"--abstain and --{other} are for different models; give one")
    if not isinstance(model, Model) or not isinstance(model.task, Calibrates):
        raise ConfigError("--abstain: is for models of the task classify")
    if model.task.calibration is None:
        raise ConfigError(f"--abstain: {NOT_CALIBRATED}")
    model.task.calibration.find_threshold(risk)  # refused before a text is read
    return partial(model.predict, abstain=risk)

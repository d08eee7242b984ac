"""Check data before training: labeled texts, running text, pairs of texts, or images."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from munjang.checking.blocks import Block
from munjang.checking.input_check import InputCheck
from munjang.checking.streams import StreamReport
from munjang.config import collect_settings
from munjang.data.data_report import DataReport
from munjang.data.images.checks import ImageReport
from munjang.data.pairs.checks import PairReport
from munjang.errors import ConfigError
from munjang.memory import reset_peak
from munjang.preparation import choose_input
from munjang.recipe import named_input
from munjang.registry import INPUTS, InputRow, import_place
from munjang.reporting import discard

Report = DataReport | StreamReport | PairReport | ImageReport


def check(
    data: Any,
    *,
    test: Any = None,
    task: str | None = None,
    input_name: str | None = None,
    model: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    tokenizer: str | None = None,
    overrides: Iterable[str] = (),
    seconds: float | None = None,
) -> Report:
    """Check data as a training with these settings would read it.

    Args:
        data: as for `munjang.train`. Labels of texts may be missing; then there is no estimate.
        test: held-out data, to find inputs that occur in both.
        task: what to learn; that of `config`, else classify, when left out.
        input_name: what a row is; inferred from task, model and data when left out.
        model: name of the architecture whose cost is estimated; the default when left out.
        config: a YAML file or a mapping of settings.
        columns: settings of reading, such as `text_column`; None counts as not given.
        tokenizer: name of a tokenizer; chosen by the script of the text when left out.
        overrides: `key=value` strings, applied last.
        seconds: upper bound of the time spent on real training steps; 2, for pairs 5, when left
            out.

    Returns:
        A `DataReport` of texts, a `LinesReport` of running text (input lines), a `StreamReport` of
        running text that is read as one stream (input stream), a `PairReport` of pairs (task
        translate), an `ImageReport` of images.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    reset_peak()
    names = {"task": task, "input": input_name, "model": {"name": model}}
    named = {**names, "data": columns or {}, "tokenizer": {"name": tokenizer}}
    given = choose_input(collect_settings(config, named, overrides), data, discard)
    row = _check_of(named_input(given))
    report: Report = row.check(data, test, given, row.seconds if seconds is None else seconds)
    return report


def report_blocks(report: Report) -> Iterator[Block]:
    """Return the blocks that draw a report, without its notes."""
    rows = (_check_of(row) for row in INPUTS.rows if row.check is not None)
    return next(row for row in rows if type(report) is row.report).blocks(report)


def _check_of(row: InputRow) -> InputCheck:
    """Return the check of an input.

    Raises:
        ConfigError: it has none.
    """
    if row.check is None:
        raise ConfigError(f"input: there is no check of the input {row.name}; train on it directly")
    check: InputCheck = import_place(row.check, row.name)
    return check

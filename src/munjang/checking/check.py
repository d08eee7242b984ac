"""Check data before training: labeled texts, pairs of texts, or images."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.checking.blocks import Block
from munjang.checking.image_blocks import image_blocks
from munjang.checking.images import check_image_data
from munjang.checking.pair_blocks import pair_blocks
from munjang.checking.pairs import check_pair_data
from munjang.checking.text_blocks import text_blocks
from munjang.checking.texts import check_text_data
from munjang.config import given_settings
from munjang.data.checks import DataReport
from munjang.data.images.checks import ImageReport
from munjang.data.pairs.checks import PairReport
from munjang.media import refuse_pairs
from munjang.memory import reset_peak
from munjang.tasks.registry import require_task

Report = DataReport | PairReport | ImageReport


@dataclass(frozen=True)
class InputCheck:
    """The check of one kind of input.

    Attributes:
        check: from (data, test, model, settings, seconds) to a report.
        report: class of the report.
        blocks: from such a report to the blocks that are drawn.
        seconds: upper bound of the time of real training steps, unless given.
    """

    check: Callable[[Any, Any, str | None, Mapping[str, Any], float], Report]
    report: type
    blocks: Callable[[Any], Iterator[Block]]
    seconds: float


INPUTS: dict[str, InputCheck] = {
    "texts": InputCheck(check_text_data, DataReport, text_blocks, 2.0),
    "pairs": InputCheck(check_pair_data, PairReport, pair_blocks, 5.0),  # their steps take long
    "images": InputCheck(check_image_data, ImageReport, image_blocks, 2.0),
}


def check(
    data: Any,
    *,
    test: Any = None,
    task: str | None = None,
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
        model: name of the architecture whose cost is estimated; the default when left out.
        config: a YAML file or a mapping of settings.
        columns: settings of reading, such as `text_column`; None counts as not given.
        tokenizer: name of a tokenizer; chosen by the script of the text when left out.
        overrides: `key=value` strings, applied last.
        seconds: upper bound of the time spent on real training steps; 2, for pairs 5, when left
            out.

    Returns:
        A `DataReport` of texts, a `PairReport` of pairs (task translate), an `ImageReport` of
        images.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    reset_peak()
    named = {"data": columns or {}, "tokenizer": {"name": tokenizer}, "task": task}
    given = given_settings(config, named, overrides)
    task_name = given.get("task", "classify")
    # the recipe of texts refuses whatever is no name
    row = INPUTS[require_task(task_name).reads if isinstance(task_name, str) else "texts"]
    refuse_pairs(data, task_name)
    return row.check(data, test, model, given, row.seconds if seconds is None else seconds)


def report_blocks(report: Report) -> Iterator[Block]:
    """Return the blocks that draw a report, without its notes."""
    row = next(row for row in INPUTS.values() if isinstance(report, row.report))
    return row.blocks(report)

"""Check data before training: labelled texts, or pairs of texts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from munjang.checking.pairs import check_pairs_of
from munjang.checking.texts import check_texts
from munjang.config import given_settings
from munjang.data.data_report import DataReport
from munjang.data.pairs.checks import PairReport
from munjang.errors import ConfigError
from munjang.media import refuse_pairs
from munjang.memory import reset_peak
from munjang.tasks.registry import TASKS, require_task

_LOOKED_AT = ("texts", "pairs")
# A step on pairs takes long.
_SECONDS, _SECONDS_OF_PAIRS = 2.0, 5.0


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
) -> DataReport | PairReport:
    """Look at data as a training with these settings would see it.

    Args:
        data: as for `munjang.train`. Labels of texts may be missing; then there is no estimate.
        test: held-out data likewise, to find texts that stand in both.
        task: what the labels are for; that of `config`, else classify, when left out.
        model: name of the architecture to estimate; that of `config`, else cnn, and transformer for
            pairs, when left out.
        config: a YAML file or a mapping of settings.
        columns: settings of reading, such as `text_column`; None counts as not given.
        tokenizer: name of a tokenizer; chosen by the script of the text when left out.
        overrides: `key=value` strings laid on top.
        seconds: the most time to spend on real training steps; 2, and 5 on pairs, when left out.

    Returns:
        For the task translate a `PairReport`.

    Raises:
        DataError: a row cannot be used.
        ConfigError: a setting that does not exist, or a value that it cannot take.
    """
    reset_peak()
    named = {"data": columns or {}, "tokenizer": {"name": tokenizer}, "task": task}
    given = given_settings(config, named, overrides)
    reads = _what_is_read(given.get("task", "classify"))
    refuse_pairs(data, given.get("task", "classify"))
    if reads == "pairs":
        longest = _SECONDS_OF_PAIRS if seconds is None else seconds
        return check_pairs_of(data, test, model, given, longest)
    longest = _SECONDS if seconds is None else seconds
    return check_texts(data, test, model or "cnn", given, longest)


def _what_is_read(task: object) -> str:
    """What the task of that name reads; texts where it is no name, which their recipe refuses.

    Raises:
        ConfigError: there is no such task, or nothing here looks at what it reads.
    """
    if not isinstance(task, str):
        return "texts"
    row = require_task(task)
    if row.reads in _LOOKED_AT:
        return row.reads
    known = ", ".join(name for name, one in TASKS.items() if one.reads in _LOOKED_AT)
    raise ConfigError(
        f"check looks at texts and at pairs of texts (the tasks {known}); the task {task} reads "
        f"{row.reads}: munjang train tells what it found of them before its first step"
    )

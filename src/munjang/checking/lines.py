"""Check running text: its lines as texts without labels."""

from collections.abc import Mapping
from typing import Any

from munjang.checking.input_check import InputCheck
from munjang.checking.text_blocks import text_blocks
from munjang.checking.texts import check_text_data
from munjang.data.data_report import DataReport
from munjang.data.settings import DataSettings
from munjang.recipe import check_given, section_of


def check_line_data(data: Any, test: Any, given: Mapping[str, Any], seconds: float) -> DataReport:
    """Check lines as texts, one per row; unlike a training it holds them in memory.

    Args:
        data: as for `munjang.checking.texts.check_text_data`.
        test: held-out texts, or None.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    check_given(given)
    reading = section_of(given, "data")
    shared = {key: value for key, value in reading.items() if key in DataSettings.model_fields}
    tokenizer = {"add_go_eos": True, **section_of(given, "tokenizer")}
    as_texts = {**given, "input": "text", "data": shared, "tokenizer": tokenizer}
    return check_text_data(data, test, as_texts, seconds)


CHECK = InputCheck(check_line_data, DataReport, text_blocks)

"""Check pairs of texts, and measure the cost of a training on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from munjang.checking.input_check import InputCheck
from munjang.checking.pair_blocks import pair_blocks
from munjang.config import merge
from munjang.data.buckets import padding_share
from munjang.data.pairs.checks import PairReport, check_pairs
from munjang.data.pairs.tokens import PairTokens, measure_tokens
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.inputs.parallel import ParallelInput
from munjang.preparation import Prepared, prepare
from munjang.recipe import check_given
from munjang.reporting import discard

_COLUMNS = {"source_column": None, "target_column": None}


def check_pair_data(data: Any, test: Any, given: Mapping[str, Any], seconds: float) -> PairReport:
    """Check pairs as a training with these settings would read them.

    Args:
        data: of `munjang.data.pairs.read.read_pairs`.
        test: held-out pairs, or None; aligned files have no columns to choose.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used, or aligned files have different numbers of lines.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    recipe = check_given(given)
    table = ParallelInput.read(data, recipe, None, discard)
    held_out = None
    if test is not None:
        reading = {**_COLUMNS, **ParallelInput.trained_reading(recipe, test)}
        held_out = ParallelInput.read(test, recipe.with_section("data", **reading), None, discard)
    report = check_pairs(table, held_out)
    notes = () if held_out is None else tuple(f"test: {note}" for note in held_out.notes)
    report = replace(report, notes=(*report.notes, *notes))
    try:
        prepared = _prepared(table, given)
    except DataError as error:
        refusal = f"a training would refuse this data: {error}"
        return replace(report, notes=(*report.notes, refusal))
    return replace(
        report,
        tokens=_tokens(table, prepared),
        estimate=estimate_training(prepared, seconds=seconds).to_json(),
    )


def _prepared(table: Table, given: Mapping[str, Any]) -> Prepared:
    """Prepare pairs that were read already: their ratios of lengths were checked then."""
    reread = {"data": {**_COLUMNS, "max_length_ratio": None}}
    return prepare((table["source"], table["target"]), None, merge(given, reread), discard)


def _tokens(table: Table, prepared: Prepared) -> PairTokens:
    """Count tokens, and the padding of the first epoch."""
    recipe, facts, lengths = prepared.recipe, prepared.facts, prepared.train.lengths
    fitted = prepared.input
    assert isinstance(fitted, ParallelInput)
    groups = recipe.training.bucketing().shuffle(lengths, (recipe.seed, 0))
    return measure_tokens(
        table,
        fitted.sides,
        recipe.section("tokenizer"),
        oov_rates=(facts["source_oov_rate"], facts["target_oov_rate"]),
        padding=padding_share(groups, lengths),
    )


CHECK = InputCheck(check_pair_data, PairReport, pair_blocks, seconds=5.0)  # their steps take long

"""A look at pairs of texts, and at what a training on them costs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from munjang.config import merge
from munjang.data.buckets import padding_share
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.pairs.checks import PairReport, check_pairs
from munjang.data.pairs.settings import PairDataSettings
from munjang.data.pairs.tokens import PairTokens, measure_tokens
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.pair_preparation import PreparedPairs, prepare_pairs, read_and_report, sides_of
from munjang.pair_recipe import PairTexts, make_pair_recipe
from munjang.reporting import discard

_COLUMNS = {"source_column": None, "target_column": None}


def check_pairs_of(
    data: Any, test: Any, model: str | None, given: Mapping[str, Any], seconds: float
) -> PairReport:
    """Look at pairs as a training with these settings would see them.

    Args:
        data: of `munjang.data.pairs.read.read_pairs`.
        test: likewise, or None; where it is aligned files, columns are those of `data` alone.
        model: name of the architecture, unless `given` names one; None for the default.
        given: the user's settings, nested as in `config.yaml`.
        seconds: the most time to spend on real training steps.

    Raises:
        DataError: a row cannot be used, or aligned files have different numbers of lines.
        ConfigError: a setting that does not exist, or a value that it cannot take.
    """
    model = model or "transformer"
    asked = make_pair_recipe(model, PairTexts(), given)
    table = read_and_report(data, asked.data, discard)
    held_out = None if test is None else read_and_report(test, _columns(test, asked.data), discard)
    report = check_pairs(table, held_out)
    notes = () if held_out is None else tuple(f"test: {note}" for note in held_out.notes)
    report = replace(report, notes=(*report.notes, *notes))
    try:
        prepared = _prepared(table, model, given)
    except DataError as error:
        refusal = f"a training would refuse this data: {error}"
        return replace(report, notes=(*report.notes, refusal))
    return replace(
        report,
        tokens=_tokens(table, prepared),
        estimate=estimate_training(prepared, seconds=seconds).to_json(),
    )


def _columns(data: Any, settings: PairDataSettings) -> PairDataSettings:
    """Those of aligned files have no names."""
    return settings.model_copy(update=_COLUMNS) if isinstance(data, AlignedFiles) else settings


def _prepared(table: Table, model: str, given: Mapping[str, Any]) -> PreparedPairs:
    """What a training starts from. The pairs have been read, so nothing is left out once more."""
    again = {"data": {**_COLUMNS, "max_ratio": None}}
    return prepare_pairs(sides_of(table), None, model, merge(given, again), discard)


def _tokens(table: Table, prepared: PreparedPairs) -> PairTokens:
    recipe, facts, lengths = prepared.recipe, prepared.facts, prepared.train.lengths
    groups = recipe.training.bucketing().shuffle(lengths, (recipe.seed, 0))
    return measure_tokens(
        table,
        prepared.sides,
        recipe.tokenizer,
        oov_rates=(facts["source_oov_rate"], facts["target_oov_rate"]),
        padding=padding_share(groups, lengths),
    )

"""Check pairs of texts, and measure the cost of a training on them."""

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
from munjang.pair_preparation import PreparedPairs, prepare_pairs, read_and_say, sides_of
from munjang.pair_recipe import PairTexts, make_pair_recipe
from munjang.telling import silent

_COLUMNS = {"source_column": None, "target_column": None}


def check_pair_data(
    data: Any, test: Any, model: str | None, given: Mapping[str, Any], seconds: float
) -> PairReport:
    """Check pairs as a training with these settings would read them.

    Args:
        data: of `munjang.data.pairs.read.read_pairs`.
        test: held-out pairs, or None; aligned files have no columns to choose.
        model: name of the architecture, unless `given` names one; None for the default.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used, or aligned files have different numbers of lines.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    model = model or "transformer"
    recipe = make_pair_recipe(model, PairTexts(), given)
    table = read_and_say(data, recipe.data, silent)
    held_out = None if test is None else read_and_say(test, _columns(test, recipe.data), silent)
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
    """Return the settings of reading; columns of aligned files have no names."""
    return settings.model_copy(update=_COLUMNS) if isinstance(data, AlignedFiles) else settings


def _prepared(table: Table, model: str, given: Mapping[str, Any]) -> PreparedPairs:
    """Prepare pairs that were read already: their ratios of lengths were checked then."""
    reread = {"data": {**_COLUMNS, "max_ratio": None}}
    return prepare_pairs(sides_of(table), None, model, merge(given, reread), silent)


def _tokens(table: Table, prepared: PreparedPairs) -> PairTokens:
    """Count tokens, and the padding of the first epoch."""
    recipe, facts, lengths = prepared.recipe, prepared.facts, prepared.train.lengths
    groups = recipe.training.bucketing().shuffled(lengths, (recipe.seed, 0))
    return measure_tokens(
        table,
        prepared.sides,
        recipe.tokenizer,
        oov_rates=(facts["source_oov_rate"], facts["target_oov_rate"]),
        padding=padding_share(groups, lengths),
    )

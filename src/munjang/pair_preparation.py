"""From pairs of texts to what a training loop takes: a split, two vocabularies, token columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from torch import nn

from munjang.data.pairs.examples import PairExamples
from munjang.data.pairs.read import read_pairs
from munjang.data.pairs.settings import PairDataSettings, PairTokenizerSettings
from munjang.data.pairs.sides import Sides, too_long
from munjang.data.runs import long_run_lines
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.defaults import script_of
from munjang.errors import DataError
from munjang.models.registry import build_encoder_decoder
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.pair_recipe import PairRecipe, PairTexts, make_pair_recipe
from munjang.tasks.translate import Translate
from munjang.telling import Say, counted, stage
from munjang.text.columns import TokenColumn, row_lengths, values_and_offsets
from munjang.text.vocabulary import OOV
from munjang.training.fingerprints import fingerprint

# characters of a token, before there is a vocabulary that says so
_CHARACTERS_A_TOKEN = {"korean": 2, "other": 4}


@dataclass(frozen=True)
class PreparedPairs:
    """Everything that stands before the first step.

    Attributes:
        recipe: complete, with the columns that were found.
        sides: the tokenizers, fitted on the training part.
        task: with the way back to texts.
        train: the training part.
        valid: the validation part.
        facts: what was counted on the way, for `metrics.json`.
    """

    recipe: PairRecipe
    sides: Sides
    task: Translate
    train: PairExamples
    valid: PairExamples
    facts: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of the recipe, but for how it is run, of both sides and of their tokenizers."""
        sides = {"source": self.sides.source, "target": self.sides.target}
        texts = () if self.valid.texts is None else (t.to_list() for t in self.valid.texts)
        return fingerprint(
            self.recipe.to_dict(),
            {
                **{
                    f"vocabulary of the {name}": [side.to_json(), side.vocabulary.tokens]
                    for name, side in sides.items()
                },
                "pairs of the training part": _buffers(self.train),
                "pairs of the validation part": [*_buffers(self.valid), *texts],
            },
        )

    def bare_network(self) -> nn.Module:
        """As `network`: it looks at no data."""
        return self.network()

    def network(self) -> nn.Module:
        """A fresh network, from torch's generator."""
        return build_encoder_decoder(self.recipe.model, vocabularies_of(self.sides))


def _buffers(part: PairExamples) -> list[Any]:
    """The token ids of both sides, and where each text begins."""
    columns = (part.sources, part.targets_column)
    return [buffer for column in columns for buffer in values_and_offsets(column)]


def vocabularies_of(sides: Sides) -> Vocabularies:
    """How many ids each side has."""
    return Vocabularies(
        sides.source.vocabulary.size, sides.target.vocabulary.size, shared=sides.shared
    )


def task_of(recipe: PairRecipe, sides: Sides) -> Translate:
    """The task, with the tokenizer that writes its answers."""
    decoding = recipe.decoding
    if recipe.translate.copy_unknown:  # what may not be written cannot be replaced
        decoding = decoding.model_copy(update={"allow_unknown": True})
    return Translate(recipe.translate, decoding, sides)


def prepare_pairs(
    data: Any, valid: Any, model: str | None, given: Mapping[str, Any], say: Say
) -> PreparedPairs:
    """Read, check, split, fit the tokenizers and encode.

    Args:
        data: of `munjang.data.pairs.read.read_pairs`.
        valid: likewise, or None to hold out a part of `data`.
        model: name of the architecture, unless `given` names one; None for the default.
        given: the user's settings, nested as in `config.yaml`.
        say: called with lines for people.

    Raises:
        MunjangError: the pairs or a setting cannot be used.
    """
    model = model or "transformer"
    # a wrong setting is told before anything is read
    asked = make_pair_recipe(model, PairTexts(), given)
    table = read_and_say(data, asked.data, say)
    recipe = recipe_of(model, table, given)
    if valid is not None:
        parts = {"train": table, "valid": read_and_say(valid, recipe.data, say)}
    else:
        rows = split(table, valid=recipe.data.valid, seed=recipe.seed, stratify=False)
        parts = {"train": table.take(rows.train), "valid": table.take(rows.valid)}
    with stage(f"learning tokens from {counted(len(parts['train']), 'pair')}"):
        sides = Sides.fit(recipe.tokenizer, *sides_of(parts["train"]))
    with stage(f"encoding {counted(len(table), 'pair')}"):
        encoded = {name: _encode(sides, part, recipe.tokenizer) for name, part in parts.items()}
    for name, part in encoded.items():
        if not len(part.examples):
            raise DataError(
                f"every pair of the {name} part is longer than tokenizer.source.max_length "
                f"({recipe.tokenizer.source.max_length}) or target.max_length "
                f"({recipe.tokenizer.target.max_length}); raise them"
            )
    facts = _facts(parts, encoded, sides, recipe)
    for line in _fact_lines(facts, recipe):
        say(line)
    task = task_of(recipe, sides)
    train, held_out = encoded["train"].examples, encoded["valid"].examples
    return PreparedPairs(recipe, sides, task, train, held_out, facts)


def read_and_say(data: Any, columns: PairDataSettings, say: Say) -> Table:
    """Read pairs and say what was read, guessed and skipped."""
    with stage("reading pairs"):
        table = read_pairs(
            data,
            source_column=columns.source_column,
            target_column=columns.target_column,
            encoding=columns.encoding,
            skip_bad_rows=columns.skip_bad_rows,
            max_ratio=columns.max_ratio,
        )
    say(f"read {counted(len(table), 'pair')} of {', '.join(table.files)}")
    for note in (*table.notes, *long_run_lines(table)):
        say(note)
    for reason, count in table.skipped.items():
        say(f"skipped {counted(count, 'pair')}: {reason}")
    return table


def sides_of(table: Table) -> tuple[pl.Series, pl.Series]:
    """Sources and targets."""
    assert table.labels is not None
    return table.texts, table.labels


def encode_pairs(sides: Sides, table: Table) -> PairExamples:
    """Both sides as ids, with their texts."""
    sources, targets = sides_of(table)
    return PairExamples(
        sides.source.encode(sources), sides.target.encode(targets), (sources, targets)
    )


@dataclass(frozen=True)
class _Encoded:
    """Pairs as ids, and how many were left out for their length."""

    examples: PairExamples
    left_out: int


def _encode(sides: Sides, table: Table, settings: PairTokenizerSettings) -> _Encoded:
    pairs = encode_pairs(sides, table)
    long = too_long((row_lengths(pairs.sources), row_lengths(pairs.targets_column)), settings)
    if not long.any():
        return _Encoded(pairs, 0)
    return _Encoded(encode_pairs(sides, table.take(np.flatnonzero(~long))), int(long.sum()))


def recipe_of(model: str, table: Table, given: Mapping[str, Any]) -> PairRecipe:
    """The defaults of a model for these pairs, with what the user gave laid on them.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    sources, targets = sides_of(table)
    scripts = script_of(sources), script_of(targets)
    characters = int(targets.str.len_chars().sum() or 0)
    texts = PairTexts(
        scripts,
        tokens=characters // _CHARACTERS_A_TOKEN[scripts[1]],
        words=float(sources.str.count_matches(r"\S+").mean() or 0),  # type: ignore[arg-type]
    )
    recipe = make_pair_recipe(model, texts, given)
    found = {"source_column": table.text_column, "target_column": table.label_column}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=found)})


def _facts(
    parts: Mapping[str, Table], encoded: Mapping[str, _Encoded], sides: Sides, recipe: PairRecipe
) -> dict[str, Any]:
    train, valid = encoded["train"].examples, encoded["valid"].examples
    return {
        "rows": len(train),
        "valid_rows": len(valid),
        "files": ", ".join(Path(name).name for name in parts["train"].files),
        "source_tokenizer": recipe.tokenizer.source.name,
        "target_tokenizer": recipe.tokenizer.target.name,
        "shared_vocabulary": sides.shared,
        "source_vocabulary": sides.source.vocabulary.size,
        "target_vocabulary": sides.target.vocabulary.size,
        "source_tokens": len(values_and_offsets(train.sources)[0]),
        "tokens": int(train.lengths[:, 1].sum()),
        "source_oov_rate": _oov_rate(valid.sources),
        "target_oov_rate": _oov_rate(valid.targets_column),
        "left_out": encoded["train"].left_out,
        "valid_left_out": encoded["valid"].left_out,
        "skipped": dict(parts["train"].skipped),
    }


def _oov_rate(column: TokenColumn) -> float:
    values, _ = values_and_offsets(column)
    return float((values == OOV).mean()) if len(values) else 0.0


def _fact_lines(facts: Mapping[str, Any], recipe: PairRecipe) -> list[str]:
    lines = [
        f"{counted(facts['rows'], 'pair')} to train on, {facts['valid_rows']:,} to validate on"
    ]
    if facts["shared_vocabulary"]:
        lines.append(
            f"tokens of both sides: {facts['source_tokenizer']}, vocabulary "
            f"{facts['source_vocabulary']:,}"
        )
    else:
        lines += [
            f"tokens of the {side}: {facts[f'{side}_tokenizer']}, vocabulary "
            f"{facts[f'{side}_vocabulary']:,}"
            for side in ("source", "target")
        ]
    lines.append(
        f"out of vocabulary in validation: {facts['source_oov_rate']:.2%} of the sources, "
        f"{facts['target_oov_rate']:.2%} of the targets"
    )
    if facts["left_out"] or facts["valid_left_out"]:
        left_out = counted(facts["left_out"] + facts["valid_left_out"], "pair")
        lines.append(
            f"left out {left_out} with more than {recipe.tokenizer.source.max_length} source or "
            f"{recipe.tokenizer.target.max_length} target tokens"
        )
    return lines

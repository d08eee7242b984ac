"""From files to what a training loop takes: a table, a split, a tokenizer, token columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from munjang.data.batches import Examples
from munjang.data.encode import EncodedTexts, encode_texts
from munjang.data.readers import read_table
from munjang.data.readers.values import ReadLabels
from munjang.data.runs import long_run_lines
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.data.vectors import WordVectors
from munjang.defaults import make_recipe, script_of
from munjang.pretrained import coverage, coverage_lines, find, with_vectors
from munjang.recipe import DataSettings, Recipe
from munjang.tasks.head import encoders_of
from munjang.tasks.task import Task
from munjang.telling import Say, counted, stage
from munjang.text.columns import TokenColumn, values_and_offsets
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV
from munjang.text_network import learn_texts, text_network
from munjang.training.fingerprints import fingerprint


@dataclass(frozen=True)
class Prepared:
    """Everything that stands before the first step.

    Attributes:
        recipe: complete, with the columns that were found.
        tokenizer: fitted on the training part.
        task: with what it takes from the training part.
        train: the training part.
        valid: the validation part.
        facts: what was counted on the way, for `metrics.json`.
        unknown: words out of vocabulary of both parts, see `munjang.data.encode.EncodedTexts`.
        vectors: pretrained ones of the tokens that have one; None where none were given.
    """

    recipe: Recipe
    tokenizer: Tokenizer
    task: Task
    train: Examples
    valid: Examples
    facts: dict[str, Any]
    unknown: tuple[str, ...] = ()
    vectors: WordVectors | None = None

    @property
    def fingerprint(self) -> str:
        """Of the recipe, but for how it is run, and of all that was made of the data."""
        recipe = self.recipe.to_dict()
        if self.vectors is not None:
            recipe["vectors"]["file"] = self.vectors.fingerprint  # wherever the file lies now
        parts = {"training part": self.train, "validation part": self.valid}
        return fingerprint(
            recipe,
            {
                "vocabulary": [self.tokenizer.to_json(), self.tokenizer.vocabulary.tokens],
                "set of labels": [self.task.learned()],
                **{f"texts of the {k}": values_and_offsets(p.column) for k, p in parts.items()},
                **{f"labels of the {k}": [p.targets] for k, p in parts.items()},
                "words out of vocabulary": [self.unknown],
            },
        )

    def bare_network(self) -> nn.Module:
        """A fresh network that knows nothing yet."""
        return text_network(self.recipe, self.task, self.tokenizer.vocabulary.size)

    def network(self) -> nn.Module:
        """A fresh network, from torch's generator, that knows n-grams, spellings and vectors."""
        network = self.bare_network()
        tokens = self.tokenizer.vocabulary.tokens
        learn_texts(network, self.task, self.train, tokens=tokens, unknown=self.unknown)
        if self.vectors is not None:
            ids, rows = (torch.from_numpy(a) for a in (self.vectors.ids, self.vectors.vectors))
            for encoder in encoders_of(network):
                encoder.embedding.load_vectors(ids, rows, frozen=self.recipe.vectors.freeze)
        return network


def prepare(
    data: Any,
    valid: Any,
    model: str,
    given: Mapping[str, Any],
    say: Say,
    *,
    vectors: Any = None,
) -> Prepared:
    """Read, check, split, fit the tokenizer and encode.

    Args:
        data: of `munjang.data.readers.read.read_table`.
        valid: likewise, or None to hold out a part of `data`.
        model: name of the architecture, unless `given` names one.
        given: the user's settings, nested as in `config.yaml`.
        say: called with lines for people.
        vectors: pretrained ones in memory, or their path; those of `given` when left out.
    """
    source, given = with_vectors(vectors, given)
    asked = make_recipe(model, "other", 0, given)
    kind, settings = asked.task_class, asked.task_settings
    read_labels = kind.reader(settings)
    table = read_and_say(data, asked.data, read_labels, say)
    recipe = _complete(make_recipe(model, script_of(table.texts), len(table), given), table)
    kind.check(table, least=1 if valid is not None else 2)
    if valid is not None:
        parts = {"train": table, "valid": read_and_say(valid, recipe.data, read_labels, say)}
    else:
        parts = _held_out(table, recipe)
    task = kind.fit(parts["train"], table, settings, recipe.labels)
    for line in task.remarks(parts["train"]):
        say(line)
    with stage(f"learning {recipe.tokenizer.name} from {counted(len(parts['train']), 'text')}"):
        tokenizer = make_tokenizer(recipe.tokenizer.name, **recipe.tokenizer.settings).fit(
            parts["train"].texts,
            min_frequency=recipe.tokenizer.min_frequency,
            max_size=recipe.tokenizer.max_size,
        )
    encoded = {"train": _encode(tokenizer, parts["train"], recipe)}
    encoded["valid"] = _encode(tokenizer, parts["valid"], recipe, encoded["train"].unknown)
    facts = _facts(parts, encoded, tokenizer, recipe)
    found = None if source is None else find(source, recipe.vectors, tokenizer)
    if found is not None:
        facts["vectors"] = coverage(found, tokenizer, encoded, recipe.vectors)
    for line in (*_fact_lines(facts, recipe), *coverage_lines(found, facts)):
        say(line)
    train, held = (Examples(encoded[name].column, task.targets(parts[name])) for name in encoded)
    unknown = encoded["valid"].unknown
    return Prepared(recipe, tokenizer, task, train, held, facts, unknown, found)


def read_and_say(data: Any, columns: DataSettings, read_labels: ReadLabels, say: Say) -> Table:
    """Read labelled text and say what was read, guessed and skipped."""
    with stage("reading texts"):
        table = read_table(
            data,
            text_column=columns.text_column,
            label_column=columns.label_column,
            encoding=columns.encoding,
            skip_bad_rows=columns.skip_bad_rows,
            read_labels=read_labels,
        )
    say(f"read {counted(len(table), 'row')} of {', '.join(table.files)}")
    for note in (*table.notes, *long_run_lines(table)):
        say(note)
    for reason, count in table.skipped.items():
        say(f"skipped {counted(count, 'row')}: {reason}")
    return table


def _complete(recipe: Recipe, table: Table) -> Recipe:
    found = {"text_column": table.text_column, "label_column": table.label_column}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=found)})


def _held_out(table: Table, recipe: Recipe) -> dict[str, Table]:
    stratify = recipe.task_class.stratified
    parts = split(table, valid=recipe.data.valid, seed=recipe.seed, stratify=stratify)
    return {"train": table.take(parts.train), "valid": table.take(parts.valid)}


def _encode(
    tokenizer: Tokenizer, part: Table, recipe: Recipe, known: Sequence[str] = ()
) -> EncodedTexts:
    with stage(f"encoding {counted(len(part), 'text')}"):
        return encode_texts(tokenizer, part.texts, known=known, **recipe.encoding)


def _facts(
    parts: Mapping[str, Table],
    encoded: Mapping[str, EncodedTexts],
    tokenizer: Tokenizer,
    recipe: Recipe,
) -> dict[str, Any]:
    return {
        "rows": len(parts["train"]),
        "valid_rows": len(parts["valid"]),
        "files": ", ".join(Path(name).name for name in parts["train"].files),
        "tokenizer": recipe.tokenizer.name,
        "vocabulary": tokenizer.vocabulary.size,
        "tokens": len(values_and_offsets(encoded["train"].column)[0]),
        "oov_rate": _oov_rate(encoded["valid"].column, tokenizer.vocabulary.size),
        "truncated": int(encoded["train"].truncated.sum()),
        "valid_truncated": int(encoded["valid"].truncated.sum()),
        "skipped": dict(parts["train"].skipped),
    }


def _oov_rate(column: TokenColumn, size: int) -> float:
    values, _ = values_and_offsets(column)
    return float(((values == OOV) | (values >= size)).mean()) if len(values) else 0.0


def _fact_lines(facts: Mapping[str, Any], recipe: Recipe) -> list[str]:
    lines = [
        f"{counted(facts['rows'], 'row')} to train on, {facts['valid_rows']:,} to validate on",
        f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
        f"{facts['oov_rate']:.2%} of validation tokens out of vocabulary",
    ]
    if recipe.answer_together:
        lines.append(recipe.answer_together)
    cut = facts["truncated"] + facts["valid_truncated"]
    if cut:
        lines.append(f"{cut:,} texts were longer than {recipe.longest_kept} tokens and were cut")
    return lines

"""Compare language models on running text; a judged row is a line."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from munjang.baselines.running_text import RUNNING_TEXT_BASELINES, RunningTextBaseline
from munjang.comparison.contests.contest import Contest, Given, Parts, without
from munjang.config import merge
from munjang.tasks.line_bits import LineBits
from munjang.text.vocabulary import EOS

if TYPE_CHECKING:
    from munjang.comparison.language_judge import LanguageJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.recipe import Recipe
    from munjang.report.html import Markup

# Settings of reading, which the parts do not need any more.
_READING = ("text_column", "encoding", "skip_bad_rows", "validation_split")


class LanguageContest(Contest):
    """The next token of running text.

    Metrics per token are shown but decide nothing: each tokenizer has other tokens.
    """

    metrics: ClassVar[tuple[str, ...]] = ("bits_per_character", "bits_per_byte")
    also_shown: ClassVar[tuple[str, ...]] = (*metrics, "cross_entropy", "perplexity")
    baselines = RUNNING_TEXT_BASELINES
    constant = frozenset({"character-frequencies"})
    noun = "line"
    network_imports = ()

    @property
    def constant_answer(self) -> str:
        """Description of a model whose answer does not depend on the row: a verb and its object."""
        return "gives the same probabilities at every place of the text"

    def cut(self, table: Any, held_out: dict[str, Any], recipe: "Recipe") -> dict[str, Any]:
        """Cut a text into its beginning and two parts at its end."""
        from munjang.comparison.text_parts import cut_text

        return cut_text(table, held_out, recipe.section("data").validation_split)

    def check_parts(self, tables: dict[str, Any], table: Any, recipe: "Recipe") -> Parts:
        """Refuse parts without anything to predict.

        Raises:
            DataError: a part has blank lines only.
        """
        from munjang.comparison.text_parts import require_lines

        for name in ("train", "test"):
            require_lines(tables[name], name)
        return Parts(tables)

    def digest(self, parts: Parts) -> str:
        """Return the SHA-256 of all lines, in their order."""
        from munjang.comparison.text_parts import digest_texts

        return digest_texts(parts)

    def write(self, parts: Parts, folder: Path) -> None:
        """Write each part as a Parquet file with one row per line, blank ones included."""
        from munjang.comparison.text_parts import write_texts

        write_texts(parts, folder)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run."""
        from munjang.comparison.text_parts import COLUMN

        data = without(given.get("data", {}), *_READING)
        own = self.named({**without(given, "seed"), "data": {**data, "text_column": COLUMN}})
        # the n-gram model has a row of its own, and no network is to count n-grams beside it
        return merge({"language": {"ngram_order": 0}}, own)

    def check(self, model: str, given: Given, parts: Parts) -> None:
        """Refuse a tokenizer that loses a part of the text, too.

        Raises:
            ConfigError: naming the setting.
        """
        from munjang.comparison.text_parts import require_restoring
        from munjang.recipe import make_recipe

        train = parts["train"]
        recipe = make_recipe(merge(given, {"model": {"name": model}}), train)
        require_restoring(recipe, train.lines)

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines.running_text`."""
        from munjang.baselines.running_text import fit_running_text_baseline
        from munjang.comparison.fit import timed

        train, valid = (_lines(folder, name) for name in ("train", "valid"))
        model, seconds = timed(lambda: fit_running_text_baseline(job.candidate.model, train, valid))
        decoding = job.given.get("decoding")
        return (model.with_decoding(decoding) if decoding else model), seconds

    def answer(self, model: Any) -> Callable[[Sequence[Any]], Any]:
        """Return the function of lines to the nats of each, read alone after a line break."""
        tokenizer, losses = _scorer(model)

        def nats(line: str) -> float:
            ids = np.concatenate([[EOS], tokenizer.encode_text(line), [EOS]]).astype(np.int32)
            return float(losses(ids).sum())

        return lambda lines: [nats(line) for line in lines]

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write the bits of each line, and what the model writes after a prompt."""
        from munjang.comparison.continuations import choose_prompt, continue_prompt
        from munjang.comparison.language_judge import LanguageAnswers

        lines = _lines(folder, "test")
        tokenizer, losses = _scorer(model)
        scored = LineBits.compute(tokenizer, lines, losses)
        continuation = continue_prompt(model, choose_prompt(lines.to_list()))
        LanguageAnswers(scored.bits, continuation).write(run)
        return {name: value for name, value in scored.per_token.items() if math.isfinite(value)}

    def judge(self, plan: "Plan", folder: Path) -> "LanguageJudge":
        """Return the judge of bits per line."""
        from munjang.comparison.language_judge import LanguageJudge

        return LanguageJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return what the models write, and the lines on which they differ most."""
        from munjang.comparison.language_sections import language_sections

        return language_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Say what is comparable between tokenizers."""
        return [
            "a row is a line of the text with its line break; bits per character and per byte "
            "compare models of any tokens, cross-entropy (in nats) and perplexity are per token "
            "and compare models of the same tokens only"
        ]


def _lines(folder: Path, name: str) -> pl.Series:
    from munjang.comparison.stored import read_part

    return pl.Series(read_part(folder, name).inputs, dtype=pl.String)


def _scorer(model: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the tokenizer of a model, and its function of ids to nats."""
    if isinstance(model, RunningTextBaseline):
        return model.tokenizer, model.token_losses
    return model.task.fitted_tokenizer, partial(model.task.token_losses, model.network)

"""Compare models from text to text."""

import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.comparison.contests.contest import Contest, Given, Parts, Sources, without
from munjang.comparison.stored import part_file, read_part, write_answers
from munjang.pair_baselines import PAIR_BASELINES

if TYPE_CHECKING:
    from munjang.comparison.pair_judge import PairJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.report.html import Markup
    from munjang.telling import Say

COLUMNS = ("source", "target")
# Settings by which sacrebleu counts, for networks and baselines alike.
COUNTED = ("bleu_tokenizer", "lowercase")
# Decoding is what an evaluation takes its time for: so many pairs choose the best step, the same
# for all models.
_DECODED_ROWS = 200


def count_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how BLEU and chrF are counted, as every plan has it."""
    return {key: given["translate"][key] for key in COUNTED}


class TranslateContest(Contest):
    """A text for a text."""

    metrics = ("chrf", "bleu", "exact_match")
    also_shown = ("chrf", "bleu", "exact_match", "cross_entropy")
    baselines = PAIR_BASELINES
    network_imports = ("sacrebleu",)

    def networks(self) -> tuple[str, ...]:
        """Return the names of the encoder-decoders."""
        from munjang.models.registry import PAIR_ARCHITECTURES

        return tuple(PAIR_ARCHITECTURES)

    def split(self, sources: Sources, given: Given, say: "Say") -> Parts:
        """Read, check and split; equal sources are never in two parts."""
        from functools import partial

        from munjang.comparison.parts import read_sources, report_sizes, split_table
        from munjang.pair_preparation import read_and_say
        from munjang.pair_recipe import PairTexts, make_pair_recipe

        common = make_pair_recipe("transformer", PairTexts(), without(given, "model"))
        read = partial(read_and_say, columns=common.data, say=say)
        table, held_out = read_sources(sources, read)
        parts = Parts(split_table(table, held_out, common.data.valid, common.seed, stratify=False))
        report_sizes(parts, say)
        return parts

    def digest(self, parts: Parts) -> str:
        """Return the SHA-256 of sources and targets."""
        from munjang.comparison.parts import digest_tables

        return digest_tables(parts)

    def write(self, parts: Parts, folder: Path) -> None:
        """Write Parquet files with the columns `source` and `target`."""
        from munjang.comparison.parts import write_tables

        write_tables(parts, folder, COLUMNS)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run."""
        from munjang.config import merge
        from munjang.pair_recipe import PairTexts, make_pair_recipe

        given = merge({"translate": {"decoded_rows": _DECODED_ROWS}}, given)
        recipe = make_pair_recipe("transformer", PairTexts(), without(given, "model"))
        # written out: a baseline has no recipe, and is counted in the same way
        counted = {key: getattr(recipe.translate, key) for key in COUNTED}
        source, target = COLUMNS
        # pairs of absurd lengths were refused or left out when the data was read
        columns = {"source_column": source, "target_column": target, "max_ratio": None}
        return merge(
            {**without(given, "data", "seed"), "data": columns},
            {"task": "translate", "translate": counted},
        )

    def check(self, model: str, given: Given, parts: Parts) -> None:
        """Make the recipe of a network, which raises `ConfigError`."""
        from munjang.pair_preparation import recipe_of

        recipe_of(model, parts["train"], given)

    def prepare(self, folder: Path, model: str, given: Given, say: "Say") -> Any:
        """Prepare a training on the parts in a folder."""
        from munjang.pair_preparation import prepare_pairs

        train, valid = (str(part_file(folder, name)) for name in ("train", "valid"))
        return prepare_pairs(train, valid, model, given, say)

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.pair_baselines`."""
        from munjang.comparison.fit import timed
        from munjang.pair_baselines import fit_pair_baseline

        if job.candidate.model != "copy":
            import_module("sklearn.feature_extraction.text")  # is not time of the fit
        train = read_part(folder, "train")
        counted = count_settings(job.given)
        return timed(
            lambda: fit_pair_baseline(job.candidate.model, train.inputs, train.targets, counted)
        )

    def inputs(self, folder: Path) -> Sequence[str]:
        """Return the sources of the test part."""
        return read_part(folder, "test").inputs

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write an answer per source; a network also has a cross-entropy."""
        from munjang.pair_baselines import PairBaseline

        if isinstance(model, PairBaseline):
            write_answers(run, [answer.text for answer in model.predict(self.inputs(folder))])
            return {}
        from munjang.data.pairs.read import read_pairs

        file, (source, target) = str(part_file(folder, "test")), COLUMNS
        table = read_pairs(file, source_column=source, target_column=target, max_ratio=None)
        scores = model.evaluate(table)
        write_answers(run, scores.hypotheses)
        measured = {"cross_entropy": scores.cross_entropy, "cut_share": scores.cut_share}
        return {name: value for name, value in measured.items() if math.isfinite(value)}

    def judge(self, plan: "Plan", folder: Path) -> "PairJudge":
        """Return the judge of written answers."""
        from munjang.comparison.pair_judge import PairJudge

        return PairJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return scores by length of the source, and where the answers differ most."""
        from munjang.comparison.pair_sections import pair_sections

        return pair_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Say how answers in words were counted."""
        return [
            "tokens are those of the targets; cross-entropy is in nats per token, which tells "
            "nothing between models with different tokens",
            *comparison.details.signatures,
        ]

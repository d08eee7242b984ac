"""Compare models from text to text."""

import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.baselines import PAIR_BASELINES
from munjang.comparison.contests.contest import Contest, Given, Parts, without
from munjang.comparison.stored import read_part, write_answers

if TYPE_CHECKING:
    from munjang.comparison.pair_judge import PairJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.report.html import Markup

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

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run."""
        from munjang.config import merge
        from munjang.recipe import check_given

        given = merge({"translate": {"validation_rows": _DECODED_ROWS}}, given)
        recipe = check_given(self.named(without(given, "model", "data", "seed")))
        # written out: a baseline has no recipe, and is counted in the same way
        counted = {key: getattr(recipe.section("translate"), key) for key in COUNTED}
        # pairs of absurd lengths were refused or left out when the data was read
        own = {"translate": counted, "data": {"max_length_ratio": None}}
        return merge(super().settings(given, parts), own)

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines`."""
        from munjang.baselines import fit_pair_baseline
        from munjang.comparison.fit import timed

        if job.candidate.model != "copy":
            import_module("sklearn.feature_extraction.text")  # is not time of the fit
        train = read_part(folder, "train")
        counted = count_settings(job.given)
        return timed(
            lambda: fit_pair_baseline(job.candidate.model, train.inputs, train.targets, counted)
        )

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write an answer per source; a network also has a cross-entropy."""
        from munjang.baselines import PairBaseline

        if isinstance(model, PairBaseline):
            write_answers(run, [answer.text for answer in model.predict(self.inputs(folder))])
            return {}
        scores = model.evaluate(self.training_data(folder, "test"))
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

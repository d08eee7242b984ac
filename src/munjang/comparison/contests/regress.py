"""Compare models that give a text a number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from munjang.baselines.linear import NUMBER_BASELINES
from munjang.comparison.contests.contest import Contest, Parts

if TYPE_CHECKING:
    from munjang.comparison.number_judge import NumberJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.report.html import Markup


class RegressContest(Contest):
    """A number per text."""

    metrics: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")
    also_shown: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2", "spearman")
    baselines = NUMBER_BASELINES
    constant = frozenset({"dummy-mean", "dummy-median"})

    def margin_unit(self, parts: Parts) -> float:
        """Return the standard deviation of the numbers of the training part."""
        return float(np.std(parts["train"].targets.to_numpy())) or 1.0

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines.linear` on numbers."""
        from munjang.baselines.linear import fit_number_baseline, import_libraries
        from munjang.comparison.fit import timed
        from munjang.comparison.stored import read_part

        import_libraries(job.candidate.model)
        train = read_part(folder, "train")
        targets = np.asarray(train.targets, dtype=np.float64)
        return timed(lambda: fit_number_baseline(job.candidate.model, train.inputs, targets))

    def answer(self, model: Any) -> Any:
        """Return the function of texts to numbers."""
        from munjang.baselines.linear import LinearBaseline

        if isinstance(model, LinearBaseline):
            return lambda texts: model.margins(texts)[:, 0]
        return lambda texts: np.array([answer.value for answer in model.predict(texts)])

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write a number per text."""
        from munjang.comparison.stored import write_numbers

        write_numbers(run, self.answer(model)(self.inputs(folder)))
        return {}

    def judge(self, plan: "Plan", folder: Path) -> "NumberJudge":
        """Return the judge of numbers."""
        from munjang.comparison.number_judge import NumberJudge

        return NumberJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return the texts on which the models differ most."""
        from munjang.comparison.number_sections import number_sections

        return number_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Give the standard deviation of the numbers to compare with."""
        from munjang.comparison.formatting import figure_text

        deviation = figure_text("rmse", comparison.details.deviation)
        return [
            f"the numbers of the test part have a standard deviation of {deviation}: the RMSE of "
            "always answering with their mean; MAE and RMSE are in the unit of the numbers"
        ]

"""Compare classifiers of texts: one label per text."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.baselines import BASELINES, READ_NO_TEXT
from munjang.comparison.contests.contest import Contest, Parts

if TYPE_CHECKING:
    from munjang.comparison.class_judge import ClassJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.data.table import Table
    from munjang.recipe import Recipe
    from munjang.report.html import Markup


class ClassifyContest(Contest):
    """One label per text."""

    metrics = ("accuracy", "macro_f1", "log_loss")
    baselines = BASELINES
    constant = READ_NO_TEXT

    def check_parts(self, tables: "dict[str, Table]", table: "Table", recipe: "Recipe") -> Parts:
        """Give the classes of all parts the names that they have in the training part."""
        from munjang.comparison.parts import with_known_classes

        return with_known_classes(tables)

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines`."""
        from munjang.baselines import fit_baseline
        from munjang.comparison.fit import timed
        from munjang.comparison.stored import class_numbers, read_labels, read_part

        if job.candidate.model != "majority":  # it counts, and nothing else
            for module in ("feature_extraction.text", "linear_model", "preprocessing", "svm"):
                import_module(f"sklearn.{module}")  # takes seconds that are not those of the fit
        labels = read_labels(folder)
        train = read_part(folder, "train")
        targets = class_numbers(train, labels)
        return timed(lambda: fit_baseline(job.candidate.model, train.inputs, targets, labels))

    def answer(self, model: Any) -> Callable[[Sequence[Any]], Any]:
        """Return the function of texts to probabilities [texts, classes]."""
        predict_proba: Callable[[Sequence[Any]], Any] = (
            model.predictor() if hasattr(model, "predictor") else model.predict_proba
        )
        return predict_proba

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write the likeliest classes of each text."""
        from munjang.comparison.class_answers import ClassAnswers
        from munjang.comparison.stored import class_numbers, read_labels, read_part

        labels = read_labels(folder)
        targets = class_numbers(read_part(folder, "test"), labels)
        predicted = ClassAnswers.predicted(self.answer(model), self.inputs(folder), targets, labels)
        predicted.write(run)
        return {}

    def judge(self, plan: "Plan", folder: Path) -> "ClassJudge":
        """Return the judge of classes."""
        from munjang.comparison.class_judge import ClassJudge

        return ClassJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return confusions, and where the models disagree most."""
        from munjang.comparison.class_sections import class_sections

        return class_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Name classes that the test part lacks."""
        from munjang.tasks.absent_classes import describe_absent_classes

        absent = comparison.details.absent
        return [describe_absent_classes(absent, "the test part")] if absent else []

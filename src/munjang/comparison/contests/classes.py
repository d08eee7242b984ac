"""Compare classifiers, of texts and of images: one label per row."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.comparison.contests.contest import Contest, Parts

if TYPE_CHECKING:
    from munjang.comparison.class_judge import ClassJudge
    from munjang.comparison.plan import Plan
    from munjang.comparison.results import Comparison
    from munjang.data.table import Table
    from munjang.recipe import Recipe
    from munjang.report.html import Markup


class ClassContest(Contest):
    """One label per row; a subclass reads the inputs and fits the baselines."""

    metrics = ("accuracy", "macro_f1", "log_loss")

    def check_parts(self, tables: "dict[str, Table]", table: "Table", recipe: "Recipe") -> Parts:
        """Give the classes of all parts the names that they have in the training part."""
        from munjang.comparison.parts import with_known_classes

        return with_known_classes(tables)

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write the most probable classes of each row."""
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

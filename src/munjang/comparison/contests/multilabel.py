"""Compare models that give a text any number of labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from munjang.baselines.linear import SET_BASELINES
from munjang.comparison.contests.contest import Contest, Given, Parts

if TYPE_CHECKING:
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.comparison.set_judge import SetJudge
    from munjang.data.table import Table
    from munjang.recipe import Recipe
    from munjang.report.html import Markup


class MultilabelContest(Contest):
    """Any number of labels per text."""

    metrics = ("micro_f1", "macro_f1", "subset_accuracy", "log_loss")
    also_shown = metrics
    baselines = SET_BASELINES
    constant = frozenset({"dummy-prior"})

    def check_parts(self, tables: "dict[str, Table]", table: "Table", recipe: "Recipe") -> Parts:
        """Give the labels of all parts the names that they have in the data."""
        from munjang.data.readers.class_names import match_known_labels
        from munjang.tasks.logits import LogitsTask

        # of all rows: a rare label may have no row in the training part
        task = recipe.task_class.fit(table, table, recipe)
        assert isinstance(task, LogitsTask)
        for name in ("valid", "test"):
            task.targets(tables[name])
            tables[name] = match_known_labels(tables[name], task.labels)
        return Parts(tables, task.labels)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run, with the labels of the data."""
        return {**super().settings(given, parts), "labels": list(parts.labels)}

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines.linear` on sets of labels.

        Its thresholds are tuned on the validation part, as those of the networks are.
        """
        from munjang.baselines.linear import fit_set_baseline, import_libraries
        from munjang.comparison.fit import timed
        from munjang.comparison.stored import read_labels, read_part, set_targets

        import_libraries(job.candidate.model)
        labels = read_labels(folder)
        train, valid = (read_part(folder, name) for name in ("train", "valid"))
        settings = job.given.get("multilabel", {})
        return timed(
            lambda: fit_set_baseline(
                job.candidate.model,
                (train.inputs, set_targets(train, labels)),
                (valid.inputs, set_targets(valid, labels)),
                labels,
                thresholds=settings.get("thresholds"),
            )
        )

    def answer(self, model: Any) -> Any:
        """Return the function of texts to answers."""
        from munjang.baselines.linear import LinearBaseline

        return model.set_probabilities if isinstance(model, LinearBaseline) else model.predict

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write the set of each text, and its log loss."""
        from munjang.baselines.linear import LinearBaseline
        from munjang.comparison.set_answers import SetAnswers
        from munjang.comparison.stored import read_labels, read_part, set_targets

        labels = read_labels(folder)
        targets = set_targets(read_part(folder, "test"), labels)
        answer = self.answer(model)

        def sets_of(texts: Any) -> Any:
            if isinstance(model, LinearBaseline):
                probabilities = answer(texts)
                return probabilities, probabilities >= np.asarray(model.thresholds)
            answers = answer(texts)
            probabilities = np.array([list(one.probabilities.values()) for one in answers])
            chosen = [[label in set(one.labels) for label in labels] for one in answers]
            return probabilities, np.array(chosen, dtype=np.bool_)

        SetAnswers.predicted(sets_of, self.inputs(folder), targets).write(run)
        return {}

    def judge(self, plan: "Plan", folder: Path) -> "SetJudge":
        """Return the judge of sets of labels."""
        from munjang.comparison.set_judge import SetJudge

        return SetJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return the F1 of each label, and the texts on which the models differ most."""
        from munjang.comparison.set_sections import set_sections

        return set_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Name labels that the test part lacks."""
        from munjang.tasks.absent_classes import describe_absent_classes

        absent = comparison.details.absent
        return [describe_absent_classes(absent, "the test part")] if absent else []

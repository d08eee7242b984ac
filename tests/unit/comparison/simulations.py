"""Made comparisons whose truth is known: models of a given quality, their seeds and their rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from munjang.comparison.candidates import Candidate
from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.class_tallies import class_tally
from munjang.comparison.margins import margin_of
from munjang.comparison.number_judge import number_tally
from munjang.comparison.set_answers import SetAnswers
from munjang.comparison.set_judge import set_tally
from munjang.comparison.standings import Outcome, Standing, make_standings
from munjang.comparison.statistics import Floats, Tally, score

NETWORKS = ("mean", "cnn", "rnn", "lstm", "gru", "transformer")
BASELINES = ("tfidf-words", "tfidf-characters", "nbsvm", "majority")
RECORD: dict[str, Any] = {
    "parameters": 100,
    "folder_bytes": 1000,
    "memory_bytes": 1000,
    "seconds": 1.0,
    "tokens_per_second": None,
    "latency": {"p50": 1.0, "p99": 2.0},
}

Judge = Callable[[Floats], Tally]  # right or wrong, and how easily: [rows] to a tally


@dataclass(frozen=True)
class World:
    """Comparisons drawn from the same truth.

    Rows are easy or hard for all, for a model, and for a run, so that errors go together as those
    of real models do; a seed moves the quality of a run.

    Attributes:
        networks: how many.
        baselines: how many models without chance.
        rows: of the test part.
        seeds: runs of each network.
        deviation: of the accuracy of a network over seeds.
        accuracy: of all models.
        gap: how much worse the last network is.
        unlike: instead of `deviation`, that of each network.
    """

    networks: int = 6
    baselines: int = 0
    rows: int = 1000
    seeds: int = 3
    deviation: float = 0.0
    accuracy: float = 0.85
    gap: float = 0.0
    unlike: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[Candidate, ...]:
        return tuple(map(Candidate, (*NETWORKS[: self.networks], *BASELINES[: self.baselines])))

    def outcomes(self, judge: Judge, random: np.random.Generator) -> dict[Candidate, list[Outcome]]:
        """One comparison."""
        for_all = random.standard_normal(self.rows)
        result = {}
        for index, candidate in enumerate(self.names):
            own = random.standard_normal(self.rows)
            quality = self.accuracy - self.gap * (index == self.networks - 1)
            runs = []
            for _ in candidate.seeds(self.seeds):
                deviation = self.unlike[index] if index < len(self.unlike) else self.deviation
                seed_effect = 0 if candidate.is_baseline else deviation * random.standard_normal()
                level = norm.ppf(np.clip(quality + seed_effect, 0.001, 0.999))
                hardness = 0.5**0.5 * for_all + 0.5 * own + 0.5 * random.standard_normal(self.rows)
                tally = judge(level - hardness)
                runs.append(Outcome(RECORD, None, tally, {"accuracy": score(tally)}))
            result[candidate] = runs
        return result

    def table(
        self,
        random: np.random.Generator,
        metric: str = "accuracy",
        judge: Judge | None = None,
        margin: float | None = None,
    ) -> list[Standing]:
        """The table of one comparison."""
        outcomes = self.outcomes(judge or JUDGES[metric], random)
        allowed = margin_of(metric, margin)
        return make_standings(outcomes, {}, self.seeds, metric=metric, margin=allowed)


def right_or_wrong(metric: str, classes: int) -> Judge:
    """Judges by probabilities: the true class has the largest where the model is right."""

    def judge(ease: Floats) -> Tally:
        rows = np.arange(len(ease))
        targets = rows % classes
        true = norm.cdf(ease)  # above a half where it is right
        other = (targets + 1 + rows // classes % (classes - 1)) % classes
        probabilities = np.zeros((len(ease), classes))
        probabilities[rows, other] = 1 - true
        probabilities[rows, targets] = true
        return class_tally(metric, ClassAnswers.of(probabilities, targets), targets)

    return judge


def ratio_of_sums(ease: Floats) -> Tally:
    """A figure like BLEU: the geometric mean of two shares of matches, of sentences unlike long."""
    rows = np.arange(len(ease))
    words = 3.0 + 7 * rows % 23
    ones = np.round(words * norm.cdf(ease))
    twos = np.maximum(ones - 2, 0)
    counts = np.stack([ones, words, twos, words - 1], axis=1)
    return Tally(
        counts, lambda sums: 100 * np.sqrt(sums[:, 0] / sums[:, 1] * sums[:, 2] / sums[:, 3])
    )


def errors(metric: str) -> Judge:
    """Judges numbers: the error is the larger the harder the row."""

    def judge(ease: Floats) -> Tally:
        rows = np.arange(len(ease))
        targets = 100 + 3 * np.random.default_rng(0).standard_normal(len(ease))
        return number_tally(metric, targets + (-1.0) ** rows * np.logaddexp(0, -ease), targets)

    return judge


def judge_label_sets(ease: Floats) -> Tally:
    """Micro F1 of sets: of four labels the frequent ones are easier."""
    targets = np.random.default_rng(0).random((len(ease), 4)) < [0.6, 0.4, 0.3, 0.1]
    is_right = ease[:, None] > np.array([-1.0, -0.5, 0.0, 0.5])
    predicted = targets == is_right
    return set_tally(
        "micro_f1", SetAnswers.of(np.full(predicted.shape, 0.5), predicted, targets), targets
    )


JUDGES: dict[str, Judge] = {
    "accuracy": right_or_wrong("accuracy", 2),
    "macro_f1": right_or_wrong("macro_f1", 5),
    "log_loss": right_or_wrong("log_loss", 3),
    "bleu": ratio_of_sums,
    "mae": errors("mae"),
    "rmse": errors("rmse"),
    "r2": errors("r2"),
    "micro_f1": judge_label_sets,
}


def has_worse(table: Sequence[Standing]) -> bool:
    """Return whether some model is called worse."""
    return any(row.verdict.startswith("worse") for row in table)


def verdict_of(
    world: World, name: str, random: np.random.Generator, margin: float | None = None
) -> str:
    """Verdict of a comparison on one model."""
    return next(row.verdict for row in world.table(random, margin=margin) if row.name == name)

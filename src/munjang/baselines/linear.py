"""Baselines of numbers and of sets of labels: linear models on TF-IDF, and constant answers.

scikit-learn fits them, and they are saved as plain arrays. Neither fitting nor scoring them needs
torch; it is imported where a baseline answers as a trained model does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from munjang.baselines.baseline import TERMS, Baseline, Strings
from munjang.data.columns import text_column
from munjang.errors import ConfigError, FolderError
from munjang.folder.sealed import are_strings
from munjang.reporting import format_markdown_list, pluralize, stage
from munjang.tasks.linear import solve_logistic

if TYPE_CHECKING:
    from torch import Tensor

    from munjang.data.table import Table
    from munjang.folder.weights import Entry
    from munjang.tasks.task import TaskScores

_WORDS, _CHARACTERS = "TF-IDF of words and pairs of words", "TF-IDF of 1 to 5 characters in words"
NUMBER_BASELINES: dict[str, str] = {
    "dummy-mean": "the mean of the training numbers, whatever the text",
    "dummy-median": "the median of the training numbers, whatever the text",
    "tfidf-words": f"{_WORDS}, ridge regression",
    "tfidf-characters": f"{_CHARACTERS}, ridge regression",
}
SET_BASELINES: dict[str, str] = {
    "dummy-prior": "the share of rows that have a label, whatever the text",
    "tfidf-words": f"{_WORDS}, logistic regression of each label",
    "tfidf-characters": f"{_CHARACTERS}, logistic regression of each label",
}

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32]
TaskName = Literal["regress", "multilabel"]

# A word of one letter is a word: in Korean many are.
_COUNTED: dict[str, dict[str, Any]] = {
    "tfidf-words": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
    "tfidf-characters": {"analyzer": "char_wb", "ngram_range": (1, 5)},
}
# From so many texts on, terms of a single text are left out: most terms are such.
_MANY_TEXTS = 1000
_RIDGE_PENALTY = 1.0


@dataclass(frozen=True, repr=False)
class LinearBaseline(Baseline):
    """A fitted linear model, or a constant answer, of numbers or of sets of labels.

    Attributes:
        name: a key of `NUMBER_BASELINES` or `SET_BASELINES`.
        task_name: regress or multilabel.
        labels: names of the labels; none of numbers.
        thresholds: the probability from which on each label is given.
        terms: what is counted; the index of a term is its column.
        idf: inverse document frequencies, [terms].
        weights: [outputs, terms]; one output per label, or one in all.
        bias: [outputs].
    """

    kind: ClassVar[str] = "linear"
    string_files: ClassVar[Mapping[str, str]] = {TERMS: "terms"}
    array_names: ClassVar[tuple[str, ...]] = ("idf", "weights", "bias")
    summaries: ClassVar[Mapping[str, str]] = {**SET_BASELINES, **NUMBER_BASELINES}

    name: str
    task_name: TaskName
    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    terms: tuple[str, ...]
    idf: Weights
    weights: Weights
    bias: Weights

    @property
    def parameters(self) -> int:
        """Number of fitted numbers."""
        return self.idf.size + self.weights.size + self.bias.size + len(self.thresholds)

    def margins(self, texts: Iterable[str]) -> Floats:
        """Return numbers [texts, 1], or log-odds [texts, labels]."""
        texts = list(texts)
        outputs = np.tile(self.bias.astype(np.float64), (len(texts), 1))
        if self._vectorizer is not None and texts:
            outputs += self._vectorizer.transform(texts) @ self.weights.T
        return outputs

    def set_probabilities(self, texts: Iterable[str]) -> Floats:
        """Return the probability of each label on its own, [texts, labels]."""
        from scipy.special import expit

        return np.asarray(expit(self.margins(texts)))

    @cached_property
    def _vectorizer(self) -> Any:
        if not self.terms:
            return None
        vectorizer = _vectorizer(self.name, self.terms)
        vectorizer.idf_ = self.idf.astype(np.float64)
        return vectorizer

    def predict_proba(self, texts: str | Iterable[str]) -> Floats:
        """Return probabilities [texts, labels]; one string counts as a list of one.

        Raises:
            ConfigError: It gives numbers, without probabilities.
            DataError: A text is None or not a string; its row is named.
        """
        if self.task_name == "regress":
            raise ConfigError(
                f"the baseline {self.name} gives numbers, no probabilities: predict()"
            )
        return self.set_probabilities(text_column(texts).to_list())

    def predict(self, texts: str | Iterable[str]) -> list[Any]:
        """Return a number or a set of labels per text; one string counts as a list of one.

        Raises:
            DataError: A text is None or not a string; its row is named.
        """
        logits = self.logits(texts)
        return list(self.task.answers_of(logits, np.zeros(len(logits), dtype=bool)))

    def logits(self, texts: str | Iterable[str]) -> "Tensor":
        """Return the margins [texts, outputs], which stand for a network's logits."""
        import torch

        return torch.from_numpy(self.margins(text_column(texts).to_list()))

    def score(self, table: "Table") -> "TaskScores":
        """Return the scores of the answers to the texts of a table with targets.

        Raises:
            DataError: A label is unknown.
        """
        scores: TaskScores = self.task.scores(self.logits(table.keys), self.task.targets(table))
        return scores

    @property
    def task(self) -> Any:
        """The task that answers and scores."""
        from munjang.recipe import check_given
        from munjang.registry import TASKS

        given: dict[str, Any] = {"task": self.task_name}
        if self.labels:
            thresholds = dict(zip(self.labels, self.thresholds, strict=True))
            given |= {"labels": self.labels, self.task_name: {"thresholds": thresholds}}
        return TASKS.require(self.task_name).load().restore(check_given(given))

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        return {
            "name": self.name,
            "task": self.task_name,
            "labels": list(self.labels),
            "thresholds": list(self.thresholds),
        }

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check the values of `baseline.json`, and return them as arguments of the class.

        Raises:
                FolderError: a value is missing, unknown or of another type.
        """
        known = {"regress": NUMBER_BASELINES, "multilabel": SET_BASELINES}
        return read_linear_config(path, config, known)

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array."""
        outputs, terms = max(1, len(config["labels"])), len(strings["terms"])
        return {
            "idf": ("F32", (terms,)),
            "weights": ("F32", (outputs, terms)),
            "bias": ("F32", (outputs,)),
        }

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Refuse terms of a baseline that counts none."""
        if config["name"] not in _COUNTED:
            refuse_terms(folder, config["name"], strings)

    def _card_of_classes(self) -> str:
        return (
            f"Labels: {format_markdown_list(self.labels, 'baseline.json')}.\n"
            if self.labels
            else ""
        )


def refuse_terms(folder: Path, name: str, strings: Strings) -> None:
    """Refuse terms in the folder of a baseline that counts none.

    Raises:
        FolderError: it has terms.
    """
    if strings["terms"]:
        raise FolderError(f"{folder / TERMS}: the baseline {name} counts no terms")


def import_libraries(name: str) -> None:
    """Import what fitting needs: that takes seconds which are not those of the fit."""
    if name in _COUNTED:
        for module in ("feature_extraction.text", "linear_model", "metrics"):
            import_module(f"sklearn.{module}")


def fit_number_baseline(name: str, texts: Sequence[str], targets: Floats) -> LinearBaseline:
    """Fit the baseline of that name on texts and numbers [texts]."""
    if name in ("dummy-mean", "dummy-median"):
        value = targets.mean() if name == "dummy-mean" else np.median(targets)
        return _constant(name, "regress", (), np.array([value]))

    def solve(features: Any) -> tuple[Floats, Floats]:
        from sklearn.linear_model import Ridge

        # in standard deviations, so that the solver's tolerance has no unit
        mean, scale = targets.mean(), float(targets.std()) or 1.0
        model = Ridge(alpha=_RIDGE_PENALTY, random_state=0)
        model.fit(features, (targets - mean) / scale)
        return scale * model.coef_[None], np.array([scale * model.intercept_ + mean])

    return _fitted(name, "regress", (), texts, solve)


def fit_set_baseline(
    name: str,
    train: tuple[Sequence[str], Bools],
    valid: tuple[Sequence[str], Bools],
    labels: Sequence[str],
    *,
    thresholds: Mapping[str, float] | None = None,
) -> LinearBaseline:
    """Fit the baseline of that name on texts and their labels [texts, labels].

    Args:
        name: A key of `SET_BASELINES`.
        train: Texts and labels to fit.
        valid: Texts and labels to tune the thresholds on.
        labels: Names of the labels.
        thresholds: By label, where they are not to be tuned.
    """
    from dataclasses import replace

    texts, targets = train
    if name == "dummy-prior":
        shares = targets.mean(0).clip(1e-9, 1 - 1e-9)
        model = _constant(name, "multilabel", labels, np.log(shares / (1 - shares)))
    else:

        def solve(features: Any) -> tuple[Floats, Floats]:
            each = [solve_logistic(features, label.astype(np.int64), 1) for label in targets.T]
            return np.vstack([one for one, _ in each]), np.concatenate([bias for _, bias in each])

        model = _fitted(name, "multilabel", labels, texts, solve)
    if thresholds is not None:
        return replace(model, thresholds=tuple(thresholds.get(label, 0.5) for label in labels))
    from munjang.tasks.thresholds import best_thresholds

    best = best_thresholds(model.set_probabilities(valid[0]), valid[1])
    return replace(model, thresholds=tuple(best))


def _constant(name: str, task: TaskName, labels: Sequence[str], bias: Floats) -> LinearBaseline:
    nothing = np.empty(0)
    return _baseline(name, task, labels, (), nothing, np.empty((len(bias), 0)), bias)


def _fitted(
    name: str,
    task: TaskName,
    labels: Sequence[str],
    texts: Sequence[str],
    solve: Callable[[Any], tuple[Floats, Floats]],
) -> LinearBaseline:
    vectorizer = _vectorizer(name, None, least=2 if len(texts) >= _MANY_TEXTS else 1)
    with stage(f"counting the terms of {pluralize(len(texts), 'text')}"):
        features = vectorizer.fit_transform(texts)
    terms = tuple(vectorizer.get_feature_names_out().tolist())
    with stage(f"solving {name}"):
        weights, bias = solve(features)
    return _baseline(name, task, labels, terms, vectorizer.idf_, weights, bias)


def _baseline(
    name: str,
    task: TaskName,
    labels: Sequence[str],
    terms: tuple[str, ...],
    idf: Floats,
    weights: Floats,
    bias: Floats,
) -> LinearBaseline:
    arrays = (array.astype(np.float32) for array in (idf, weights, bias))
    thresholds = tuple(0.5 for _ in labels)
    return LinearBaseline(name, task, tuple(labels), thresholds, terms, *arrays)


def _vectorizer(name: str, terms: Sequence[str] | None, *, least: int = 1) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(vocabulary=terms, min_df=least, sublinear_tf=True, **_COUNTED[name])


# Fewest labels of a task.
_FEWEST_LABELS = {"classify": 2, "multilabel": 1, "regress": 0}


def read_linear_config(
    path: Path, config: dict[str, Any], known: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """Check the values of `baseline.json`, and return them as arguments of the class.

    Args:
        path: the file, for messages.
        config: its values.
        known: names of the baselines of each task.

    Raises:
        FolderError: a value is missing, unknown or of another type.
    """
    if config.keys() != {"name", "task", "labels", "thresholds"}:
        raise FolderError(f"{path}: expected name, task, labels and thresholds of a baseline")
    name, task = config["name"], config["task"]
    labels, thresholds = config["labels"], config["thresholds"]
    if not isinstance(task, str) or task not in known:
        raise FolderError(f"{path}: unknown task {str(task)[:80]}; upgrade munjang")
    if not isinstance(name, str) or name not in known[task]:
        raise FolderError(f"{path}: unknown baseline {str(name)[:80]}; upgrade munjang")
    if not are_strings(labels) or len(set(labels)) < len(labels):
        raise FolderError(f"{path}: labels: expected different names")
    if len(labels) < _FEWEST_LABELS[task] or (labels and task == "regress"):
        raise FolderError(f"{path}: labels: these are not those of the task {task}")
    are_shares = isinstance(thresholds, list) and all(
        type(share) in (int, float) and 0 <= share <= 1 for share in thresholds
    )
    if not are_shares or len(thresholds) != len(labels) * (task == "multilabel"):
        raise FolderError(f"{path}: thresholds: expected a number from 0 to 1 for each label")
    return {
        "name": name,
        "task_name": task,
        "labels": tuple(labels),
        "thresholds": tuple(thresholds),
    }

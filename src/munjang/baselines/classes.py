"""Baselines of classification: linear models of counted n-grams, and the most frequent class.

scikit-learn fits them. They are kept as plain arrays: terms, their weights, a bias. Fitting and
measuring one does not load torch; `predict` and `evaluate` do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from munjang.baselines.baseline import CONFIG, TERMS, Baseline, Strings
from munjang.data.columns import text_column
from munjang.errors import FolderError
from munjang.folder.sealed import are_strings
from munjang.reporting import format_markdown_list, pluralize, stage
from munjang.tasks.linear import solve_logistic

if TYPE_CHECKING:
    from torch import Tensor

    from munjang.data.table import Table
    from munjang.folder.weights import Entry
    from munjang.tasks.class_answers import Prediction
    from munjang.tasks.classify import Classify
    from munjang.tasks.task import TaskScores

# A line about each, by name.
BASELINES: dict[str, str] = {
    "majority": "the most frequent class, whatever the text",
    "tfidf-words": "TF-IDF of words and pairs of words, logistic regression",
    "tfidf-characters": "TF-IDF of 1 to 5 characters within words, logistic regression",
    "nbsvm": "Naive Bayes log-count ratios of words and pairs, linear SVM (Wang and Manning 2012)",
}
# These give every text the same answer. They show what a score is worth, and are no models.
READ_NO_TEXT = frozenset({"majority"})

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

# A word of one letter counts: Korean has many.
_WORDS = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
_CHARACTERS = {"analyzer": "char_wb", "ngram_range": (1, 5)}
_VECTORIZERS: dict[str, dict[str, Any]] = {
    "tfidf-words": _WORDS,
    "tfidf-characters": _CHARACTERS,
    "nbsvm": {**_WORDS, "binary": True},
}
# With this many texts, terms of a single text are left out: most terms are such.
_MANY_TEXTS = 1000
# Interpolation of NBSVM's weights with their mean, and smoothing: beta and alpha of the paper.
_BETA, _ALPHA = 0.25, 1.0


@dataclass(frozen=True, repr=False)
class ClassBaseline(Baseline):
    """A fitted baseline of classification.

    Attributes:
        name: one of `BASELINES`.
        labels: class names, in the order of the columns of `predict_proba`.
        terms: what is counted; the index of a term is its column.
        idf: [terms] inverse document frequencies; empty where presence alone counts.
        weights: [outputs, terms]; one output for two classes, else one per class.
        bias: [outputs].
    """

    kind: ClassVar[str] = "classes"
    task_name: ClassVar[str] = "classify"  # type: ignore[misc]
    string_files: ClassVar[Mapping[str, str]] = {TERMS: "terms"}
    array_names: ClassVar[tuple[str, ...]] = ("idf", "weights", "bias")
    summaries: ClassVar[Mapping[str, str]] = BASELINES

    name: str
    labels: tuple[str, ...]
    terms: tuple[str, ...]
    idf: Weights
    weights: Weights
    bias: Weights

    @property
    def parameters(self) -> int:
        """Number of fitted numbers."""
        return self.idf.size + self.weights.size + self.bias.size

    def predictor(self) -> Callable[[Iterable[str]], Floats]:
        """Return a function from texts to probabilities [texts, classes].

        The scores of NBSVM are margins, not log-odds. The same sigmoid or softmax ranks them, but
        does not calibrate them.
        """
        margins = self._margins

        def predict_proba(texts: Iterable[str]) -> Floats:
            return _probabilities(margins(list(texts)))

        return predict_proba

    @cached_property
    def _margins(self) -> Callable[[Sequence[str]], Floats]:
        """A function from texts to margins [texts, outputs]."""
        vectorizer = _vectorizer(self.name, self.terms) if self.terms else None

        def margins(texts: Sequence[str]) -> Floats:
            scores = np.tile(self.bias.astype(np.float64), (len(texts), 1))
            if vectorizer is not None and texts:
                scores += _features(vectorizer.transform(texts), self.idf) @ self.weights.T
            return scores

        return margins

    def predict_proba(self, texts: str | Iterable[str]) -> Floats:
        """Return probabilities [texts, classes]; one string counts as a list of one.

        Raises:
            DataError: a text is None or not a string; its row is named.
        """
        return self.predictor()(text_column(texts).to_list())

    def predict(self, texts: str | Iterable[str]) -> "list[Prediction]":
        """Return the most probable class of each text, with all probabilities.

        Raises:
            DataError: as `predict_proba`.
        """
        logits = self.logits(texts)
        return self.task.answers_of(logits, np.zeros(len(logits), dtype=bool))

    def logits(self, texts: str | Iterable[str]) -> "Tensor":
        """Return margins [texts, outputs], which stand for a network's logits."""
        import torch

        return torch.from_numpy(self._margins(text_column(texts).to_list()))

    def score(self, table: "Table") -> "TaskScores":
        """Return the scores of the answers to the texts of a table with labels.

        Raises:
            DataError: a label is none of the classes.
        """
        from munjang.tasks.logits import slice_rows

        scorer = self.task.scorer(self.task.targets(table))
        for part in slice_rows(len(table), max(1, len(self.bias))):
            scorer.add(np.arange(len(table))[part], self.logits(table.keys[part]))
        return scorer.scores()

    @property
    def task(self) -> "Classify":
        """The classification task of its labels."""
        from munjang.tasks.classify import Classify, ClassifySettings

        return Classify(self.labels, ClassifySettings())

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        return {"name": self.name, "labels": list(self.labels)}

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check name and labels.

        Raises:
            FolderError: one is missing, unknown or of another type.
        """
        if config.keys() != {"name", "labels"}:
            raise FolderError(f"{path}: expected name and labels of a baseline")
        name, labels = config["name"], config["labels"]
        if not isinstance(name, str) or name not in BASELINES:
            raise FolderError(f"{path}: unknown baseline {str(name)[:80]}; upgrade munjang")
        if not are_strings(labels) or len(set(labels)) < len(labels) or len(labels) < 2:
            raise FolderError(f"{path}: labels: expected two or more different names")
        return {"name": name, "labels": tuple(labels)}

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Refuse terms of a baseline that reads no text.

        Raises:
            FolderError: naming the file.
        """
        if config["name"] in READ_NO_TEXT and strings["terms"]:
            raise FolderError(f"{folder / TERMS}: the baseline {config['name']} has no terms")

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array."""
        classes, terms = len(config["labels"]), len(strings["terms"])
        outputs = 1 if classes == 2 else classes
        has_idf = config["name"] in ("tfidf-words", "tfidf-characters")
        return {
            "idf": ("F32", (terms if has_idf else 0,)),
            "weights": ("F32", (outputs, terms)),
            "bias": ("F32", (outputs,)),
        }

    def _card_of_classes(self) -> str:
        return f"Classes: {format_markdown_list(self.labels, CONFIG)}.\n"


def fit_baseline(
    name: str, texts: Sequence[str], targets: Ints, labels: Sequence[str]
) -> ClassBaseline:
    """Fit a baseline of classification.

    Args:
        name: one of `BASELINES`.
        texts: one per row.
        targets: [texts] class numbers.
        labels: class names.
    """
    if name == "majority":
        shares = np.bincount(targets, minlength=len(labels)) / len(targets)
        logits = np.log(shares.clip(min=1e-9))
        bias = logits[1:] - logits[:1] if len(labels) == 2 else logits
        return _baseline(name, labels, (), np.empty(0), np.empty((len(bias), 0)), bias)
    vectorizer = _vectorizer(name, None, min_df=2 if len(texts) >= _MANY_TEXTS else 1)
    with stage(f"counting the terms of {pluralize(len(texts), 'text')}"):
        counts = vectorizer.fit_transform(texts)
    terms = tuple(vectorizer.get_feature_names_out().tolist())
    if name == "nbsvm":
        with stage(f"solving {name}"):
            fitted = _nbsvm(counts, targets, len(labels))
        return _baseline(name, labels, terms, np.empty(0), *fitted)
    present = np.bincount(counts.indices, minlength=len(terms))
    idf = np.log((1 + len(texts)) / (1 + present)) + 1
    outputs = 1 if len(labels) == 2 else len(labels)
    with stage(f"solving {name}"):
        weights, bias = solve_logistic(_features(counts, idf), targets, outputs)
    return _baseline(name, labels, terms, idf, weights, bias)


def _baseline(
    name: str,
    labels: Sequence[str],
    terms: tuple[str, ...],
    idf: Floats,
    weights: Floats,
    bias: Floats,
) -> ClassBaseline:
    arrays = (array.astype(np.float32) for array in (idf, weights, bias))
    return ClassBaseline(name, tuple(labels), terms, *arrays)


def _vectorizer(name: str, terms: Sequence[str] | None, *, min_df: int = 1) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(vocabulary=terms, min_df=min_df, **_VECTORIZERS[name])


def _features(counts: Any, idf: npt.NDArray[Any]) -> Any:
    """Return TF-IDF rows of norm 1 from counts [texts, terms]; without `idf` the counts."""
    from sklearn.preprocessing import normalize

    if not idf.size:
        return counts.astype(np.float64)
    weighted = counts.astype(np.float64)
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    return normalize(weighted, copy=False)


def _nbsvm(present: Any, targets: Ints, classes: int) -> tuple[Floats, Floats]:
    """Return weights [outputs, terms] and bias [outputs], one SVM per class on counts times r."""
    from sklearn.svm import LinearSVC

    weights, bias = [], []
    for number in [1] if classes == 2 else range(classes):
        is_class = targets == number
        ratio = _log_count_ratio(present, is_class)
        model = LinearSVC(C=1.0, random_state=0, max_iter=10_000)
        model.fit(present.multiply(ratio).tocsr(), is_class)
        coefficients = model.coef_[0]
        mixed = (1 - _BETA) * np.abs(coefficients).mean() + _BETA * coefficients
        weights.append(mixed * ratio)
        bias.append(model.intercept_[0])
    return np.stack(weights), np.asarray(bias)


def _log_count_ratio(present: Any, is_class: npt.NDArray[np.bool_]) -> Floats:
    """Return r = log((p / |p|) / (q / |q|)) of the paper, [terms], of smoothed counts p and q."""
    p, q = (np.asarray(present[rows].sum(0)).ravel() + _ALPHA for rows in (is_class, ~is_class))
    return np.asarray(np.log((p / p.sum()) / (q / q.sum())))


def _probabilities(margins: Floats) -> Floats:
    from scipy.special import expit, softmax

    if margins.shape[1] == 1:
        second = expit(margins)
        return np.hstack([1 - second, second])
    return np.asarray(softmax(margins, axis=1))

"""Baselines of two texts per row: linear models of the TF-IDF of both.

    joined   [a, b]                    what each text says
    cosine   cos(a, b)                 how many terms both share
    pair     [|a - b|, a * b, cos]     which terms both share, and which only one has

with a and b the TF-IDF vectors of the texts, of norm 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from munjang.baselines.baseline import AnyText, Strings
from munjang.baselines.linear import LinearBaseline, read_linear_config, refuse_terms
from munjang.data.two_texts.collection import collect_pairs
from munjang.data.two_texts.stream import WantedPair, group_pairs, wanted_pair
from munjang.data.two_texts.table import FIRST, SECOND
from munjang.errors import ConfigError
from munjang.reporting import pluralize, stage
from munjang.tasks.linear import solve_logistic

if TYPE_CHECKING:
    from torch import Tensor

    from munjang.data.table import Table
    from munjang.folder.weights import Entry
    from munjang.tasks.task import TaskScores

Floats = npt.NDArray[np.float64]
Pairs = Sequence[tuple[str, str]]

_TFIDF: dict[str, str] = {
    "tfidf-joined": "TF-IDF of 1 to 5 characters of each text, linear model",
    "tfidf-cosine": "cosine of the TF-IDF of both texts, linear model",
    "tfidf-pair": "difference, product and cosine of the TF-IDF of both texts, linear model",
}
# A line about each, by task and name.
TWO_TEXTS_BASELINES: dict[str, dict[str, str]] = {
    "classify": {"majority": "the most frequent class, whatever the texts", **_TFIDF},
    "regress": {
        "dummy-mean": "the mean of the training numbers, whatever the texts",
        "dummy-median": "the median of the training numbers, whatever the texts",
        **_TFIDF,
    },
    "multilabel": {
        "dummy-prior": "the share of rows that have a label, whatever the texts",
        **_TFIDF,
    },
}
_TERMS = {"analyzer": "char_wb", "ngram_range": (1, 5)}
# From so many texts on, terms of a single text are left out: most terms are such.
_MANY_TEXTS = 1000


class AnyPair(AnyText):
    """The values that a baseline of two texts answers: any pairs."""

    def wanted_columns(self, named: Mapping[str, str | None]) -> WantedPair:
        """Return the two columns to look for in a file to predict."""
        return wanted_pair(named, (None, None))

    def group_values(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return texts on the command line two by two."""
        return group_pairs(texts)


@dataclass(frozen=True, repr=False)
class TwoTextsBaseline(LinearBaseline):
    """A fitted linear model, or a constant answer, of two texts per row.

    The attributes are those of `LinearBaseline`; `weights` are [outputs, features].
    """

    kind: ClassVar[str] = "two_texts"
    input_name: ClassVar[str] = "two_texts"
    summaries: ClassVar[Mapping[str, str]] = {
        name: line for names in TWO_TEXTS_BASELINES.values() for name, line in names.items()
    }

    @property
    def input(self) -> AnyPair:
        """Values that it can answer: any pairs."""
        return AnyPair()

    def margins(self, pairs: Any) -> Floats:
        """Return numbers [pairs, 1], or log-odds [pairs, labels]."""
        first, second = collect_pairs(pairs)
        outputs = np.tile(self.bias.astype(np.float64), (len(first), 1))
        if self._pair_features is not None and first:
            outputs += self._pair_features.transform(first, second) @ self.weights.T
        return outputs

    @cached_property
    def _pair_features(self) -> "PairFeatures | None":
        if not self.terms:
            return None
        return PairFeatures.restore(self.name, self.terms, self.idf)

    def predict_proba(self, pairs: Any) -> Floats:
        """Return probabilities [pairs, labels]; one pair counts as a list of one.

        Raises:
            ConfigError: it gives numbers, without probabilities.
            DataError: an entry is not a pair of texts; its index is named.
        """
        if self.task_name == "regress":
            raise ConfigError(
                f"the baseline {self.name} gives numbers, no probabilities: predict()"
            )
        margins = self.margins(pairs)
        if self.task_name == "multilabel":
            return _sigmoid(margins)
        if margins.shape[1] == 1:
            return np.hstack([1 - _sigmoid(margins), _sigmoid(margins)])
        from scipy.special import softmax

        return np.asarray(softmax(margins, axis=1))

    def logits(self, pairs: Any) -> "Tensor":
        """Return the margins [pairs, outputs], which stand for a network's logits."""
        import torch

        return torch.from_numpy(self.margins(pairs))

    def score(self, table: "Table") -> "TaskScores":
        """Return the scores of the answers to the pairs of a table with targets.

        Raises:
            DataError: a label is unknown.
        """
        pairs = table[FIRST].to_list(), table[SECOND].to_list()
        scores: TaskScores = self.task.scores(self.logits(pairs), self.task.targets(table))
        return scores

    @property
    def task(self) -> Any:
        """The task that answers and scores."""
        if str(self.task_name) != "classify":
            return super().task
        from munjang.tasks.classify import Classify, ClassifySettings

        return Classify(self.labels, ClassifySettings())

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check the values of `baseline.json`, and return them as arguments of the class.

        Raises:
            FolderError: a value is missing, unknown or of another type.
        """
        return read_linear_config(path, config, TWO_TEXTS_BASELINES)

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array."""
        outputs, terms = _outputs(config["task_name"], config["labels"]), len(strings["terms"])
        return {
            "idf": ("F32", (terms,)),
            "weights": ("F32", (outputs, _feature_count(config["name"], terms))),
            "bias": ("F32", (outputs,)),
        }

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Refuse terms of a baseline that counts none."""
        if config["name"] not in _TFIDF:
            refuse_terms(folder, config["name"], strings)

    def card(self) -> str:
        """Return the text of the model card."""
        return (
            super()
            .card()
            .replace('["a text"]', '[("a text", "another text")]')
            .replace('"a text"`', '"a text" "another text"`')
        )


@dataclass(frozen=True)
class PairFeatures:
    """Features of pairs for a linear model.

    Attributes:
        name: a key of `_TFIDF`.
        vectorizer: fitted, gives TF-IDF rows of norm 1.
    """

    name: str
    vectorizer: Any

    @classmethod
    def fit(cls, name: str, first: Sequence[str], second: Sequence[str]) -> "PairFeatures":
        """Count the terms of both texts."""
        texts = [*first, *second]
        vectorizer = _vectorizer(None, 2 if len(texts) >= _MANY_TEXTS else 1)
        with stage(f"counting the terms of {pluralize(len(texts), 'text')}"):
            return cls(name, vectorizer.fit(texts))

    @classmethod
    def restore(cls, name: str, terms: Sequence[str], idf: npt.NDArray[Any]) -> "PairFeatures":
        """Return the features of saved terms and their inverse document frequencies."""
        vectorizer = _vectorizer(terms, 1)
        vectorizer.idf_ = idf.astype(np.float64)
        return cls(name, vectorizer)

    def transform(self, first: Sequence[str], second: Sequence[str]) -> Any:
        """Return features as a CSR matrix, [pairs, features]."""
        from scipy.sparse import csr_matrix, hstack

        a, b = self.vectorizer.transform(first), self.vectorizer.transform(second)
        if self.name == "tfidf-joined":
            return hstack([a, b]).tocsr()
        product = a.multiply(b).tocsr()
        cosine = csr_matrix(np.asarray(product.sum(axis=1)))
        if self.name == "tfidf-cosine":
            return cosine
        return hstack([abs(a - b), product, cosine]).tocsr()


def fit_two_texts_baseline(
    name: str,
    task: str,
    pairs: Pairs,
    targets: Any,
    labels: Sequence[str] = (),
) -> TwoTextsBaseline:
    """Fit a baseline of two texts.

    Args:
        name: a key of `TWO_TEXTS_BASELINES[task]`.
        task: classify, regress or multilabel.
        pairs: (first, second) per row.
        targets: class numbers [rows], numbers [rows], or sets of labels [rows, labels].
        labels: names of the classes or labels; none of numbers.
    """
    if name not in _TFIDF:
        bias = _constant_bias(name, targets, _outputs(task, labels))
        return _baseline(name, task, labels, (), np.empty(0), np.empty((len(bias), 0)), bias)
    first, second = collect_pairs(list(pairs))
    features = PairFeatures.fit(name, first, second)
    matrix = features.transform(first, second)
    with stage(f"solving {name}"):
        weights, bias = _solve(task, matrix, targets, _outputs(task, labels))
    terms = tuple(features.vectorizer.get_feature_names_out().tolist())
    return _baseline(name, task, labels, terms, features.vectorizer.idf_, weights, bias)


def with_thresholds(
    model: TwoTextsBaseline, thresholds: Mapping[str, float] | None, pairs: Pairs, targets: Any
) -> TwoTextsBaseline:
    """Return a baseline of sets of labels with thresholds: those given, or the best on a part.

    Args:
        model: fitted baseline of multilabel.
        thresholds: by label; None finds them.
        pairs: validation pairs.
        targets: their sets of labels, [rows, labels].
    """
    if thresholds is None:
        from munjang.tasks.thresholds import best_thresholds

        return replace(
            model, thresholds=tuple(best_thresholds(model.predict_proba(pairs), targets))
        )
    return replace(model, thresholds=tuple(thresholds.get(name, 0.5) for name in model.labels))


def import_pair_libraries(name: str) -> None:
    """Import what fitting needs: that takes seconds which are not those of the fit."""
    if name in _TFIDF:
        for module in ("feature_extraction.text", "linear_model"):
            import_module(f"sklearn.{module}")


def _solve(task: str, features: Any, targets: Any, outputs: int) -> tuple[Floats, Floats]:
    if task == "classify":
        return solve_logistic(features, targets, outputs)
    if task == "multilabel":
        each = [solve_logistic(features, label.astype(np.int64), 1) for label in targets.T]
        return np.vstack([one for one, _ in each]), np.concatenate([bias for _, bias in each])
    from sklearn.linear_model import Ridge

    # in standard deviations, so that the solver's tolerance has no unit
    mean, scale = targets.mean(), float(targets.std()) or 1.0
    model = Ridge(alpha=1.0, random_state=0)
    model.fit(features, (targets - mean) / scale)
    return scale * model.coef_[None], np.array([scale * model.intercept_ + mean])


def _constant_bias(name: str, targets: Any, outputs: int) -> Floats:
    if name == "dummy-mean":
        return np.array([targets.mean()])
    if name == "dummy-median":
        return np.array([np.median(targets)])
    if name == "dummy-prior":
        shares = targets.mean(0).clip(1e-9, 1 - 1e-9)
        return np.asarray(np.log(shares / (1 - shares)))
    shares = np.bincount(targets, minlength=max(2, outputs)) / len(targets)
    logits = np.log(shares.clip(min=1e-9))
    return np.asarray(logits[1:] - logits[:1] if outputs == 1 else logits)


def _outputs(task: str, labels: Sequence[str]) -> int:
    return 1 if task == "regress" or (task == "classify" and len(labels) == 2) else len(labels)


def _feature_count(name: str, terms: int) -> int:
    """Return the number of features of so many terms."""
    if not terms:
        return 0
    return {"tfidf-joined": 2 * terms, "tfidf-cosine": 1}.get(name, 2 * terms + 1)


def _baseline(
    name: str,
    task: Any,
    labels: Sequence[str],
    terms: tuple[str, ...],
    idf: Floats,
    weights: Floats,
    bias: Floats,
) -> TwoTextsBaseline:
    arrays = (array.astype(np.float32) for array in (idf, weights, bias))
    thresholds = tuple(0.5 for _ in labels) if task == "multilabel" else ()
    return TwoTextsBaseline(name, task, tuple(labels), thresholds, terms, *arrays)


def _vectorizer(terms: Sequence[str] | None, least: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(vocabulary=terms, min_df=least, sublinear_tf=True, **_TERMS)


def _sigmoid(margins: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(margins))

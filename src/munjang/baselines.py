"""Honest baselines without a network: linear models on counted n-grams, and the largest class.

Each is fitted by scikit-learn and kept as plain arrays: the terms, their weights, a bias. Torch is
loaded only where a baseline answers as a trained model does: not to fit it, nor to measure it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from munjang import __version__
from munjang.data.columns import text_column
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.errors import FolderError
from munjang.locks import hold
from munjang.manifest import write_atomically, write_manifest, written_whole
from munjang.replacing import replaced
from munjang.reporting import format_markdown_list, pluralize, stage
from munjang.sealed import SealedFolder, are_strings, as_folder_errors, open_sealed
from munjang.tasks.linear import solve_logistic
from munjang.weights import compare_header, longest_side, read_arrays, read_header

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor

    from munjang.recipe import DataSettings
    from munjang.tasks.classify import Classify, Prediction
    from munjang.tasks.task import TaskScores

# Name, and what it is. None has a network in it.
BASELINES: dict[str, str] = {
    "majority": "the most frequent class, whatever the text",
    "tfidf-words": "TF-IDF of words and pairs of words, logistic regression",
    "tfidf-characters": "TF-IDF of 1 to 5 characters within words, logistic regression",
    "nbsvm": "Naive Bayes log-count ratios of words and pairs, linear SVM (Wang and Manning 2012)",
}
# Those whose answer is the same for every text: measures of what a score means, and no models.
READ_NO_TEXT = frozenset({"majority"})

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

CONFIG, TERMS, WEIGHTS, CARD = "baseline.json", "terms.json", "model.safetensors", "README.md"
FILES = (CONFIG, TERMS, WEIGHTS, CARD)

# A word of one letter is a word: in Korean many are.
_WORDS = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
_CHARACTERS = {"analyzer": "char_wb", "ngram_range": (1, 5)}
_COUNTED: dict[str, dict[str, Any]] = {
    "tfidf-words": _WORDS,
    "tfidf-characters": _CHARACTERS,
    "nbsvm": {**_WORDS, "binary": True},
}
# From so many texts on, a term that stands in a single one is left out: most terms are such.
_MANY_TEXTS = 1000
# How far NBSVM's weights go from their mean towards themselves, and its smoothing: the paper's.
_BETA, _ALPHA = 0.25, 1.0


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline. It answers as a `munjang.folder.TextModel` does.

    Attributes:
        name: one of `BASELINES`.
        labels: class names, in the order of the columns of `predict_proba`.
        terms: what is counted; a term's place is its column.
        idf: [terms] inverse document frequencies, or empty where presence alone counts.
        weights: [outputs, terms]; one output for two classes, else one a class.
        bias: [outputs].
    """

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
        """A function of texts to probabilities [texts, classes]; its table of terms is built once.

        NBSVM gives margins, not probabilities; they go through the same sigmoid or softmax, which
        ranks them but does not calibrate them.
        """
        margins = self._margins

        def predict_proba(texts: Iterable[str]) -> Floats:
            return _probabilities(margins(list(texts)))

        return predict_proba

    @cached_property
    def _margins(self) -> Callable[[Sequence[str]], Floats]:
        """A function of texts to margins [texts, outputs]."""
        counter = _counter(self.name, self.terms) if self.terms else None

        def margins(texts: Sequence[str]) -> Floats:
            found = np.tile(self.bias.astype(np.float64), (len(texts), 1))
            if counter is not None and texts:
                found += _features(counter.transform(texts), self.idf) @ self.weights.T
            return found

        return margins

    def predict_proba(self, texts: str | Iterable[str]) -> Floats:
        """Probabilities [texts, classes] of texts; one string counts as a list of one.

        Raises:
            DataError: a text is None or not a string; its place is named.
        """
        return self.predictor()(text_column(texts).to_list())

    def predict(self, texts: str | Iterable[str]) -> "list[Prediction]":
        """The likeliest class of each text, and all probabilities; it reads texts to their end.

        Raises:
            DataError: as `predict_proba`.
        """
        logits = self.logits(texts)
        return self.task.answers(logits, np.zeros(len(logits), dtype=bool))

    def logits(self, texts: str | Iterable[str]) -> "Tensor":
        """Margins [texts, outputs], in the place of a network's logits."""
        import torch

        return torch.from_numpy(self._margins(text_column(texts).to_list()))

    def scores(self, texts: "pl.Series", targets: Ints) -> "TaskScores":
        """Judge the answers to `texts` against class numbers [texts], some texts at a time."""
        from munjang.tasks.judged import in_parts

        scorer = self.task.scorer(targets)
        for part in in_parts(len(texts), max(1, len(self.bias))):
            scorer.add(np.arange(len(texts))[part], self.logits(texts[part]))
        return scorer.scores()

    @property
    def task(self) -> "Classify":
        """The task of the classes."""
        from munjang.tasks.classify import Classify, ClassifySettings

        return Classify.restore(ClassifySettings(), self.labels)

    @property
    def columns(self) -> "DataSettings":
        """No column is known: it was fitted on the parts of a comparison."""
        from munjang.recipe import DataSettings

        return DataSettings()

    @property
    def read_labels(self) -> ReadLabels:
        """How its label column is read."""
        return clean_labels

    def usable(
        self, texts: Sequence[str], skipped: Counter[str] | None
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Places from 1, and texts: any text can be answered."""
        return range(1, len(texts) + 1), texts

    def save(self, folder: str | Path) -> Path:
        """Write it into a folder, sealed with checksums, without pickle.

        An earlier model in it stays until this is whole.

        Raises:
            FolderError: another process writes there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with hold(folder), replaced(folder) as place:
            config = {"name": self.name, "labels": list(self.labels)}
            write_atomically(place / CONFIG, json.dumps(config, ensure_ascii=False) + "\n")
            write_atomically(place / TERMS, json.dumps(self.terms, ensure_ascii=False) + "\n")
            arrays = {"idf": self.idf, "weights": self.weights, "bias": self.bias}
            with written_whole(place / WEIGHTS) as partial:
                save_file(
                    {name: np.ascontiguousarray(one) for name, one in arrays.items()}, partial
                )
            write_atomically(place / CARD, _card(self))
            write_manifest(place, FILES, __version__)
        return folder


def load_baseline(folder: str | Path | SealedFolder) -> Baseline:
    """The baseline that a comparison left in `folder`.

    Raises:
        FolderError: the folder is missing, unfinished or altered, or holds another model.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        sealed.expect(FILES)
        name, labels = _name_and_labels(sealed)
        outputs = 1 if len(labels) == 2 else len(labels)
        with sealed.opened(WEIGHTS) as file:
            header = read_header(file)
            most = longest_side(header)
            terms = sealed.strings(TERMS, most, once=True)
            if name == "majority" and terms:
                raise FolderError(f"{sealed.path / TERMS}: the baseline majority looks at no terms")
            weighed = name in ("tfidf-words", "tfidf-characters")
            wanted = {
                "idf": ("F32", (len(terms) if weighed else 0,)),
                "weights": ("F32", (outputs, len(terms))),
                "bias": ("F32", (outputs,)),
            }
            compare_header(file.path, header, wanted)
            arrays = read_arrays(file, header)
        sealed.check(CARD)
        return Baseline(name, labels, terms, **arrays)


def _name_and_labels(sealed: SealedFolder) -> tuple[str, tuple[str, ...]]:
    path, config = sealed.path / CONFIG, sealed.json(CONFIG)
    if not isinstance(config, dict) or config.keys() != {"name", "labels"}:
        raise FolderError(f"{path}: expected name and labels of a baseline")
    name, labels = config["name"], config["labels"]
    if not isinstance(name, str) or name not in BASELINES:
        raise FolderError(f"{path}: unknown baseline {str(name)[:80]}; upgrade munjang")
    if not are_strings(labels) or len(set(labels)) < len(labels) or len(labels) < 2:
        raise FolderError(f"{path}: labels: expected two or more different names")
    return name, tuple(labels)


def fit_baseline(name: str, texts: Sequence[str], targets: Ints, labels: Sequence[str]) -> Baseline:
    """Fit the baseline of that name on `texts` of classes `targets`, places in `labels`."""
    if name == "majority":
        shares = np.bincount(targets, minlength=len(labels)) / len(targets)
        logits = np.log(shares.clip(min=1e-9))
        bias = logits[1:] - logits[:1] if len(labels) == 2 else logits
        return _baseline(name, labels, (), np.empty(0), np.empty((len(bias), 0)), bias)
    counter = _counter(name, None, least=2 if len(texts) >= _MANY_TEXTS else 1)
    with stage(f"counting the terms of {pluralize(len(texts), 'text')}"):
        counts = counter.fit_transform(texts)
    terms = tuple(counter.get_feature_names_out().tolist())
    if name == "nbsvm":
        with stage(f"solving {name}"):
            solved = _nbsvm(counts, targets, len(labels))
        return _baseline(name, labels, terms, np.empty(0), *solved)
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
) -> Baseline:
    arrays = (array.astype(np.float32) for array in (idf, weights, bias))
    return Baseline(name, tuple(labels), terms, *arrays)


def _counter(name: str, terms: Sequence[str] | None, *, least: int = 1) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(vocabulary=terms, min_df=least, **_COUNTED[name])


def _features(counts: Any, idf: npt.NDArray[Any]) -> Any:
    """Counts [texts, terms] to TF-IDF rows of norm 1; without `idf` they stay as they are."""
    from sklearn.preprocessing import normalize

    if not idf.size:
        return counts.astype(np.float64)
    weighted = counts.astype(np.float64)
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    return normalize(weighted, copy=False)


def _nbsvm(present: Any, targets: Ints, classes: int) -> tuple[Floats, Floats]:
    """Weights [outputs, terms] and bias [outputs]: one class against the rest, each with its r."""
    from sklearn.svm import LinearSVC

    weights, bias = [], []
    for one in [1] if classes == 2 else range(classes):
        mine = targets == one
        ratio = _log_count_ratio(present, mine)
        model = LinearSVC(C=1.0, random_state=0, max_iter=10_000)
        model.fit(present.multiply(ratio).tocsr(), mine)
        own = model.coef_[0]
        mixed = (1 - _BETA) * np.abs(own).mean() + _BETA * own
        weights.append(mixed * ratio)
        bias.append(model.intercept_[0])
    return np.stack(weights), np.asarray(bias)


def _log_count_ratio(present: Any, mine: npt.NDArray[np.bool_]) -> Floats:
    p, q = (np.asarray(present[which].sum(0)).ravel() + _ALPHA for which in (mine, ~mine))
    return np.asarray(np.log((p / p.sum()) / (q / q.sum())))


def _probabilities(margins: Floats) -> Floats:
    from scipy.special import expit, softmax

    if margins.shape[1] == 1:
        second = expit(margins)
        return np.hstack([1 - second, second])
    return np.asarray(softmax(margins, axis=1))


def _card(model: Baseline) -> str:
    return f"""# A baseline made with munjang {__version__}

`{model.name}`: {BASELINES[model.name]}. {model.parameters:,} numbers.
Classes: {format_markdown_list(model.labels, CONFIG)}.

    import munjang
    munjang.load("path/to/this/folder").predict(["a text"])

or `munjang predict path/to/this/folder "a text"`.
"""

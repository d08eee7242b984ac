"""Baselines of translation: the source itself, and the target of the nearest training source.

`nearest` is fitted by scikit-learn and kept as plain arrays: an inverted index from each n-gram to
the sources that have it. Neither baseline needs torch.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, get_args

import numpy as np
import numpy.typing as npt

from munjang.baselines.baseline import CONFIG, TERMS, Arrays, Baseline, Strings
from munjang.data.columns import text_column
from munjang.errors import ConfigError, FolderError
from munjang.folder.weights import weights_error
from munjang.tasks.translation_scores import BLEU_TOKENIZERS

if TYPE_CHECKING:
    from munjang.data.table import Table
    from munjang.folder.weights import Entry
    from munjang.tasks.translation_scores import TranslationScores

# A line about each, by name; no name is one of `munjang.baselines.BASELINES`.
PAIR_BASELINES: dict[str, str] = {
    "copy": "the source itself, as it stands",
    "nearest": "the target of the most similar training source, by TF-IDF of 2 to 3 characters",
}

TARGETS = "targets.json"

# N-grams within words, padded with a space: a word of one letter has some too. A space alone, which
# is in every text, is no n-gram here.
_VECTORIZER: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (2, 3), "dtype": np.float32}
_BATCH = 256  # texts whose similarities to all sources are in memory at a time


@dataclass(frozen=True)
class NearestAnswer:
    """A baseline's answer to one text.

    Attributes:
        text: the answer.
        score: cosine of text and training source, 0 to 1; 1 of a copy.
        truncated: always false: a baseline reads the whole text.
    """

    text: str
    score: float
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the answer alone, so that line n answers line n."""
        return [[self.text]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"answer": self.text, "truncated": self.truncated, "score": self.score}


@dataclass(frozen=True, eq=False, repr=False)
class PairBaseline(Baseline):
    """A fitted baseline of translation.

    Attributes:
        name: one of `PAIR_BASELINES`.
        metric_settings: of BLEU and chrF: bleu_tokenizer and lowercase.
        fallback: index of the target that answers a text that shares no n-gram with any source.
        terms: n-grams of characters.
        targets: one per distinct training source.
        idf: [terms] inverse document frequencies.
        values: [nonzero] weights of terms in sources, ordered by term (CSR: data).
        places: [nonzero] the source of each weight (CSR: indices).
        starts: [terms + 1] where the weights of each term begin (CSR: indptr).
    """

    kind: ClassVar[str] = "pairs"
    task_name: ClassVar[str] = "translate"  # type: ignore[misc]
    input_name: ClassVar[str] = "parallel"
    string_files: ClassVar[Mapping[str, str]] = {TERMS: "terms", TARGETS: "targets"}
    array_names: ClassVar[tuple[str, ...]] = ("idf", "values", "places", "starts")
    summaries: ClassVar[Mapping[str, str]] = PAIR_BASELINES

    name: str
    metric_settings: dict[str, Any]
    fallback: int
    terms: tuple[str, ...]
    targets: tuple[str, ...]
    idf: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    places: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names; empty, since the answers are texts."""
        return ()

    @property
    def parameters(self) -> int:
        """Number of fitted numbers."""
        return self.idf.size + self.values.size

    def predict(self, texts: str | Iterable[str]) -> list[NearestAnswer]:
        """Return an answer per text, an empty one to an empty text.

        Raises:
            DataError: a text is None or not a string; its row is named.
        """
        sources = text_column(texts).to_list()
        if self.name == "copy":
            return [NearestAnswer(source, 1.0 if source else 0.0) for source in sources]
        return [
            NearestAnswer(self.targets[index] if source else "", similarity)
            for source, (index, similarity) in zip(sources, self._nearest(sources), strict=True)
        ]

    def score(self, table: "Table") -> "TranslationScores":
        """Return the scores of the answers to the sources of pairs; cross-entropy is NaN."""
        from munjang.tasks.translation_scores import score_translations

        assert table.targets is not None
        sources = table.keys.to_list()
        return score_translations(
            sources,
            table.targets.to_list(),
            [answer.text for answer in self.predict(sources)],
            cross_entropy=float("nan"),
            cut_share=0.0,
            samples=3,
            **self.metric_settings,
        )

    def predict_proba(self, texts: Any) -> NoReturn:
        """Raise an error: it answers with texts.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(f"the baseline {self.name} gives texts, no probabilities: predict()")

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        return {
            "name": self.name,
            "metric_settings": self.metric_settings,
            "fallback": self.fallback,
        }

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check name, metric settings and fallback.

        Raises:
            FolderError: one is missing, unknown or of another type.
        """
        if config.keys() != {"name", "metric_settings", "fallback"}:
            raise FolderError(f"{path}: expected name, metric_settings and fallback of a baseline")
        name, settings = config["name"], config["metric_settings"]
        if not isinstance(name, str) or name not in PAIR_BASELINES:
            raise FolderError(f"{path}: unknown baseline {str(name)[:80]}; upgrade munjang")
        types = {"bleu_tokenizer": str, "lowercase": bool}
        if not isinstance(settings, dict) or not all(
            type(value) is types.get(key) for key, value in settings.items()
        ):
            raise FolderError(f"{path}: metric_settings: expected bleu_tokenizer and lowercase")
        if settings.get("bleu_tokenizer", "13a") not in get_args(BLEU_TOKENIZERS):
            raise FolderError(f"{path}: metric_settings: unknown bleu_tokenizer")
        if type(config["fallback"]) is not int:
            raise FolderError(f"{path}: fallback: expected the index of a target")
        return config

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Refuse terms and targets of the other baseline, and a fallback that is no target.

        Raises:
            FolderError: naming the file.
        """
        terms, targets = strings["terms"], strings["targets"]
        if (config["name"] == "copy") is not (not terms and not targets):
            raise FolderError(f"{folder / TERMS}: these are not the terms of {config['name']}")
        if not 0 <= config["fallback"] < max(1, len(targets)):
            raise FolderError(f"{folder / CONFIG}: fallback: there is no such target")

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array; the number of weights is that of the header."""
        terms = len(strings["terms"])
        weights = header["values"].shape[:1] if "values" in header else ()
        return {
            "idf": ("F32", (terms,)),
            "values": ("F32", weights or (0,)),
            "places": ("I32", weights or (0,)),
            "starts": ("I64", (terms + 1,)),
        }

    @classmethod
    def check_arrays(cls, path: Path, strings: Strings, arrays: Arrays) -> None:
        """Refuse an invalid index: SciPy checks none, and reads whatever memory it leads to.

        Raises:
            FolderError: naming the array.
        """
        starts, places = arrays["starts"], arrays["places"]
        rises = starts[0] == 0 and starts[-1] == len(places) and bool((np.diff(starts) >= 0).all())
        if not rises:
            raise weights_error(path, "'starts' does not rise from 0 to the number of weights")
        if len(places) and not (places.min() >= 0 and places.max() < len(strings["targets"])):
            raise weights_error(path, "'places' names a target that is not there")

    def _nearest(self, sources: Sequence[str]) -> Iterator[tuple[int, float]]:
        """Yield the index of the most similar training source of each text, and its cosine."""
        for start in range(0, len(sources), _BATCH):
            features = self._vectorizer.transform(sources[start : start + _BATCH])
            cosines = features @ self._index
            for first, end in zip(cosines.indptr[:-1], cosines.indptr[1:], strict=True):
                if first == end:
                    yield self.fallback, 0.0
                    continue
                row, places = cosines.data[first:end], cosines.indices[first:end]
                best = row.max()
                yield int(places[row == best].min()), float(best)

    @cached_property
    def _vectorizer(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(vocabulary=self.terms, sublinear_tf=True, **_VECTORIZER)
        vectorizer.idf_ = self.idf
        return vectorizer

    @cached_property
    def _index(self) -> Any:
        """Weights [terms, sources], sparse: only sources that share a term are compared."""
        from scipy.sparse import csr_matrix

        shape = (len(self.terms), len(self.targets))
        return csr_matrix((self.values, self.places, self.starts), shape=shape)


def fit_pair_baseline(
    name: str, sources: Sequence[str], targets: Sequence[str], metric_settings: dict[str, Any]
) -> PairBaseline:
    """Fit a baseline of translation; of equal sources the first one answers.

    Args:
        name: one of `PAIR_BASELINES`.
        sources: one per pair.
        targets: one per pair.
        metric_settings: of BLEU and chrF, by which it is evaluated.
    """
    if name == "copy":
        empty = np.empty(0, dtype=np.float32)
        places, starts = np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
        return PairBaseline(name, metric_settings, 0, (), (), empty, empty, places, starts)
    from sklearn.feature_extraction.text import TfidfVectorizer

    first: dict[str, str] = {}
    for source, target in zip(sources, targets, strict=True):
        first.setdefault(source, target)
    most_frequent = Counter(targets).most_common(1)[0][0]
    kept = list(first.values())
    # the most frequent target may belong to repeated sources alone
    kept += [] if most_frequent in kept else [most_frequent]
    vectorizer = TfidfVectorizer(sublinear_tf=True, **_VECTORIZER)
    index = vectorizer.fit_transform(first).T.tocsr()
    return PairBaseline(
        name=name,
        metric_settings=metric_settings,
        fallback=kept.index(most_frequent),
        terms=tuple(vectorizer.get_feature_names_out().tolist()),
        targets=tuple(kept),
        idf=vectorizer.idf_.astype(np.float32),
        values=index.data,
        places=index.indices.astype(np.int32),
        starts=index.indptr.astype(np.int64),
    )

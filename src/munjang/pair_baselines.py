"""Honest baselines from text to text: the source as it stands, and the nearest training source.

`nearest` has scikit-learn weigh n-grams of characters, and is kept as plain arrays: from each
n-gram to the sources that hold it. Neither needs torch.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from munjang import __version__
from munjang.data.columns import text_column
from munjang.data.table import Table
from munjang.errors import ConfigError, FolderError
from munjang.manifest import check_manifest, write_atomically, write_manifest, written_whole

if TYPE_CHECKING:
    from munjang.recipe import DataSettings
    from munjang.tasks.translation_scores import TranslationScores

# Name, and what it is. None has a network in it, and no name is that of a `munjang.baselines`.
PAIR_BASELINES: dict[str, str] = {
    "copy": "the source itself, as it stands",
    "nearest": "the target of the most similar training source, by TF-IDF of 2 to 3 characters",
}

CONFIG, TERMS, TARGETS = "pair-baseline.json", "terms.json", "targets.json"
WEIGHTS, CARD = "model.safetensors", "README.md"
FILES = (CONFIG, TERMS, TARGETS, WEIGHTS, CARD)

# N-grams within words, a space at each end: a word of one letter has some too. The space alone,
# which is in every text, is none.
_COUNTED: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (2, 3), "dtype": np.float32}
_AT_A_TIME = 256  # texts whose similarities to all sources are held


@dataclass(frozen=True)
class NearestAnswer:
    """What a baseline answers to one text.

    Attributes:
        text: the answer.
        score: the cosine of text and training source, 0 to 1; 1 of a copy.
        truncated: never: it reads all of a text.
    """

    text: str
    score: float
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """The answer alone, so that line n answers line n."""
        return [[self.text]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"answer": self.text, "truncated": self.truncated, "score": self.score}


@dataclass(frozen=True, eq=False)
class PairBaseline:
    """A fitted baseline. It answers as a `munjang.pair_folder.PairModel` does.

    Attributes:
        name: one of `PAIR_BASELINES`.
        counted: settings of BLEU and chrF: bleu_tokenizer and lowercase.
        targets: of each different training source.
        usual: place of the target that answers a text that has nothing in common with any source.
        terms: n-grams of characters.
        idf: [terms] inverse document frequencies.
        values: weights of terms in sources, by term: `places` and `starts` say whose (CSR).
        places: [values] the source of each weight.
        starts: [terms + 1] where the weights of each term begin.
    """

    name: str
    counted: dict[str, Any]
    targets: tuple[str, ...]
    usual: int
    terms: tuple[str, ...]
    idf: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    places: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    @property
    def parameters(self) -> int:
        """Number of fitted numbers."""
        return self.idf.size + self.values.size

    def predict(self, texts: str | Iterable[str]) -> list[NearestAnswer]:
        """An answer to each text, an empty one to an empty text; one string is a list of one.

        Raises:
            DataError: a text is None or not a string; its place is named.
        """
        sources = text_column(texts).to_list()
        if self.name == "copy":
            return [NearestAnswer(source, 1.0 if source else 0.0) for source in sources]
        return [
            NearestAnswer(self.targets[place] if source else "", similarity)
            for source, (place, similarity) in zip(sources, self._nearest(sources), strict=True)
        ]

    def evaluate(self, table: Table) -> "TranslationScores":
        """Judge the answers to the sources of pairs by their targets; there is no cross-entropy."""
        from munjang.tasks.translation_scores import translation_scores

        assert table.labels is not None
        sources = table.texts.to_list()
        return translation_scores(
            sources,
            table.labels.to_list(),
            [answer.text for answer in self.predict(sources)],
            cross_entropy=float("nan"),
            cut_share=0.0,
            samples=3,
            **self.counted,
        )

    def predict_proba(self, texts: Any) -> NoReturn:
        """None: refused."""
        raise ConfigError(f"the baseline {self.name} gives texts, no probabilities: predict()")

    @property
    def columns(self) -> "DataSettings":
        """No column is known: it was fitted on the parts of a comparison."""
        from munjang.recipe import DataSettings

        return DataSettings()

    def usable(
        self, texts: Sequence[str], skipped: Counter[str] | None
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Places from 1, and texts: any text can be answered."""
        return range(1, len(texts) + 1), texts

    def save(self, folder: Path) -> Path:
        """Write it into a folder, sealed with checksums, without pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {"name": self.name, "counted": self.counted, "usual": self.usual}
        for name, value in ((CONFIG, config), (TERMS, self.terms), (TARGETS, self.targets)):
            write_atomically(folder / name, json.dumps(value, ensure_ascii=False) + "\n")
        arrays = {name: getattr(self, name) for name in ("idf", "values", "places", "starts")}
        with written_whole(folder / WEIGHTS) as partial:
            save_file(arrays, partial)
        write_atomically(folder / CARD, _card(self))
        write_manifest(folder, FILES, __version__)
        return folder

    def _nearest(self, sources: Sequence[str]) -> Iterator[tuple[int, float]]:
        """The place of the most similar training source of each text, and how similar it is."""
        for start in range(0, len(sources), _AT_A_TIME):
            weighed = self._vectorizer.transform(sources[start : start + _AT_A_TIME])
            found = weighed @ self._index
            for first, end in zip(found.indptr[:-1], found.indptr[1:], strict=True):
                if first == end:
                    yield self.usual, 0.0
                    continue
                similar, places = found.data[first:end], found.indices[first:end]
                best = similar.max()
                yield int(places[similar == best].min()), float(best)

    @cached_property
    def _vectorizer(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(vocabulary=self.terms, sublinear_tf=True, **_COUNTED)
        vectorizer.idf_ = self.idf
        return vectorizer

    @cached_property
    def _index(self) -> Any:
        """Weights [terms, sources]: only the sources that share a term are looked at."""
        from scipy.sparse import csr_matrix

        shape = (len(self.terms), len(self.targets))
        return csr_matrix((self.values, self.places, self.starts), shape=shape)


def is_pair_baseline(folder: str | Path) -> bool:
    """Whether a folder holds a baseline from text to text."""
    return (Path(folder) / CONFIG).is_file()


def load_pair_baseline(folder: str | Path) -> PairBaseline:
    """The baseline that a comparison left in `folder`.

    Raises:
        FolderError: the folder is unfinished or altered, or of another format.
    """
    folder = Path(folder)
    check_manifest(folder, FILES)
    config, terms, targets = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in (CONFIG, TERMS, TARGETS)
    )
    if config["name"] not in PAIR_BASELINES:
        raise FolderError(f"{folder / CONFIG}: unknown baseline {config['name']}; upgrade munjang")
    arrays: dict[str, Any] = load_file(folder / WEIGHTS)
    return PairBaseline(**config, terms=tuple(terms), targets=tuple(targets), **arrays)


def fit_pair_baseline(
    name: str, sources: Sequence[str], targets: Sequence[str], counted: dict[str, Any]
) -> PairBaseline:
    """Fit the baseline of that name on pairs; of equal sources the first one answers.

    `counted` are the settings of BLEU and chrF by which it will be judged.
    """
    if name == "copy":
        nothing = np.empty(0, dtype=np.float32)
        places, starts = np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
        return PairBaseline(name, counted, (), 0, (), nothing, nothing, places, starts)
    from sklearn.feature_extraction.text import TfidfVectorizer

    first: dict[str, str] = {}
    for source, target in zip(sources, targets, strict=True):
        first.setdefault(source, target)
    usual = Counter(targets).most_common(1)[0][0]
    kept = list(first.values())
    # the usual target may be that of second sources alone
    kept += [] if usual in kept else [usual]
    vectorizer = TfidfVectorizer(sublinear_tf=True, **_COUNTED)
    index = vectorizer.fit_transform(first).T.tocsr()
    return PairBaseline(
        name=name,
        counted=counted,
        targets=tuple(kept),
        usual=kept.index(usual),
        terms=tuple(vectorizer.get_feature_names_out().tolist()),
        idf=vectorizer.idf_.astype(np.float32),
        values=index.data,
        places=index.indices.astype(np.int32),
        starts=index.indptr.astype(np.int64),
    )


def _card(model: PairBaseline) -> str:
    return f"""# A baseline made with munjang {__version__}

`{model.name}`: {PAIR_BASELINES[model.name]}. {model.parameters:,} numbers.

    import munjang
    munjang.load("path/to/this/folder").predict(["a text"])

or `munjang predict path/to/this/folder "a text"`.
"""

"""Honest baselines from text to text: the source as it stands, and the nearest training source.

`nearest` has scikit-learn weigh n-grams of characters, and is kept as plain arrays: from each
n-gram to the sources that hold it. Neither needs torch.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from munjang import __version__
from munjang.data.columns import text_column
from munjang.data.table import Table
from munjang.errors import ConfigError, FolderError
from munjang.locks import hold
from munjang.manifest import write_atomically, write_manifest, written_whole
from munjang.replacing import replaced
from munjang.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.tasks.translation_scores import BLEU_TOKENIZERS
from munjang.weights import Entry, compare_header, longest_side, read_arrays, read_header, unfit

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

        assert table.targets is not None
        sources = table.keys.to_list()
        return translation_scores(
            sources,
            table.targets.to_list(),
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

    def save(self, folder: str | Path) -> Path:
        """Write it into a folder, sealed with checksums, without pickle.

        An earlier model in it stays until this is whole.

        Raises:
            FolderError: another process writes there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with hold(folder), replaced(folder) as place:
            config = {"name": self.name, "counted": self.counted, "usual": self.usual}
            for name, value in ((CONFIG, config), (TERMS, self.terms), (TARGETS, self.targets)):
                write_atomically(place / name, json.dumps(value, ensure_ascii=False) + "\n")
            arrays = {name: getattr(self, name) for name in ("idf", "values", "places", "starts")}
            with written_whole(place / WEIGHTS) as partial:
                save_file(arrays, partial)
            write_atomically(place / CARD, _card(self))
            write_manifest(place, FILES, __version__)
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


def load_pair_baseline(folder: str | Path | SealedFolder) -> PairBaseline:
    """The baseline that a comparison left in `folder`.

    Raises:
        FolderError: the folder is unfinished or altered, or of another format.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        sealed.expect(FILES)
        config = _config(sealed)
        with sealed.opened(WEIGHTS) as file:
            header = read_header(file)
            # no term is without a weight, and hardly any target without a term
            most = longest_side(header)
            terms = sealed.strings(TERMS, most, once=True)
            targets = sealed.strings(TARGETS, most)
            if (config["name"] == "copy") is not (not terms and not targets):
                raise FolderError(f"{sealed.path / TERMS}: these are not those of {config['name']}")
            if not 0 <= config["usual"] < max(1, len(targets)):
                raise FolderError(f"{sealed.path / CONFIG}: usual: there is no such target")
            compare_header(file.path, header, _wanted(header, len(terms)))
            arrays: dict[str, Any] = read_arrays(file, header)
            _refuse_no_index(file.path, arrays, len(targets))
        sealed.check(CARD)
        return PairBaseline(**config, terms=terms, targets=targets, **arrays)


def _config(sealed: SealedFolder) -> dict[str, Any]:
    path, config = sealed.path / CONFIG, sealed.json(CONFIG)
    if not isinstance(config, dict) or config.keys() != {"name", "counted", "usual"}:
        raise FolderError(f"{path}: expected name, counted and usual of a baseline")
    name, counted = config["name"], config["counted"]
    if not isinstance(name, str) or name not in PAIR_BASELINES:
        raise FolderError(f"{path}: unknown baseline {str(name)[:80]}; upgrade munjang")
    if not isinstance(counted, dict) or not all(
        kind == {"bleu_tokenizer": str, "lowercase": bool}.get(key)
        for key, kind in zip(counted, map(type, counted.values()), strict=True)
    ):
        raise FolderError(f"{path}: counted: expected bleu_tokenizer and lowercase")
    if counted.get("bleu_tokenizer", "13a") not in get_args(BLEU_TOKENIZERS):
        raise FolderError(f"{path}: counted: unknown bleu_tokenizer")
    if type(config["usual"]) is not int:
        raise FolderError(f"{path}: usual: expected the place of a target")
    return config


def _wanted(header: Mapping[str, Entry], terms: int) -> dict[str, Any]:
    """Kinds and shapes of the arrays; how many weights there are, the arrays say themselves."""
    values = header["values"].shape if "values" in header else ()
    count = values[:1] or (0,)
    return {
        "idf": ("F32", (terms,)),
        "values": ("F32", count),
        "places": ("I32", count),
        "starts": ("I64", (terms + 1,)),
    }


def _refuse_no_index(path: Path, arrays: Mapping[str, Any], targets: int) -> None:
    """SciPy looks at none of this, and reads whatever memory such an index leads to."""
    starts, places = arrays["starts"], arrays["places"]
    rises = starts[0] == 0 and starts[-1] == len(places) and bool((np.diff(starts) >= 0).all())
    if not rises:
        raise unfit(path, "'starts' does not rise from 0 to the number of weights")
    if len(places) and not (places.min() >= 0 and places.max() < targets):
        raise unfit(path, "'places' names a target that is not there")


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

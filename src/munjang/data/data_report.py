"""Report of a look at the data before training, as `munjang.data.checks` makes it."""

from dataclasses import asdict, dataclass
from typing import Any

from munjang.data.distributions import Numbers
from munjang.data.repeats import Repeats


@dataclass(frozen=True)
class Lengths:
    """Distribution of the lengths of texts.

    Attributes:
        unit: "characters" (code points), "words" (split at white space), or "tokens".
        shortest, longest, mean: extreme and mean lengths.
        quantiles: length below which a share of the texts is, by share ("0.5").
        edges: lower edges of the bins of a histogram; the last bin is open.
        counts: texts per bin: `edges[i]` up to below `edges[i + 1]`.
    """

    unit: str
    shortest: int
    longest: int
    mean: float
    quantiles: dict[str, float]
    edges: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class OovRate:
    """Out-of-vocabulary rate of a held-out 10 % for a vocabulary of the other rows.

    Attributes:
        min_frequency: least frequency of a word of the vocabulary.
        vocabulary_size: number of ids, the reserved ones included.
        share: share of the held-out words that are out of vocabulary, 0 to 1.
    """

    min_frequency: int
    vocabulary_size: int
    share: float


@dataclass(frozen=True)
class Padding:
    """Share of padding among all positions of all batches, 0 to 1, for three ways of batching.

    Attributes:
        longest: every text padded to the longest text of all.
        random: random batches, each padded to its longest text.
        buckets: batches of texts of similar length.
        batch_size: texts per batch.
    """

    longest: float
    random: float
    buckets: float
    batch_size: int


@dataclass(frozen=True)
class TestReport:
    """Comparison of the test file with the training file.

    Attributes:
        rows: rows of the test file.
        labels: rows per label; None without labels.
        unknown_labels: rows per label that the training file does not have.
        in_train: texts that are in both files.
    """

    __test__ = False  # pytest takes the name for that of a test

    rows: int
    labels: dict[str, int] | None
    unknown_labels: dict[str, int]
    in_train: Repeats


@dataclass(frozen=True)
class DataReport:
    """Findings of `check_data`.

    Attributes:
        files: files that were read.
        rows: usable rows.
        skipped: bad rows that were left out, by reason.
        notes: what was inferred while reading.
        labels: rows per label, the most frequent first; None without labels, and for numbers.
        majority: share of the most frequent label, which is the accuracy of always predicting it;
            None unless each row has one label.
        numbers: distribution of labels that are numbers.
        sets: rows by number of labels, where a row has any number of them.
        characters: lengths in characters.
        tokens: lengths in tokens of the tokenizer, or in words without one.
        duplicates: texts that occur more than once.
        conflicts: texts that occur under two labels or more.
        unknown: out-of-vocabulary rates at several thresholds.
        padding: cost of padding, computed from `tokens`.
        test: comparison of the test file with this one, if there is one.
        estimate: memory and time of a model; added by callers that know the models.
    """

    files: tuple[str, ...]
    rows: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    labels: dict[str, int] | None
    majority: float | None
    characters: Lengths
    tokens: Lengths
    duplicates: Repeats
    conflicts: Repeats
    unknown: tuple[OovRate, ...]
    padding: Padding
    test: TestReport | None = None
    estimate: dict[str, Any] | None = None
    numbers: Numbers | None = None
    sets: dict[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: dictionaries, lists, strings and numbers."""
        return to_plain(asdict(self))


def to_plain(value: dict[Any, Any]) -> dict[str, Any]:
    """Convert a dictionary to JSON types: string keys, and lists for tuples."""
    return {str(key): _to_plain(item) for key, item in value.items()}


def _to_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return to_plain(value)
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    return value

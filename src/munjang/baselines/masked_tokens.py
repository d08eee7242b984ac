"""Baseline of masked language models: the frequency of each token, whatever stands around it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from munjang.baselines.baseline import CARD, CONFIG, WEIGHTS, Baseline, Strings, write_baseline
from munjang.data.shards.settings import LinesTokenizerSettings
from munjang.errors import ConfigError, FolderError
from munjang.folder.layout import TOKENIZER, VOCABULARY
from munjang.folder.sealed import SealedFolder
from munjang.folder.weights import compare_header, read_arrays, read_header, weights_error
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import polars as pl

    from munjang.folder.weights import Entry
    from munjang.tasks.masked_answers import MaskAnswer
    from munjang.tasks.masked_lm import MaskedLm
    from munjang.tasks.masked_rows import RowScores
    from munjang.tasks.masked_scores import MaskedScores

# A line about it, by its name.
MASKED_BASELINES: dict[str, str] = {
    "token-frequencies": "the frequency of each token, whatever stands around it"
}
_COUNTS = "counts"


@dataclass(frozen=True, eq=False)
class MaskedBaseline(Baseline):
    """Counts of the tokens of the training part.

    Attributes:
        name: one of `MASKED_BASELINES`.
        settings: the section `tokenizer`.
        tokenizer: fitted tokenizer, whose vocabulary has the counts.
    """

    kind: ClassVar[str] = "masked_tokens"
    task_name: ClassVar[str] = "masked_lm"  # type: ignore[misc]
    input_name: ClassVar[str] = "lines"
    string_files: ClassVar[Mapping[str, str]] = {TOKENIZER: "tokenizer", VOCABULARY: "vocabulary"}
    array_names: ClassVar[tuple[str, ...]] = (_COUNTS,)
    summaries: ClassVar[Mapping[str, str]] = MASKED_BASELINES

    name: str
    settings: LinesTokenizerSettings
    tokenizer: Tokenizer

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names; empty, since the answers are tokens."""
        return ()

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Occurrences of each token in the training part, [size]."""
        return np.asarray(self.tokenizer.vocabulary.counts, dtype=np.int64)

    @property
    def parameters(self) -> int:
        """Vocabulary size."""
        return len(self.counts)

    def predict(self, texts: str | Iterable[str]) -> "list[MaskAnswer]":
        """Return the most frequent tokens for each [MASK] of each text.

        Raises:
            DataError: a text is None, no string, or has no [MASK]; it is named.
        """
        from munjang.data.collection import collect_texts
        from munjang.data.token_rows import encode_rows
        from munjang.tasks.masked_answers import DEFAULT_TOP, MaskAnswer, MaskCandidate
        from munjang.text.masks import MASKED, MaskReader, TokenTexts

        log_probabilities = self._log_probabilities()
        best = np.argsort(-log_probabilities, kind="stable")[:DEFAULT_TOP].tolist()
        pieces, words = self.tokenizer.vocabulary.tokens, TokenTexts(self.tokenizer)
        candidates = tuple(
            MaskCandidate(words[n], pieces[n], float(np.exp(log_probabilities[n])))
            for n in best
            if np.isfinite(log_probabilities[n])
        )
        reader: Any = MaskReader(self.tokenizer)
        encoded = encode_rows(
            reader,
            collect_texts(texts),
            max_length=self.settings.max_length,
            add_go_eos=self.settings.add_go_eos,
        )
        values, offsets = encoded.rows.values, encoded.rows.offsets
        masks = [int((row == MASKED).sum()) for row in np.split(values, offsets[1:-1])]
        return [
            MaskAnswer((candidates,) * count, bool(is_cut))
            for count, is_cut in zip(masks, encoded.truncated, strict=True)
        ]

    def score_rows(self, texts: Sequence[str]) -> "RowScores":
        """Return the scores of each text, on the masks on which a network is scored."""
        fitted, task = self._restored()
        data = fitted.encode_values(texts).dataset()
        return self._score(task, data)

    def score(self, table: Any) -> "MaskedScores":
        """Return the scores on lines, `munjang.data.shards.lines.Lines`."""
        from munjang.tasks.masked_scores import MaskedScores
        from munjang.tasks.metric_table import perplexity_of

        fitted, task = self._restored()
        data = fitted.encode(table).dataset()
        rows = self._score(task, data)
        tokens = max(1, int(rows.tokens.sum()))
        loss, right = float(rows.nats.sum()) / tokens, float(rows.right.sum()) / tokens
        values = loss, perplexity_of(loss), right
        return MaskedScores(len(data), int(rows.tokens.sum()), *values, *values)

    def _restored(self) -> "tuple[Any, MaskedLm]":
        """Return the input that encodes texts, and the task that masks them."""
        from munjang.recipe import check_given
        from munjang.tasks.masked_lm import MaskedLm

        # of an architecture without positions, which would limit the length of texts
        given = {"task": "masked_lm", "input": "lines", "model": {"name": "gru"}}
        recipe = check_given({**given, "tokenizer": self.settings.model_dump(mode="json")})
        fitted: Any = recipe.input_class(recipe, self.tokenizer)  # type: ignore[call-arg]
        return fitted, MaskedLm.restore(recipe).with_input(fitted)

    def _score(self, task: "MaskedLm", data: Any) -> "RowScores":
        from munjang.tasks.masked_rows import RowScores

        log_probabilities = self._log_probabilities()
        most_frequent = int(log_probabilities.argmax())

        def score(batch: Any) -> tuple[Any, Any]:
            targets = batch.targets[: len(batch.places)].numpy()
            return -log_probabilities[targets], targets == most_frequent

        return RowScores.compute(task.masked_batches(data), len(data), score)

    def _log_probabilities(self) -> npt.NDArray[np.float64]:
        from munjang.tasks.masked_scores import unigram_log_probabilities

        return unigram_log_probabilities(self.tokenizer.vocabulary)

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        return {"name": self.name, "tokenizer": self.settings.model_dump(mode="json")}

    def save(self, folder: str | Path) -> Path:
        """Write the baseline into a folder, sealed with checksums, without pickle."""
        values = {
            CONFIG: {"kind": self.kind, **self.config()},
            TOKENIZER: self.tokenizer.to_json(),
            VOCABULARY: self.tokenizer.vocabulary.to_json(),
        }
        return write_baseline(Path(folder), values, {_COUNTS: self.counts}, self.card())

    @classmethod
    def read(cls, sealed: SealedFolder, config: dict[str, Any]) -> Self:
        """Return the baseline in an opened folder.

        Raises:
            FolderError: a file is missing, altered, or does not fit the others.
        """
        from munjang.folder.rebuild import load_tokenizer

        sealed.expect(cls.files())
        arguments = cls.read_config(sealed.path / CONFIG, config)
        settings: LinesTokenizerSettings = arguments["settings"]
        tokenizer = load_tokenizer(
            sealed, TOKENIZER, VOCABULARY, name=settings.name, settings=settings.settings
        )
        model = cls(**arguments, tokenizer=tokenizer)
        with sealed.open(WEIGHTS) as file:
            header = read_header(file)
            compare_header(file.path, header, cls.expected_arrays(vars(model), {}, header))
            arrays = read_arrays(file, header)
            if not np.array_equal(arrays[_COUNTS], model.counts):
                raise weights_error(file.path, f"{_COUNTS!r} are not those of the vocabulary")
        sealed.check(CARD)
        return model

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check name and settings.

        Raises:
            FolderError: they are missing or unknown, or there is another value.
        """
        if config.keys() != {"name", "tokenizer"} or not isinstance(config["tokenizer"], dict):
            raise FolderError(f"{path}: expected the name of a baseline, and its tokenizer")
        if not isinstance(config["name"], str) or config["name"] not in MASKED_BASELINES:
            raise FolderError(
                f"{path}: unknown baseline {str(config['name'])[:80]}; upgrade munjang"
            )
        try:
            settings = LinesTokenizerSettings.parse(config["tokenizer"], where="tokenizer")
        except ConfigError as error:
            raise FolderError(f"{path}: {error}") from None
        return {"name": config["name"], "settings": settings}

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Accept any: tokens are checked with their tokenizer."""

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of the counts."""
        return {_COUNTS: ("I64", (config["tokenizer"].vocabulary.size,))}


def fit_masked_baseline(
    name: str, texts: "pl.Series", settings: LinesTokenizerSettings
) -> MaskedBaseline:
    """Fit a baseline of masked language models.

    Args:
        name: one of `MASKED_BASELINES`.
        texts: from which the tokenizer of the networks is learned, too.
        settings: of this tokenizer.
    """
    tokenizer = make_tokenizer(settings.name, **settings.settings).fit(
        texts, min_frequency=settings.min_frequency, max_size=settings.max_size
    )
    return MaskedBaseline(name, settings, tokenizer)

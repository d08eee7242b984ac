"""Baselines of running text: n-grams of characters, and the frequency of each character."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.baselines.baseline import TERMS, Arrays, Baseline, Strings
from munjang.baselines.kneser_ney import KneserNey, split_ngrams
from munjang.data.collection import collect_texts
from munjang.data.streams.encode import encode_prompt, encode_stream, unknown_bytes_per_line
from munjang.errors import DataError, FolderError
from munjang.explain.surprisal import Surprisal
from munjang.explain.text_surprisal import compute_surprisal
from munjang.folder.weights import weights_error
from munjang.text.characters import CharacterTokenizer
from munjang.text.columns import Int32s
from munjang.text.continuation import continue_text
from munjang.text.plain.continuation import check_length
from munjang.text.vocabulary import GO, OOV, PAD, RESERVED, Vocabulary

if TYPE_CHECKING:
    from munjang.decoding.settings import DecodingSettings
    from munjang.folder.weights import Entry
    from munjang.tasks.language_scores import LanguageScores
    from munjang.tasks.next_tokens import NextTokens

Floats = npt.NDArray[np.float64]

# A line about each, by name.
RUNNING_TEXT_BASELINES: dict[str, str] = {
    "kneser-ney": "n-grams of characters with Kneser-Ney smoothing, as long as is best for "
    "validation",
    "character-frequencies": "the frequency of each character, whatever stands before it",
}
# Lengths of n-grams that are tried.
_ORDERS: dict[str, Sequence[int]] = {"kneser-ney": range(1, 9), "character-frequencies": (1,)}


@dataclass(frozen=True, eq=False, repr=False)
class RunningTextBaseline(Baseline):
    """A fitted n-gram model of characters; see `munjang.baselines.kneser_ney`.

    Attributes:
        name: one of `RUNNING_TEXT_BASELINES`.
        characters: those that have an id, in the order of their ids.
        keys: keys of all n-grams, the shortest n-grams first, [n-grams].
        counts: their counts, [n-grams].
        sizes: numbers of n-grams of 1, 2, ... characters, [order].
        decoding: settings of generation; None draws from the probabilities as they are.
    """

    kind: ClassVar[str] = "running_text"
    task_name: ClassVar[str] = "language"  # type: ignore[misc]
    input_name: ClassVar[str] = "stream"
    string_files: ClassVar[Mapping[str, str]] = {TERMS: "characters"}
    array_names: ClassVar[tuple[str, ...]] = ("keys", "counts", "sizes")
    summaries: ClassVar[Mapping[str, str]] = RUNNING_TEXT_BASELINES

    name: str
    characters: tuple[str, ...]
    keys: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int64]
    decoding: "DecodingSettings | None" = field(default=None, compare=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names; empty, since the answers are characters."""
        return ()

    @property
    def default_top(self) -> int:
        """Number of characters per answer unless asked."""
        from munjang.tasks.masked_answers import DEFAULT_TOP

        return DEFAULT_TOP

    @property
    def parameters(self) -> int:
        """Number of distinct n-grams."""
        return len(self.keys)

    @cached_property
    def tokenizer(self) -> CharacterTokenizer:
        """The tokenizer of lines."""
        return _tokenizer_of(self.characters)

    @cached_property
    def ngrams(self) -> KneserNey:
        """The n-gram model of ids."""
        size = self.tokenizer.vocabulary.size
        return KneserNey.from_ngrams(split_ngrams(vars(self), self.sizes.tolist()), size)

    def token_losses(self, ids: Int32s) -> Floats:
        """Return the negative log-likelihood of each id but the first, in nats [tokens - 1]."""
        losses: Floats = -self.ngrams.log_probabilities(ids)[1:]
        return losses

    def predict(self, texts: str | Iterable[str], **options: Any) -> "list[NextTokens]":
        """Return the likeliest next characters of each text.

        Args:
            texts: texts; a single one counts as a list of one.
            options: `top`, the number of characters per text.

        Raises:
            DataError: a text is None or not a string; its row is named.
            ConfigError: another option, or `top` is out of range.
        """
        import torch

        from munjang.tasks.masked_answers import read_top
        from munjang.tasks.next_tokens import choose_next
        from munjang.text.masks import TokenTexts

        top = read_top(options)
        prompts = [encode_prompt(self.tokenizer, text) for text in collect_texts(texts)]
        if not prompts:
            return []
        probabilities = np.stack([self.ngrams.next_probabilities(ids) for ids in prompts])
        logits = torch.from_numpy(probabilities).log()
        return choose_next(logits, TokenTexts(self.tokenizer), top)

    def score(self, table: Any) -> "LanguageScores":
        """Return the scores on a text, `munjang.data.streams.text.RunningText`.

        Raises:
            DataError: it has a single token, which nothing comes before or after.
        """
        from munjang.tasks.language_scores import LanguageScores

        ids = encode_stream(self.tokenizer, table.lines)
        if len(ids) < 2:
            raise DataError("expected a text of two characters or more", file=table.files[0])
        losses = self.token_losses(ids)
        return LanguageScores.from_nats(
            float(losses.sum()),
            rows=len(losses),
            tokens=len(losses),
            characters=table.characters,
            bytes=table.bytes,
            unknown_bytes=int(unknown_bytes_per_line(self.tokenizer, table.lines, ids).sum()),
        )

    def surprisal(self, text: str) -> Surprisal:
        """Return the surprisal of each part of a text, as `munjang.model.Model.surprisal` does.

        Raises:
            DataError: the text is empty.
        """
        return compute_surprisal(text, self.tokenizer, self.token_losses)

    def generate(
        self, prompt: str = "", *, length: int = 200, seed: int = 0, stop: Sequence[str] = ()
    ) -> Iterator[str]:
        """Continue a text, as `munjang.model.Model.generate` does.

        Raises:
            ConfigError: `length` is out of range, or the method of decoding is beam.
        """
        check_length(length)
        tokens = self.ngrams.sample(
            length,
            encode_prompt(self.tokenizer, prompt),
            settings=self.decoding,
            seed=seed,
            excluded=(PAD, OOV, GO),
        )
        return continue_text(self.tokenizer, prompt, stop).parts(tokens)

    def with_decoding(self, changes: Mapping[str, Any]) -> Self:
        """Return the baseline with other settings of generation.

        Raises:
            ConfigError: an unknown setting, or a value that it cannot take.
        """
        from munjang.config import merge
        from munjang.decoding.settings import DecodingSettings

        known = {} if self.decoding is None else self.decoding.model_dump(exclude_unset=True)
        settings = merge({"method": "sample"}, merge(known, changes))
        return replace(self, decoding=DecodingSettings.parse(settings, where="decoding"))

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        return {"name": self.name}

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check the name.

        Raises:
            FolderError: it is missing or unknown, or there is another value.
        """
        if config.keys() != {"name"}:
            raise FolderError(f"{path}: expected the name of a baseline")
        if not isinstance(config["name"], str) or config["name"] not in RUNNING_TEXT_BASELINES:
            raise FolderError(
                f"{path}: unknown baseline {str(config['name'])[:80]}; upgrade munjang"
            )
        return config

    @classmethod
    def most_strings(cls, header: "Mapping[str, Entry]") -> int:
        """Return the most characters that the arrays allow: each is an n-gram."""
        return max((side for entry in header.values() for side in entry.shape), default=0)

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Refuse what is no list of characters.

        Raises:
            MunjangError: naming an entry of more than one character, or the size.
        """
        _tokenizer_of(strings["characters"])

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array; numbers of n-grams are those of the header."""
        shapes = {name: entry.shape[:1] for name, entry in header.items()}
        ngrams, order = shapes.get("keys", (0,)), shapes.get("sizes", (0,))
        return {"keys": ("I64", ngrams), "counts": ("I32", ngrams), "sizes": ("I64", order)}

    @classmethod
    def check_arrays(cls, path: Path, strings: Strings, arrays: Arrays) -> None:
        """Refuse arrays that are no n-grams of these characters.

        Raises:
            FolderError: naming the array.
        """
        sizes = arrays["sizes"].tolist()
        size = len(RESERVED) + len(strings["characters"])
        config = KneserNey.read_config(path, {"vocabulary_size": size, "sizes": sizes})
        if sum(sizes) != len(arrays["keys"]):
            raise weights_error(path, "'sizes' does not add up to the number of n-grams")
        KneserNey.from_arrays(path, config, arrays)


def _tokenizer_of(characters: Sequence[str]) -> CharacterTokenizer:
    tokens = (*RESERVED, *characters)
    vocabulary = Vocabulary(tokens, np.zeros(len(tokens), dtype=np.int64))
    return CharacterTokenizer.from_json(CharacterTokenizer().to_json(), vocabulary)


def fit_running_text_baseline(name: str, train: pl.Series, valid: pl.Series) -> RunningTextBaseline:
    """Fit a baseline of running text.

    Args:
        name: one of `RUNNING_TEXT_BASELINES`.
        train: lines to count, in NFC.
        valid: lines by which the length of the n-grams is chosen.
    """
    tokenizer = CharacterTokenizer().fit(train)
    ids, held_out = (encode_stream(tokenizer, lines) for lines in (train, valid))
    vocabulary = tokenizer.vocabulary
    model = KneserNey.fit_best(ids, held_out, vocabulary.size, _ORDERS[name])
    sizes = [len(level.ngrams) for level in model.levels]
    return RunningTextBaseline(
        name,
        characters=vocabulary.tokens[len(RESERVED) :],
        keys=model.arrays["keys"],
        counts=model.arrays["counts"],
        sizes=np.array(sizes, dtype=np.int64),
    )

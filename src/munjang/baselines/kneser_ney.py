"""N-gram language model with interpolated modified Kneser-Ney smoothing.

    p(w | h) = (c(h w) - D(c(h w))) / c(h •)  +  backoff(h) p(w | h without its first token)

The longest n-grams have the counts of the training stream. Those of a shorter n-gram are the
numbers of different tokens before it: what follows many contexts is likely in a new one. The
discounts D(1), D(2) and D(3 and more) follow from counts of counts, per length. The recursion ends
with the uniform distribution over the vocabulary, so no token is impossible. Kneser and Ney 1995,
"Improved backing-off for m-gram language modeling"; Chen and Goodman 1998, "An empirical study of
smoothing techniques for language modeling", section 3.

It is fitted in one pass, without gradients, and no neural language model should do worse.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from munjang import __version__
from munjang.baselines.baseline import CARD, CONFIG, WEIGHTS, write_baseline
from munjang.baselines.ngram_counts import MOST_TOKENS, Ids, Ngrams, count_ngrams
from munjang.baselines.ngram_levels import Floats, Level
from munjang.errors import ConfigError, DataError, FolderError
from munjang.folder.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.folder.weights import compare_header, read_arrays, read_header, weights_error

if TYPE_CHECKING:
    from munjang.decoding.settings import DecodingSettings

KIND = "kneser_ney"
MOST_ORDER = 16
FILES = (CONFIG, WEIGHTS, CARD)

_CHUNK = 1 << 18  # tokens that are looked up at a time


@dataclass(frozen=True, eq=False)
class KneserNey:
    """A fitted n-gram model of a stream of token ids.

    Attributes:
        vocabulary_size: number of ids; each has a probability in any context.
        levels: n-grams of 1, 2, ... `order` tokens.
    """

    vocabulary_size: int
    levels: tuple[Level, ...]

    @classmethod
    def fit(cls, ids: npt.ArrayLike, vocabulary_size: int, order: int = 5) -> Self:
        """Fit a model of one order to a stream of ids [tokens].

        About 30 bytes per token are needed meanwhile, and 12 to 28 per distinct n-gram stay.

        Raises:
            ConfigError: `order` is not 1 to 16.
            DataError: an id is not in the vocabulary.
        """
        stream = _check_ids(ids, vocabulary_size)
        _check_orders((order,))
        largest = deque(count_ngrams(stream, vocabulary_size, order), maxlen=1).pop()
        return cls.from_ngrams(largest, vocabulary_size)

    @classmethod
    def fit_best(
        cls,
        ids: npt.ArrayLike,
        held_out: npt.ArrayLike,
        vocabulary_size: int,
        orders: Sequence[int] = range(1, 9),
    ) -> Self:
        """Fit the model whose order has the lowest cross-entropy on held-out ids [tokens].

        The first 262,144 held-out tokens are scored. Longer n-grams are counted from shorter ones,
        so trying orders 1 to 8 costs little more than fitting the largest.

        Raises:
            ConfigError: there is no order, or one is not 1 to 16.
            DataError: an id is not in the vocabulary, or nothing is held out.
        """
        _check_orders(orders)
        stream, held_out = (_check_ids(part, vocabulary_size) for part in (ids, held_out))
        if not len(held_out):
            raise DataError("the order is chosen on held-out tokens, but there are none")
        best: Self | None = None
        lowest = math.inf
        for ngrams in count_ngrams(stream, vocabulary_size, max(orders)):
            if len(ngrams) not in orders:
                continue
            model = cls.from_ngrams(ngrams, vocabulary_size)
            loss = model.cross_entropy(held_out[:_CHUNK])
            if best is None or loss < lowest:
                best, lowest = model, loss
        assert best is not None
        return best

    @classmethod
    def from_ngrams(cls, ngrams: Sequence[Ngrams], vocabulary_size: int) -> Self:
        """Build the model of counted n-grams, see `munjang.baselines.ngram_counts`."""
        contexts = [1, *map(len, ngrams)]
        return cls(
            vocabulary_size,
            tuple(
                Level.build(counted, vocabulary_size, before)
                for counted, before in zip(ngrams, contexts[:-1], strict=True)
            ),
        )

    @property
    def order(self) -> int:
        """Length of the longest n-grams [tokens]."""
        return len(self.levels)

    @property
    def parameters(self) -> int:
        """Number of distinct n-grams."""
        return sum(len(level.ngrams) for level in self.levels)

    def log_probabilities(self, ids: npt.ArrayLike, context: npt.ArrayLike | None = None) -> Floats:
        """Return the log-probability of each token given all tokens before it, in nats [tokens].

        Args:
            ids: a stream, [tokens].
            context: tokens before it; None at the start of a text.

        Raises:
            DataError: an id is not in the vocabulary.
        """
        stream = _check_ids(ids, self.vocabulary_size)
        before = self._last(context)
        whole = np.concatenate([before, stream])
        logs = np.empty(len(stream))
        for start in range(0, len(stream), _CHUNK):
            here = logs[start : start + _CHUNK]
            place = len(before) + start
            window = whole[max(0, place - self.order + 1) : place + len(here)]
            np.log(self._probabilities(window)[len(window) - len(here) :], out=here)
        return logs

    def cross_entropy(self, ids: npt.ArrayLike, context: npt.ArrayLike | None = None) -> float:
        """Return the mean nats per token of a stream; see `log_probabilities`."""
        return float(-self.log_probabilities(ids, context).mean())

    def next_probabilities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probability of each next token after a context, [vocabulary size].

        Args:
            context: tokens before it; None at the start of a text.
        """
        return self._distribution(self._state(context))

    def sample(
        self,
        length: int,
        context: npt.ArrayLike | None = None,
        *,
        settings: "DecodingSettings | None" = None,
        seed: int = 0,
        excluded: Sequence[int] = (),
    ) -> Iterator[int]:
        """Yield `length` random tokens, each as soon as it is drawn.

        Random numbers follow from seed and step, as in `munjang.decoding.sampling`.

        Args:
            length: number of tokens.
            context: tokens before them; None at the start of a text.
            settings: method greedy or sample, temperature, top_k and top_p; None: the
                probabilities as they are.
            seed: any whole number.
            excluded: ids that are never drawn, such as those of padding.
        """
        choose = _chooser(settings, seed)
        state = self._state(context)
        for step in range(length):
            probabilities = self._distribution(state)
            probabilities[list(excluded)] = 0.0
            token = choose(probabilities, step)
            state = self._advance(state, token)
            yield token

    def _probabilities(self, window: Ids) -> Floats:
        """Return the probability of each token given those before it in the window, [tokens]."""
        probabilities = np.full(len(window), 1 / self.vocabulary_size)
        contexts = np.zeros(len(window), dtype=np.int64)
        for level in self.levels:
            places = np.flatnonzero(contexts >= 0)
            here = contexts[places]
            found = level.find(here * self.vocabulary_size + window[places])
            probabilities[places] *= level.backoffs[here]
            is_known = found >= 0
            known = places[is_known]
            probabilities[known] += level.shares(found[is_known], here[is_known])
            # the context of the next token, one token longer
            contexts = np.full(len(window), -1, dtype=np.int64)
            follows = known[known < len(window) - 1] + 1
            contexts[follows] = found[is_known][: len(follows)]
        return probabilities

    def _state(self, context: npt.ArrayLike | None) -> list[int]:
        """Return the numbers of the last 0, 1, ... order - 1 tokens as n-grams, -1 if unseen."""
        state = [0] + [-1] * (self.order - 1)
        for token in self._last(context).tolist():
            state = self._advance(state, token)
        return state

    def _advance(self, state: list[int], token: int) -> list[int]:
        """Return the state after one more token."""
        following = [0]
        for level, number in zip(self.levels[:-1], state[:-1], strict=True):
            key = np.array([number * self.vocabulary_size + token])
            following.append(-1 if number < 0 else int(level.find(key)[0]))
        return following

    def _distribution(self, state: Sequence[int]) -> Floats:
        """Return the probability of each token in a state, [vocabulary size]."""
        size = self.vocabulary_size
        probabilities = np.full(size, 1 / size)
        for level, number in zip(self.levels, state, strict=True):
            if number < 0:
                break
            keys = level.ngrams.keys
            first, end = np.searchsorted(keys, [number * size, (number + 1) * size]).tolist()
            probabilities *= level.backoffs[number]
            numbers = np.arange(first, end)
            shares = level.shares(numbers, np.full(end - first, number))
            probabilities[keys[first:end] - number * size] += shares
        return probabilities

    def _last(self, context: npt.ArrayLike | None) -> Ids:
        """Return the tokens of a context that probabilities depend on."""
        if context is None or self.order == 1:
            return np.zeros(0, dtype=np.int64)
        return _check_ids(np.asarray(context)[-(self.order - 1) :], self.vocabulary_size)

    @cached_property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays of `model.safetensors`: keys and counts of all n-grams, shortest first."""
        return {
            "keys": np.concatenate([level.ngrams.keys for level in self.levels]),
            "counts": np.concatenate([level.ngrams.counts for level in self.levels]),
        }

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        sizes = [len(level.ngrams) for level in self.levels]
        return {"vocabulary_size": self.vocabulary_size, "sizes": sizes}

    @classmethod
    def read_config(cls, path: Path, config: Any) -> dict[str, Any]:
        """Check the values of `config`, and return them.

        Raises:
            FolderError: a value is missing, unknown, or out of range.
        """
        if not isinstance(config, dict) or config.keys() != {"vocabulary_size", "sizes"}:
            raise FolderError(f"{path}: expected vocabulary_size and sizes of an n-gram model")
        size, sizes = config["vocabulary_size"], config["sizes"]
        if type(size) is not int or not 1 <= size <= MOST_TOKENS:
            raise FolderError(f"{path}: vocabulary_size: expected a number of tokens")
        if not isinstance(sizes, list) or not 1 <= len(sizes) <= MOST_ORDER:
            raise FolderError(f"{path}: sizes: expected 1 to {MOST_ORDER} numbers of n-grams")
        if not all(type(count) is int and 0 <= count <= MOST_TOKENS for count in sizes):
            raise FolderError(f"{path}: sizes: expected numbers of n-grams")
        return config

    @classmethod
    def expected_arrays(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return dtype and shape of each array."""
        total = sum(config["sizes"])
        return {"keys": ("I64", (total,)), "counts": ("I32", (total,))}

    @classmethod
    def from_arrays(
        cls, path: Path, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        """Return the model with some arrays, after checking that they are n-grams.

        Args:
            path: path of the weights, for messages.
            config: result of `read_config`.
            arrays: as `expected_arrays` tells.

        Raises:
            FolderError: keys do not rise, or lead out of the n-grams; or a count is below 1.
        """
        size, sizes = config["vocabulary_size"], config["sizes"]
        ngrams = split_ngrams(arrays, sizes)
        for contexts, keys in zip([1, *sizes[:-1]], (n.keys for n in ngrams), strict=True):
            if len(keys) and not (
                keys[0] >= 0 and keys[-1] < contexts * size and (keys[1:] > keys[:-1]).all()
            ):
                raise weights_error(path, "'keys' does not number the n-grams in their order")
        if len(arrays["counts"]) and arrays["counts"].min() < 1:
            raise weights_error(path, "'counts' holds a number below 1")
        return cls.from_ngrams(ngrams, size)

    def save(self, folder: str | Path) -> Path:
        """Write the model into a folder of its own, sealed with checksums.

        Raises:
            FolderError: another process writes there.
        """
        values = {CONFIG: {"kind": KIND, **self.config()}}
        return write_baseline(Path(folder), values, self.arrays, self.card())

    @classmethod
    def load(cls, folder: str | Path | SealedFolder) -> Self:
        """Return the model that `save` wrote.

        Raises:
            FolderError: the folder is missing, unfinished or altered, or holds another model.
        """
        with as_folder_errors(folder):
            sealed = open_sealed(folder)
            sealed.expect(FILES)
            path = sealed.path / CONFIG
            values = sealed.read_json(CONFIG)
            if not isinstance(values, dict) or values.pop("kind", None) != KIND:
                raise FolderError(f"{path}: kind: expected {KIND}")
            config = cls.read_config(path, values)
            with sealed.open(WEIGHTS) as file:
                header = read_header(file)
                compare_header(file.path, header, cls.expected_arrays(config))
                model = cls.from_arrays(file.path, config, read_arrays(file, header))
            sealed.check(CARD)
        return model

    def card(self) -> str:
        """Return the text of the model card."""
        return f"""# An n-gram model made with munjang {__version__}

Interpolated modified Kneser-Ney smoothing over token ids: order {self.order}, {self.parameters:,}
n-grams, a vocabulary of {self.vocabulary_size:,} tokens.
"""


def split_ngrams(arrays: Mapping[str, npt.NDArray[Any]], sizes: Sequence[int]) -> list[Ngrams]:
    """Return the n-grams of 1, 2, ... tokens of the arrays `keys` and `counts` [n-grams].

    Args:
        arrays: as in `model.safetensors`.
        sizes: number of n-grams of each length.
    """
    cuts = np.cumsum(sizes)[:-1]
    keys, counts = (np.split(arrays[name], cuts) for name in ("keys", "counts"))
    return [Ngrams(*pair) for pair in zip(keys, counts, strict=True)]


def _chooser(settings: "DecodingSettings | None", seed: int) -> Any:
    """Return a function that takes probabilities [vocabulary] and a step, and returns a token."""
    import torch

    from munjang.decoding.sampling import draw, uniform
    from munjang.decoding.settings import DecodingSettings

    given = DecodingSettings(method="sample") if settings is None else settings
    if given.method == "beam":
        raise ConfigError("an n-gram model samples: set method to sample or greedy")
    row = np.zeros(1, dtype=np.int64)

    def choose(probabilities: Floats, step: int) -> int:
        if not probabilities.any():
            raise ConfigError("all tokens are excluded from sampling; leave some")
        if given.method == "greedy":
            return int(probabilities.argmax())
        with np.errstate(divide="ignore"):
            logs = torch.from_numpy(np.log(probabilities)).float()[None, None]
        return int(draw(logs, torch.from_numpy(uniform(seed, row, step, 1)), given))

    return choose


def _check_orders(orders: Sequence[int]) -> None:
    if not orders or not all(1 <= order <= MOST_ORDER for order in orders):
        given = ", ".join(map(str, orders)) or "none"
        raise ConfigError(f"order of an n-gram model: expected 1 to {MOST_ORDER}, got {given}")


def _check_ids(ids: npt.ArrayLike, vocabulary_size: int) -> Ids:
    """Return ids as an array, after checking that they are in the vocabulary."""
    stream = np.asarray(ids)
    if not stream.size:
        return np.zeros(0, dtype=np.int32)
    if stream.ndim != 1 or stream.dtype.kind not in "iu":
        raise DataError(f"expected ids [tokens], got an array {stream.dtype} {stream.shape}")
    if len(stream) > MOST_TOKENS:
        raise DataError(f"{len(stream):,} tokens; up to {MOST_TOKENS:,} can be counted")
    if int(stream.min()) < 0 or int(stream.max()) >= vocabulary_size:
        place = int(np.argmax((stream < 0) | (stream >= vocabulary_size)))
        raise DataError(
            f"id {stream[place]} is not in this vocabulary of {vocabulary_size} tokens; was the "
            "text encoded with another tokenizer?",
            row=place,
        )
    return stream if stream.dtype in (np.int32, np.int64) else stream.astype(np.int64)

"""Sampling: random tokens, with the model's probabilities or sharper ones.

A token's probability is p_i ∝ exp(log p_i / temperature), among the `top_k` most likely (Fan et
al. 2018), and of these among the fewest that have a share of `top_p` of the probability together
(Holtzman et al. 2020, "The curious case of neural text degeneration"). Of equally likely tokens
the lowest ids are taken.

The random number of a token depends on the seed, the number of its row, the place of the sample
among those of the row, and the row's own step. Neighbors in a batch change no answer, and rows of
different seeds may stand in one batch.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.decoding.settings import DecodingSettings
from munjang.decoding.top_k import top_k

# tokens that `top_p` considers first
_FEW = 64
# draws that Python's integers make sooner than arrays
_FEW_DRAWS = 8
_LOWEST_64 = 0xFFFFFFFFFFFFFFFF


def sampler(settings: DecodingSettings) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return a function that draws the next token of each hypothesis.

    The function takes log-probabilities [rows, samples, vocabulary], the random stream of each row
    [rows] (see `random_streams`) and the steps that each row has taken [rows], and returns ids
    [rows, samples].

    Args:
        settings: temperature, top_k and top_p.
    """

    def choose(log_probabilities: Tensor, streams: Tensor, steps: Tensor) -> Tensor:
        samples = log_probabilities.shape[1]
        drawn = _uniform_of(streams.cpu().numpy(), steps.cpu().numpy(), samples)
        return draw(log_probabilities, torch.from_numpy(drawn).to(streams.device), settings)

    return choose


def draw(log_probabilities: Tensor, drawn: Tensor, settings: DecodingSettings) -> Tensor:
    """Return the tokens at which the cumulative probability passes `drawn`.

    Args:
        log_probabilities: [rows, hypotheses, vocabulary]; -inf: never drawn.
        drawn: [rows, hypotheses] float64 in [0, 1).
        settings: temperature, top_k and top_p.

    Returns:
        ids, [rows, hypotheses].
    """
    values, ids = _candidates(log_probabilities / settings.temperature, settings)
    ends = (values - values.amax(-1, keepdim=True)).double().exp().cumsum(-1)
    # `drawn` has 52 bits, so the product is below the last end
    place = torch.searchsorted(ends, (drawn * ends[..., -1])[..., None], right=True)
    return (place if ids is None else ids.gather(-1, place))[..., 0]


def draw_one(values: npt.NDArray[np.float32], drawn: float, settings: DecodingSettings) -> int:
    """Compute `draw` for one hypothesis by NumPy, whose operations start sooner.

    Args:
        values: log-probabilities, [vocabulary].
        drawn: in [0, 1).
        settings: temperature, top_k and top_p.
    """
    if settings.top_k is not None or settings.top_p != 1:
        number = torch.tensor([[drawn]], dtype=torch.float64)
        return int(draw(torch.from_numpy(values)[None, None], number, settings))
    if settings.temperature != 1:
        with np.errstate(over="ignore"):  # to -inf
            values = values / settings.temperature
    ends = np.exp((values - values.max()).astype(np.float64)).cumsum()
    return int(ends.searchsorted(drawn * ends[-1], side="right"))


def _candidates(values: Tensor, settings: DecodingSettings) -> tuple[Tensor, Tensor | None]:
    """Return log-probabilities, unnormalized, -inf where excluded, and ids; None: all, in order."""
    vocabulary = values.shape[-1]
    if settings.top_k is None and settings.top_p == 1:
        return values, None
    most = min(settings.top_k or vocabulary, vocabulary)
    return top_k(values, most) if settings.top_p == 1 else _nucleus(values, most, settings.top_p)


def _nucleus(values: Tensor, most: int, share: float) -> tuple[Tensor, Tensor]:
    """Return the fewest of the `most` likely tokens that have `share` of their probability."""
    width = most if most < values.shape[-1] else min(_FEW, most)
    while True:
        best, ids = top_k(values, width)
        whole = (best if width == most else values).double().logsumexp(-1, keepdim=True)
        reached = (best.double() - whole).exp().cumsum(-1)
        if width == most or bool((reached[..., -1] >= share).all()):
            # a token is in while those before it do not reach the share: the first always is
            before = F.pad(reached[..., :-1], (1, 0))
            return best.masked_fill(before >= share, -math.inf), ids
        width = min(4 * width, most)


def uniform(
    seed: int, rows: npt.NDArray[np.int64], steps: npt.NDArray[np.int64] | int, samples: int
) -> npt.NDArray[np.float64]:
    """Return numbers in [0, 1) with 52 random bits, [rows, samples], by hashing the arguments.

    Args:
        seed: any whole number.
        rows: number of each row, [rows].
        steps: of each row, [rows], or one for all.
        samples: per row.
    """
    return _uniform_of(random_streams(seed, rows), steps, samples)


def random_streams(seed: int | Sequence[int], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return a number per row from which all its draws follow, [rows].

    Args:
        seed: any whole number, or one per row.
        rows: number of each row, [rows].
    """
    seeds = [seed] if isinstance(seed, int) else seed
    mixed = _mix(np.array([each & 0xFFFFFFFFFFFFFFFF for each in seeds], dtype=np.uint64))
    return _mix(mixed + rows.astype(np.uint64)).view(np.int64)


def _uniform_of(
    streams: npt.NDArray[np.int64], steps: npt.NDArray[np.int64] | int, samples: int
) -> npt.NDArray[np.float64]:
    if len(streams) * samples <= _FEW_DRAWS:
        each = [steps] * len(streams) if isinstance(steps, int) else steps.tolist()
        pairs = zip(streams.tolist(), each, strict=True)
        rows = [_uniform_row(stream, step, samples) for stream, step in pairs]
        return np.array(rows).reshape(len(streams), samples)
    mixed = _mix(streams.view(np.uint64) + np.asarray(steps).astype(np.uint64))
    mixed = _mix(np.add.outer(mixed, np.arange(samples, dtype=np.uint64)))
    return (mixed >> np.uint64(12)).astype(np.float64) * 2.0**-52


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hash by SplitMix64 (Steele et al. 2014), which is one-to-one."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def uniform_one(stream: int, step: int) -> float:
    """Return the number of the first sample of a row: see `uniform` and `random_streams`."""
    return _uniform_row(stream, step, 1)[0]


def _uniform_row(stream: int, step: int, samples: int) -> list[float]:
    """Compute `_uniform_of` for one row with Python's integers, whose operations start sooner."""
    mixed = _mix_one(stream + step)
    return [(_mix_one(mixed + sample) >> 12) * 2.0**-52 for sample in range(samples)]


def _mix_one(number: int) -> int:
    """Compute `_mix` of one number."""
    mixed = (number + 0x9E3779B97F4A7C15) & _LOWEST_64
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _LOWEST_64
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _LOWEST_64
    return mixed ^ (mixed >> 31)

"""Parts shared by all systems of the training benchmark: sizes, textbook batches, the clock."""

import time
from collections.abc import Callable, Iterator

import numpy as np

ROWS, WIDTH, VOCABULARY, HIDDEN, FILTERS = 64, 128, 16_000, 128, 100
WIDTHS = (3, 4, 5)
LAYERS, HEADS, FEED_FORWARD, DROPOUT = 2, 4, 512, 0.1
LONGEST = 128
WARM_UP = 30  # steps before the clock runs

Arrays = dict[str, np.ndarray]


def random_batches(
    arrays: Arrays, multiple: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Textbook batches: random rows, padded to the longest (rounded up to `multiple`)."""
    values, offsets, targets = arrays["values"], arrays["offsets"], arrays["targets"]
    random = np.random.default_rng(0)
    while True:
        order = random.permutation(len(targets))
        for start in range(0, len(order) - ROWS + 1, ROWS):
            rows = order[start : start + ROWS]
            lengths = np.maximum(offsets[rows + 1] - offsets[rows], 1)
            time_steps = -(-int(lengths.max()) // multiple) * multiple
            ids = np.zeros((ROWS, time_steps), dtype=np.int64)
            for i, row in enumerate(rows):
                ids[i, : offsets[row + 1] - offsets[row]] = values[offsets[row] : offsets[row + 1]]
            yield ids, lengths, targets[rows]


def sinusoids(time_steps: int) -> np.ndarray:
    """Waves of places (Vaswani et al. 2017), [time, WIDTH] float32."""
    angles = np.arange(time_steps)[:, None] / 10_000 ** (np.arange(0, WIDTH, 2) / WIDTH)
    return (
        np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(time_steps, WIDTH).astype("f")
    )


def time_steps_per_second(step: Callable[[], int], seconds: float) -> tuple[int, float]:
    """Run `step` for about `seconds` after a warm-up; return its tokens and the time they took."""
    for _ in range(WARM_UP):
        step()
    start, tokens = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        tokens += step()
    return tokens, time.perf_counter() - start


def matrix_operations(model: str, time_steps: float) -> float:
    """Floating-point operations of the matrix products of a training step, a real token.

    Forward, and twice that for the gradients to inputs and weights; two operations a multiply-add.
    `time_steps` are the tokens that a token of the average row attends to.
    """
    gates = {"rnn": 1, "gru": 3, "lstm": 4}
    if model == "mean":
        products = 0.0
    elif model == "cnn":
        products = WIDTH * FILTERS * sum(WIDTHS)
    elif model in gates:
        products = gates[model] * HIDDEN * (WIDTH + HIDDEN)
    else:
        products = LAYERS * (4 * WIDTH**2 + 2 * WIDTH * FEED_FORWARD + 2 * time_steps * WIDTH)
    return 6.0 * products


def matrix_rate(device: str = "cpu", seconds: float = 2.0) -> float:
    """Floating-point operations a second of a large matrix product: the median of many."""
    import torch

    size = 1024 if device == "cpu" else 8192
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    taken, started = [], time.perf_counter()
    while time.perf_counter() - started < seconds:
        start = time.perf_counter()
        a @ b
        if device != "cpu":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return 2 * size**3 / float(np.median(taken))

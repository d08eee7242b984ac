"""Training rate of language models beside the same shape in plain PyTorch.

A training step is forward, backward, clipping and update, in float32 on all cores. Both sides
have the same text by characters, rows, window, width, layers and vocabulary, and an output layer
of its own. They take turns for some seconds each; the medians over the rounds are compared. The
first steps and validation runs are not counted.

- ours: the loop of `munjang train`, without n-grams. `ours, default` has the defaults: pairs of
  tokens have hashed vectors, and the output layer shares the embedding's weights.
- torch: `textbook_language.py`.

The share of the matrix rate counts the multiplications of ours without n-grams, at the rate of a
large matrix product in the same round.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import textbook_language
from rates import WARM_UP, matrix_rate

# Takes a training step and returns the number of its characters; 0: not to be counted.
Step = Callable[[], int]
SAME_SHAPE = {"ngrams": 1, "tie_embeddings": False}


def make_ours(data: Path, model: str, **settings: Any) -> tuple[Step, Any]:
    """Return a training step of ours, and the loop."""
    from munjang.api import make_loop
    from munjang.preparation import prepare
    from munjang.reporting import discard

    given = {
        "task": "language",
        "model": {"name": model, **settings},
        "language": {"ngram_order": 0},
        "data": {"validation_split": 0.001},
        "training": {"epochs": 1000},
    }
    loop = make_loop(prepare(data, None, given, discard))
    loop.validate()  # imports what judges
    steps = iter(loop)

    def step() -> int:
        taken = next(steps)
        return taken.tokens if taken.scores is None else 0

    return step, loop


def rate_of(step: Step, seconds: float) -> float:
    """Return the characters per second of a step that is taken for some seconds."""
    for _ in range(WARM_UP):
        step()
    characters, taken = 0, 0.0
    while taken < seconds:
        began = time.perf_counter()
        if count := step():
            characters += count
            taken += time.perf_counter() - began
    return characters / taken


def matrix_operations(network: Any, window: int) -> int:
    """Return the floating-point operations of the matrix products of a step, per token.

    Every matrix but the embedding multiplies each token once, and twice more for the gradients.
    Causal attention has two products more, with half a window on average.
    """
    products = sum(
        weight.numel()
        for name, weight in network.named_parameters()
        if weight.ndim == 2 and not name.startswith("embedding.")
    )
    blocks = len(getattr(network, "blocks", ()))
    return 3 * 2 * (products + blocks * (window + 1) * network.embedding.dim)


def measure_model(data: Path, model: str, rounds: int, seconds: float) -> str:
    """Return the row of an architecture."""
    ours, loop = make_ours(data, model, **SAME_SHAPE)
    default, _ = make_ours(data, model)
    rows, window = loop.settings.batch_size, loop.train.window
    network = loop.state.model
    torch_step = textbook_language.make_step(
        model,
        loop.train.ids,
        rows,
        window,
        dim=network.embedding.dim,
        hidden=network.states_dim,
        layers=len(network.blocks) if model == "transformer" else len(network.recurrent.forwards),
        heads=4,
        vocabulary=network.vocabulary_size,
    )
    sides = {"ours": ours, "default": default, "torch": torch_step}
    rates: dict[str, list[float]] = {side: [] for side in sides}
    shares = []
    for _ in range(rounds):
        for side, step in sides.items():
            rates[side].append(rate_of(step, seconds))
        needed = rates["ours"][-1] * matrix_operations(network, window)
        shares.append(needed / matrix_rate(rows * window, network.embedding.dim))
    medians = {side: statistics.median(found) for side, found in rates.items()}
    return (
        f"| {model} | {rows} x {window} | {medians['ours']:,.0f} | {medians['default']:,.0f} "
        f"| {medians['torch']:,.0f} | {medians['ours'] / medians['torch']:.2f} "
        f"| {statistics.median(shares):.0%} |"
    )


def measure(data: Path, models: Sequence[str], rounds: int, seconds: float) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{rounds} rounds of {seconds:g} s each, characters per second in training, medians\n"
    yield (
        "| model | rows x window | ours | ours, default | torch | ours / torch "
        "| share of the matrix rate |\n|---|---|---|---|---|---|---|"
    )
    for model in models:
        yield measure_model(data, model, rounds, seconds)

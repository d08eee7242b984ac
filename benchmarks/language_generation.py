"""Generation: characters per second beside a loop that reads the whole text for each token.

The loop is what a model without a state or a cache of keys and values does: the same weights, and
the network's own forward pass over all tokens so far, of a transformer over the last `context`
ones. `8 at once` continues 8 prompts together. Weights do not matter here: they are of one step.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

PROMPT, TOGETHER = "ROMEO:", 8


def make_model(data: Path, architecture: str) -> Any:
    """Return a model after one training step."""
    import munjang

    config = {
        "language": {"ngram_order": 0},
        "data": {"validation_split": 0.001},
        "training": {"max_steps": 1},
    }
    return munjang.train(data, task="language", model=architecture, config=config).model


def generate(model: Any, length: int) -> None:
    """Continue a prompt as users do."""
    for _ in model.generate(PROMPT, length=length):
        pass


def generate_together(model: Any, length: int) -> None:
    """Continue several prompts at once."""
    encoded = model.input.encode_values([PROMPT] * TOGETHER)
    for _ in model.task.generate(model.network, encoded, length=length):
        pass


def read_again(model: Any, length: int) -> None:
    """Continue a prompt with a forward pass over the whole text for each token."""
    import torch

    network = model.network.eval()
    longest = getattr(network, "context", 2**30)
    ids = torch.from_numpy(model.input.encode_values(PROMPT).rows[0]).long()
    none, begins = ids.new_zeros(network.before), torch.tensor(True)
    with torch.inference_mode():
        for _ in range(length):
            start = max(0, len(ids) - longest)
            previous = torch.cat([none, ids[:start]])[start:]
            projected = network(ids[None, start:], previous[None], begins)
            logits = replace(projected, states=projected.states[-1:]).logits()
            ids = torch.cat([ids, torch.multinomial(logits.softmax(1), 1)[0]])


WAYS: dict[str, tuple[Callable[[Any, int], None], int]] = {
    "generate": (generate, 1),
    f"{TOGETHER} at once": (generate_together, TOGETHER),
    "reading again": (read_again, 1),
}


def measure_length(model: Any, length: int, rounds: int) -> dict[str, float]:
    """Return the characters per second of each way, medians over rounds in turn."""
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, (run, prompts) in WAYS.items():
            run(model, 5)
            began = time.perf_counter()
            run(model, length)
            rates[way].append(prompts * length / (time.perf_counter() - began))
    return {way: statistics.median(found) for way, found in rates.items()}


def measure(data: Path, lengths: Sequence[int], rounds: int) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{rounds} rounds, characters per second, medians\n"
    yield f"| model | characters | {' | '.join(WAYS)} | generate / reading again |"
    yield "|---" * (len(WAYS) + 3) + "|"
    for architecture in ("lstm", "transformer"):
        model = make_model(data, architecture)
        for length in lengths:
            rates = measure_length(model, length, rounds)
            row = " | ".join(f"{rate:,.0f}" for rate in rates.values())
            ratio = rates["generate"] / rates["reading again"]
            yield f"| {architecture} | {length:,} | {row} | {ratio:.1f} |"

"""Tokens per second of trainings, ours and those of Hugging Face's Trainer; the matrix rate."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# Steps before the clock runs.
WARM_UP = 5


def matrix_rate(rows: int, dim: int) -> float:
    """Return the floating-point operations per second of a product of the feed-forward's size."""
    import torch

    states, weight = torch.randn(rows, dim), torch.randn(4 * dim, dim)
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        torch.nn.functional.linear(states, weight)
        taken.append(time.perf_counter() - began)
    return 2 * rows * dim * 4 * dim / float(np.median(taken))


class StepClock:
    """Real tokens and seconds of the steps after the warm-up.

    Pass it as `on_step` of `munjang.train`.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._tokens = 0
        self._seconds = 0.0

    def __call__(self, step: Any) -> None:
        """Count a step of ours, unless it ended with a validation run."""
        self.count(step.number, step.tokens if step.scores is None else 0)

    def count(self, number: int, tokens: int) -> None:
        """Count the step of this number; 0 tokens leave it out."""
        now = time.perf_counter()
        if number > WARM_UP and tokens:
            self._tokens += tokens
            self._seconds += now - self._began
        self._began = now

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self._tokens / self._seconds


def trainer_rate(
    model: Any,
    rows: list[Mapping[str, Any]],
    collate: Callable[[list[Any]], Any],
    folder: str,
    **arguments: Any,
) -> float:
    """Return the real tokens per second of Hugging Face's Trainer on the CPU.

    Args:
        model: model of transformers.
        rows: training rows, encoded.
        collate: collator of rows to batches.
        folder: folder that the Trainer may write to.
        **arguments: of `TrainingArguments`.
    """
    from transformers import Trainer, TrainerCallback, TrainingArguments

    clock, last = StepClock(), 0

    def counted(batch: list[Any]) -> Any:
        nonlocal last
        collated = collate(batch)
        last = int(collated["attention_mask"].sum())
        return collated

    class Count(TrainerCallback):
        """Counts the steps of a Trainer."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.count(state.global_step, last)

    settings = TrainingArguments(
        output_dir=folder,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        **arguments,
    )
    Trainer(model, settings, data_collator=counted, train_dataset=rows, callbacks=[Count()]).train()
    return clock.rate

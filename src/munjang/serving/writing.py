"""Texts that are generated for several clients at once: rows join and leave between two steps."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from munjang.serving.backend import GrowingTexts, Writes
from munjang.serving.request_errors import log_unexpected


@dataclass(frozen=True)
class Written:
    """Addition of one step to a text, with the tokens so far.

    Attributes:
        text: text that became certain; may be empty.
        tokens: number of tokens so far.
        finish_reason: "stop" at the end of the text, "length" at the limit, else None.
    """

    text: str
    tokens: int
    finish_reason: str | None = None


@dataclass(eq=False)
class WritingJob:
    """One text to generate.

    Attributes:
        model: the model, with the decoding settings of the request.
        group: jobs of equal groups take their steps together.
        value: the prompt, or the source text.
        length: most tokens that are added.
        seed: random seed of sampling.
        stop: strings at which the text ends.
        deliver: called in the engine's thread with each part, or with an error.
        is_cancelled: set when nobody reads the text any more.
        tokens: tokens that were generated.
    """

    model: Writes
    group: Hashable
    value: str
    length: int
    seed: int
    stop: tuple[str, ...]
    deliver: Callable[["WritingJob", Written | Exception], object]
    is_cancelled: bool = False
    tokens: int = 0

    def deliver_error(self, error: Exception) -> None:
        """Tell the client that there is no text."""
        self.is_cancelled = True
        self.deliver(self, error)


class Writers:
    """All texts that are being generated, by the model and the settings that they share.

    Args:
        most: most texts at the same time.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._batches: dict[Hashable, tuple[GrowingTexts, dict[int, WritingJob]]] = {}

    def __len__(self) -> int:
        return sum(len(jobs) for _, jobs in self._batches.values())

    def join(self, job: WritingJob) -> None:
        """Begin a text; its first token comes with the next step.

        Raises:
            DataError: the value cannot be used.
        """
        if job.group not in self._batches:
            self._batches[job.group] = job.model.open_texts(), {}
        texts, jobs = self._batches[job.group]
        try:
            key = texts.join(job.value, length=job.length, seed=job.seed, stop=job.stop)
            jobs[key] = job
        finally:
            self._forget_empty()

    def drop_cancelled(self) -> int:
        """Remove texts that nobody reads, and return their number."""
        count = 0
        for texts, jobs in self._batches.values():
            gone = [key for key, job in jobs.items() if job.is_cancelled]
            texts.cancel(gone)
            for key in gone:
                del jobs[key]
            count += len(gone)
        self._forget_empty()
        return count

    def step(self) -> int:
        """Generate one token of each text, and return the number of tokens."""
        total = 0
        for texts, jobs in self._batches.values():
            try:
                parts = texts.step()
            except Exception as error:
                self._fail(texts, jobs, error)
                continue
            total += len(parts)
            for key, part in parts.items():
                job = jobs[key]
                job.tokens += 1
                job.deliver(job, Written(part.text, job.tokens, part.finish_reason))
                if part.finish_reason is not None:
                    del jobs[key]
        self._forget_empty()
        return total

    def _fail(self, texts: GrowingTexts, jobs: dict[int, WritingJob], error: Exception) -> None:
        log_unexpected(error)
        texts.cancel(list(jobs))
        for job in jobs.values():
            job.deliver_error(error)
        jobs.clear()

    def _forget_empty(self) -> None:
        self._batches = {group: pair for group, pair in self._batches.items() if pair[1]}

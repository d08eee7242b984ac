"""The service: from texts of a request, through the engine, to results. It knows no HTTP."""

import asyncio
import gc
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

from munjang.errors import MunjangError
from munjang.serving.backend import Writes
from munjang.serving.deliveries import Deliveries
from munjang.serving.engine import Engine
from munjang.serving.jobs import Job
from munjang.serving.limits import Limits
from munjang.serving.metrics import Metrics
from munjang.serving.models import ModelStore, ServedModel
from munjang.serving.request_errors import RequestError, as_request_error, too_large
from munjang.serving.runs.view import Runs
from munjang.serving.starts import Starts
from munjang.serving.works import TextWork
from munjang.serving.writing import WritingJob, Written
from munjang.text.plain.continuation import check_length

_log = logging.getLogger("munjang.serving")


class Service:
    """Models, engine and limits of a server.

    Args:
        store: the models.
        limits: of requests and batches.
        log_texts: write the texts of requests to the log.
    """

    def __init__(self, store: ModelStore, limits: Limits, *, log_texts: bool = False) -> None:
        self.store = store
        self.limits = limits
        self.metrics = Metrics()
        self.starts = Starts()
        self.is_ready = False
        self.runs = None if store.runs is None else Runs(store.runs, store)
        self._loading = asyncio.Lock()
        self._log_texts = log_texts
        self._deliveries: Deliveries | None = None
        self._seeds = itertools.count()
        self._engine = Engine(limits, self.metrics)
        self._slow_engine = Engine(limits, self.metrics, name="slow engine")
        self.metrics.models(store.hashes)

    def start(self) -> None:
        """Start the engines."""
        self._engine.start()
        self._slow_engine.start()
        _forget_long_lived()
        self.is_ready = True

    async def stop(self) -> None:
        """Answer what was accepted, and stop."""
        self.is_ready = False
        await asyncio.to_thread(self._engine.stop)
        await asyncio.to_thread(self._slow_engine.stop)

    @property
    def queued_tokens(self) -> int:
        """Estimated tokens that wait."""
        return self._engine.queued_tokens + self._slow_engine.queued_tokens

    def find_overload(self) -> str | None:
        """Return the reason to refuse a request before its body is read; None if there is none."""
        return self._engine.find_overload(len(self.starts), self.starts.seconds)

    def describe_overload(self, reason: str) -> RequestError:
        """Return the error for a reason that `find_overload` gave."""
        return self._engine.describe_overload(reason, len(self.starts), self.starts.seconds)

    def check_load(self) -> None:
        """Refuse a request early while answers would come too late.

        Raises:
            RequestError: the server is overloaded.
        """
        reason = self._engine.find_overload()
        if reason is not None:
            self.metrics.rejected(reason)
            raise self._engine.describe_overload(reason)

    async def run(self, work: TextWork, values: Sequence[Any]) -> Sequence[Any]:
        """Return a result per value. If the caller is cancelled, so is the job.

        Raises:
            RequestError: a value cannot be used, a limit is exceeded, or the server is overloaded.
        """
        self.check(values)
        if not values:
            return []
        costs = [work.served.estimate_tokens(value) for value in values]
        if self._deliveries is None:
            self._deliveries = Deliveries(asyncio.get_running_loop())
        deliveries = self._deliveries
        future = deliveries.create_future()
        job = Job(
            work=work,
            values=values,
            longest=max(costs),
            tokens=sum(costs),
            deliver=lambda job, results: deliveries.add(future, results),
        )
        if work.is_slow:
            self._slow_engine.submit(job)
        else:
            self._engine.submit(job, is_admitted=True)
        try:
            return await future
        except asyncio.CancelledError:
            job.is_cancelled = True
            raise
        except Exception as error:
            raise as_request_error(error) from error

    async def write(
        self,
        served: ServedModel,
        value: str,
        *,
        length: int,
        seed: int | None = None,
        stop: Sequence[str] = (),
        decoding: dict[str, Any] | None = None,
    ) -> AsyncGenerator[Written]:
        """Yield the parts of a text as they are generated.

        If the iterator is closed, the text is dropped at the next step.

        Args:
            served: the model.
            value: the prompt, or the source text.
            length: most tokens that are added.
            seed: random seed of sampling; None: another one for each request.
            stop: strings at which the text ends.
            decoding: settings of decoding that differ.

        Raises:
            RequestError: as `run`.
        """
        job = self._open_writing(served, value, length, seed, tuple(stop), decoding or {})
        parts: asyncio.Queue[Written | Exception] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        job.deliver = lambda _, part: loop.call_soon_threadsafe(parts.put_nowait, part)
        began = time.monotonic()
        self._engine.submit_writing(job)
        try:
            while True:
                part = await parts.get()
                if isinstance(part, Exception):
                    raise as_request_error(part) from part
                if part.tokens == 1:
                    self.metrics.first_token(time.monotonic() - began)
                yield part
                if part.finish_reason is not None:
                    return
        finally:
            job.is_cancelled = True

    def _open_writing(
        self,
        served: ServedModel,
        value: str,
        length: int,
        seed: int | None,
        stop: tuple[str, ...],
        decoding: dict[str, Any],
    ) -> WritingJob:
        self.check([value])
        try:
            check_length(length)
            model = cast(Writes, served.backend)
            model = model.with_decoding(decoding) if decoding else model
        except MunjangError as error:
            raise as_request_error(error) from error
        return WritingJob(
            model=model,
            group=(served, tuple(sorted(decoding.items()))),
            value=value,
            length=min(length, self.limits.new_tokens),
            seed=next(self._seeds) if seed is None else seed,
            stop=stop,
            deliver=lambda job, part: None,
        )

    def check(self, values: Sequence[Any]) -> None:
        """Refuse values that exceed the limits.

        Raises:
            RequestError: more texts, or longer ones, than a request may have.
        """
        limits = self.limits
        if len(values) > limits.texts:
            raise too_large(
                "too_many_texts",
                f"inputs: expected at most {limits.texts:,} texts, got {len(values):,}",
            )
        for place, value in enumerate(values):
            for text in (value,) if isinstance(value, str) else value:
                if len(text) > limits.characters:
                    raise too_large(
                        "text_too_long",
                        f"inputs[{place}]: expected at most {limits.characters:,} characters, "
                        f"got {len(text):,}",
                    )
        if self._log_texts:
            _log.info("texts: %r", values)

    async def reload(self, name: str) -> bool:
        """Load a model that is new or has changed; requests are answered meanwhile.

        Raises:
            RequestError: no such model, or its folder cannot be loaded.
        """
        is_old = name in self.store.names
        try:
            async with self._loading:
                is_loaded = await asyncio.to_thread(self.store.reload, name)
                if is_loaded:
                    await asyncio.to_thread(_forget_long_lived)
        except MunjangError as error:
            about = f"the old model stays: {error}" if is_old else str(error)
            raise RequestError(409, "not_loaded", about) from error
        self.metrics.models(self.store.hashes)
        return is_loaded

    async def reload_all(self) -> list[tuple[str, str]]:
        """Load all models that are new or have changed; return those that cannot be, and why."""
        async with self._loading:
            problems = await asyncio.to_thread(self.store.reload_all)
            await asyncio.to_thread(_forget_long_lived)
        self.metrics.models(self.store.hashes)
        return problems


def _forget_long_lived() -> None:
    """Let later garbage collections pass over what is there: packages and models.

    They have some hundred thousand objects, over which one collection takes a tenth of a second in
    which nothing is answered. Models that were replaced are collected now.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()

"""Metrics in the format of Prometheus. No label holds a text."""

from collections import Counter as Counts
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03,
    0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TOKENS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75)


class Metrics:
    """Counters, histograms and gauges of one server."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter(
            "requests", "Requests by endpoint and status.", "endpoint", "code"
        )
        self._request_seconds = self._histogram(
            "request_seconds", "Time from a whole request to its response.", _SECONDS, "endpoint"
        )
        self._queue_seconds = self._histogram(
            "queue_seconds", "Time from a request to the start of its batch.", _SECONDS
        )
        self._batch_texts = self._histogram("batch_texts", "Texts per batch.", _TEXTS)
        self._batch_tokens = self._histogram("batch_tokens", "Estimated tokens per batch.", _TOKENS)
        self._padding = self._histogram(
            "batch_padding_ratio", "Estimated share of padding in a batch.", _SHARES
        )
        self._engine_seconds = self._counter("engine_seconds", "Time in which models ran.", "stage")
        self._rejected = self._counter("rejected", "Requests with status 503.", "reason")
        self._abandoned = self._counter("abandoned", "Requests whose client left.")
        self._first_token = self._histogram(
            "time_to_first_token_seconds", "Time to the first generated token.", _SECONDS
        )
        self._generated = self._counter("generated_tokens", "Generated tokens.")
        self._queue_tokens = Gauge(
            "munjang_queue_tokens", "Estimated tokens that wait.", registry=self.registry
        )
        self._models = Gauge(
            "munjang_model_info", "1 per model.", ["name", "sha256"], registry=self.registry
        )

        self._children: dict[tuple[str, int], tuple[Any, Any]] = {}  # of `responded`
        self._refused: Counts[tuple[str, str]] = Counts()  # added when metrics are read

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"munjang_{name}", about, labels, registry=self.registry)

    def _histogram(
        self, name: str, about: str, buckets: Sequence[float], *labels: str
    ) -> Histogram:
        return Histogram(f"munjang_{name}", about, labels, buckets=buckets, registry=self.registry)

    def responded(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a response."""
        children = self._children.get((endpoint, status))
        if children is None:
            children = (
                self._requests.labels(endpoint, str(status)),
                self._request_seconds.labels(endpoint),
            )
            self._children[endpoint, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def refused(self, endpoint: str, reason: str) -> None:
        """Count a request that got status 503 before its body was read, in the event loop.

        It has no time: it was answered before it was whole.
        """
        self._refused[endpoint, reason] += 1

    def batch(
        self, *, texts: int, tokens: int, longest: int, seconds: float, waited: Sequence[float]
    ) -> None:
        """Count a batch.

        Args:
            texts: number of texts.
            tokens: estimated tokens.
            longest: estimated tokens of the longest text.
            seconds: time that the model took.
            waited: time that each job waited, in seconds.
        """
        self._batch_texts.observe(texts)
        self._batch_tokens.observe(tokens)
        self._padding.observe(1 - tokens / max(1, texts * longest))
        self._engine_seconds.labels("answer").inc(seconds)
        for each in waited:
            self._queue_seconds.observe(each)

    def generated(self, tokens: int, seconds: float) -> None:
        """Count the tokens of one step of generation."""
        self._generated.inc(tokens)
        self._engine_seconds.labels("generate").inc(seconds)

    def first_token(self, seconds: float) -> None:
        """Count the wait for a first token."""
        self._first_token.observe(seconds)

    def rejected(self, reason: str) -> None:
        """Count a request that got status 503."""
        self._rejected.labels(reason).inc()

    def abandoned(self) -> None:
        """Count a request whose client left."""
        self._abandoned.inc()

    def models(self, hashes: dict[str, str]) -> None:
        """Set the models and their hashes."""
        self._models.clear()
        for name, sha256 in hashes.items():
            self._models.labels(name, sha256).set(1)

    def render(self, queue_tokens: int) -> bytes:
        """Return all metrics as text."""
        self._queue_tokens.set(queue_tokens)
        refused, self._refused = self._refused, Counts()
        for (endpoint, reason), count in refused.items():
            self._requests.labels(endpoint, "503").inc(count)
            self._rejected.labels(reason).inc(count)
        return generate_latest(self.registry)

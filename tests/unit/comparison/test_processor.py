"""The share of the processor that a run got, by clocks that the tests set."""

from collections.abc import Iterator

import pytest

from munjang.comparison.processor import ENOUGH, Clocks, ProcessorWatch


def make_meter(*times: tuple[float, float, float]) -> ProcessorWatch:
    """A watch whose clocks show these seconds one after the other: wall, process, thread."""
    wall, process, thread = (iter(clock) for clock in zip(*times, strict=True))

    def read(clock: Iterator[float]) -> float:
        return next(clock)

    clocks = Clocks(lambda: read(wall), lambda: read(process), lambda: read(thread))
    return ProcessorWatch(clocks)


@pytest.mark.parametrize(
    ("threads", "process", "thread", "share"),
    [
        (1, 10.0, 10.0, 1.0),
        (1, 2.5, 2.5, 0.25),
        (2, 20.0, 10.0, 1.0),
        (2, 13.0, 9.8, 0.98),  # little work for the helper is no lack of a processor
        (2, 5.0, 2.6, 0.26),
        (2, 16.0, 3.0, 0.8),  # helpers that work while the main thread waits for them
        (1, 10.4, 10.2, 1.0),  # clocks tick unlike each other
    ],
)
def test_share_is_cpu_time_per_requested_thread_time(
    threads: int, process: float, thread: float, share: float
) -> None:
    seen = make_meter((100.0, 7.0, 5.0), (110.0, 7.0 + process, 5.0 + thread))
    seen.look()
    assert seen.share(threads) == pytest.approx(share)
    assert (share < ENOUGH) == (share < 0.7)


def test_time_after_last_measurement_is_ignored() -> None:
    seen = make_meter((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (2.0, 2.0, 2.0))
    seen.look("a step")
    seen.look("another one")
    assert seen.share(1) == 1.0


def test_share_without_steps_is_none() -> None:
    assert make_meter((3.0, 1.0, 1.0)).share(2) is None

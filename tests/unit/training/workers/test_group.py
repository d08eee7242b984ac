"""What the workers of a group tell each other: data, versions, failures, wishes, scores, time."""

from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed import HashStore, PrefixStore

from munjang.errors import MunjangError
from munjang.training.workers import ALONE, Workers
from munjang.training.workers.dealing import deal_rows
from munjang.training.workers.group import Place
from munjang.training.workers.joining import TIMEOUT, joined_group
from tests.unit.training.workers.pool import Pool


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [0, 1, 5, 64])
def test_every_row_is_dealt_once_and_sizes_are_balanced(count: int, rows: int) -> None:
    sizes = torch.randint(1, 100, (rows,), generator=torch.Generator().manual_seed(rows))
    parts = [deal_rows(sizes, rank, count) for rank in range(count)]
    assert sorted(torch.cat(parts).tolist()) == list(range(rows))
    totals = [int(sizes[part].sum()) for part in parts]
    assert max(totals) - min(totals) <= (int(sizes.max()) if rows else 0)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_rows_of_one_size_stay_with_their_worker() -> None:
    parts = [deal_rows(torch.full((7,), size), 1, 3).tolist() for size in (1, 64)]
    assert parts[0] == parts[1] == [1, 4]


def fresh(workers: Any, name: str) -> Any:
    """A worker that has told nothing yet."""
    return type(workers)(workers.place, PrefixStore(name, workers.store))


def announce(workers: Any, name: str, fingerprints: list[str]) -> str:
    """What `announce_prepared` raises; "" if nothing."""
    told = fresh(workers, name)
    try:
        told.announce_prepared(fingerprints[workers.rank])
    except MunjangError as error:
        return str(error)
    return ""


def fingerprint(rate: float) -> str:
    return f'{{"munjang": "1", "settings": {{"training.learning_rate": {rate}}}, "data": {{}}}}'


def test_equal_trainings_begin(three: Pool) -> None:
    assert three.run(announce, "equal", [fingerprint(0.1)] * 3) == ["", "", ""]


def test_another_training_is_named(three: Pool) -> None:
    prints = [fingerprint(0.1), fingerprint(0.1), fingerprint(0.2)]
    leader, same, other = three.run(announce, "other", prints)
    assert leader == (
        "worker 2 has other data or settings than worker 0 (training.learning_rate was 0.2 and is "
        "0.1); give all of them the same files"
    )
    assert same == ""
    assert other.startswith("worker 0 has other data or settings than worker 2")


def fail(workers: Any) -> str:
    told = fresh(workers, "failure")
    if workers.rank:
        told.announce_failure("영화.tsv: there is no such file")
        return ""
    try:
        told.announce_prepared("{}")
    except MunjangError as error:
        return str(error)
    return ""


def test_failure_of_another_worker_is_told(two: Pool) -> None:
    assert two.run(fail)[0] == "worker 1: 영화.tsv: there is no such file"


def exchange(workers: Workers) -> list[Any]:
    """What a worker knows after each of three steps, in which another one wishes something."""
    parameter = torch.nn.Parameter(torch.zeros(2))
    known = []
    for step in range(3):
        parameter.grad = torch.full((2,), float(workers.rank + 1))
        loss = workers.sum_gradients([parameter], float(workers.rank))
        seconds = workers.share_seconds(float(10 * step + workers.rank))
        agreed = workers.agree(
            stop=workers.rank == 1 and step == 1, checkpoint=workers.leads and step == 0
        )
        assert parameter.grad is not None
        known.append((parameter.grad.tolist(), loss, seconds, agreed))
    return known


def test_all_workers_learn_the_news_with_the_next_gradients(three: Pool) -> None:
    results = three.run(exchange)
    assert results[0] == results[1] == results[2]
    assert results[0] == [
        ([6.0, 6.0], 3.0, 0.0, (False, False)),
        ([6.0, 6.0], 3.0, 0.0, (False, True)),
        ([6.0, 6.0], 3.0, 10.0, (True, False)),
    ]


def sum_rows_of_a_table(workers: Workers, touched: list[list[int]]) -> Any:
    """The rows and values of a row-sparse gradient, and of one that no worker has."""
    table, unused = (torch.nn.Parameter(torch.zeros(70_000, 3)) for _ in range(2))
    rows = torch.tensor(touched[workers.rank], dtype=torch.int64)
    values = torch.ones(len(rows), 3) * (workers.rank + 1)
    table.grad = torch.sparse_coo_tensor(rows[None], values, table.shape)
    workers.sum_gradients([table, unused], 0.0)
    assert table.grad is not None
    return table.grad.indices().tolist(), table.grad.values()[:, 0].tolist(), unused.grad


@pytest.mark.parametrize(
    ("touched", "rows", "sums"),
    [
        ([[5, 69_999], [], [5, 7, 7]], [5, 7, 69_999], [4.0, 6.0, 1.0]),
        ([[], [], []], [], []),
        ([[0], [0], [0]], [0], [6.0]),
        ([list(range(66_000)), [], [1]], list(range(66_000)), [1.0, 4.0, *[1.0] * 65_998]),
    ],
)
def test_touched_rows_are_added_up(
    three: Pool, touched: list[list[int]], rows: list[int], sums: list[float]
) -> None:
    for result in three.run(sum_rows_of_a_table, touched):
        assert result == ([rows], sums, None)


def validate_and_count(workers: Workers) -> tuple[dict[str, float], int, float]:
    from munjang.tasks.classification_scores import Scores

    calls = []

    def validate() -> Scores:
        calls.append(workers.rank)
        return Scores(7, 0.1 + 0.2, float("nan"), float("inf"), 0.0, (), ())

    scores = workers.lead(validate)
    assert scores.rows == 7
    return scores.metrics, len(calls), workers.share_seconds(workers.rank + 0.3, at_once=True)


def test_the_leader_alone_validates(two: Pool) -> None:
    (scores, calls, seconds), (shared, other_calls, other_seconds) = two.run(validate_and_count)
    assert (calls, other_calls) == (1, 0)
    assert seconds == other_seconds == 0.3
    assert shared.keys() == scores.keys()
    assert str(shared) == str(scores)  # bit for bit, with what is no number


def test_one_process_asks_nobody() -> None:
    assert ALONE.agree(stop=True, checkpoint=False) == (True, False)
    assert ALONE.share_seconds(1.5) == 1.5
    batch = object()
    assert ALONE.take_part(batch) is batch


def test_interrupt_while_joining_leaves_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of a cluster is given the next task, which joins again."""
    join = dist.init_process_group

    def interrupted(*arguments: Any, **named: Any) -> None:
        join(*arguments, **named)
        raise KeyboardInterrupt

    place = Place(0, 1, 0, 1)
    with monkeypatch.context() as patch:
        patch.setattr(dist, "init_process_group", interrupted)
        with pytest.raises(KeyboardInterrupt), joined_group(place, HashStore()):
            pass
    with joined_group(place, HashStore(), patience=TIMEOUT / 5) as workers:
        assert workers.leads
    assert not dist.is_initialized()

"""Stripes as tasks of a Ray cluster, whose nodes see the same files under the same paths.

A task whose node dies runs again on another one, and goes on with the first part that is not done.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from munjang.cluster.nodes import check_nodes, describe_nodes, require_slots
from munjang.cluster.tasks import Task, run_tasks
from munjang.many_files.layout import MANIFEST
from munjang.many_files.messages import DONE, NOTE, PART, ROWS, Message
from munjang.many_files.plan import Plan, read_plan
from munjang.many_files.records import PartRecord
from munjang.many_files.stripes import Stripe, write_stripe
from munjang.many_files.works import Work, load_work
from munjang.memory import peak_memory
from munjang.reporting import Report


class ClusterRunner:
    """The connected cluster, one core per task.

    Args:
        plan: what is asked.
        out: folder of all results, which exists.
        report: called with lines for people.

    Raises:
        MunjangError: a node does not see the folder, or the model cannot be loaded.
    """

    def __init__(self, plan: Plan, out: Path, report: Report) -> None:
        self._out = out.resolve()
        check_nodes(self._out)
        report(describe_nodes(require_slots(1), 1))
        Task(check_on_node, plan.to_json()).result()

    def run(self, stripes: Sequence[Stripe]) -> Iterator[tuple[Stripe, Message]]:
        """Work on stripes, and yield what was said about each once it is done."""
        items = ({"out": str(self._out), "stripe": asdict(stripe)} for stripe in stripes)
        with closing(run_tasks(write_on_node, items)) as tasks:
            for item, messages in tasks:
                stripe = Stripe(**item["stripe"])
                for message in messages:
                    yield stripe, message


def count_slots() -> int:
    """Return how many stripes the connected cluster works on at once."""
    return require_slots(1)


def check_on_node(values: Mapping[str, Any]) -> None:
    """Load the model on a node, so that wrong options are refused before anything is written."""
    load_work(Plan.from_json(values))


def write_on_node(item: Mapping[str, Any]) -> list[Message]:
    """Write the parts of a stripe that are not done, and return what there is to say.

    Args:
        item: `out`, the folder with the manifest, and `stripe`.
    """
    out = Path(item["out"])
    plan, work = _open(out, (out / MANIFEST).stat().st_mtime_ns)
    messages: list[Message] = []

    def on_part(number: int, record: PartRecord) -> None:
        messages.append({ROWS: record.rows})
        messages.append({PART: number, **asdict(record), "memory": peak_memory()})

    count = write_stripe(
        work,
        plan,
        out,
        Stripe(**item["stripe"]),
        on_part,
        lambda number: None,
        lambda rows: None,
        lambda line: messages.append({NOTE: line}),
    )
    return [*messages, {DONE: count}]


@lru_cache(maxsize=1)
def _open(out: Path, changed: int) -> tuple[Plan, Work]:
    """Return the plan and the loaded model, which a process of a node keeps for its next task.

    Args:
        out: folder of all results.
        changed: time of the last change of the manifest.
    """
    plan, _ = read_plan(out)
    return plan, load_work(plan)

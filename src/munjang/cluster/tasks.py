"""Functions of a module over items, as tasks of the connected cluster.

Items and results are plain values, as JSON has them: what travels between versions and machines
can be read by a person. A task whose node dies runs again on another one.
"""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable
from importlib import import_module
from itertools import islice
from typing import Any

from munjang.cluster.nodes import count_slots
from munjang.cluster.package import need_ray
from munjang.errors import MunjangError

Function = Callable[[Any], Any]

# How often a task runs again after the death of its node: what kills so many nodes is the task.
_MOST_RETRIES = 100
# Seconds that cancelled tasks have to end by themselves.
_CANCEL_SECONDS = 10.0


class Task:
    """A call that runs on the cluster, or waits for a free node there.

    Args:
        function: function of a module that all nodes can import; it takes and returns plain values.
        item: its argument.
        cores: CPU cores that the task occupies, and its number of threads.
        retries: how often it runs again after the death of its node.
    """

    def __init__(
        self, function: Function, item: Any, *, cores: int = 1, retries: int = _MOST_RETRIES
    ) -> None:
        ray = need_ray()
        remote = ray.remote(num_cpus=cores, max_retries=retries, retry_exceptions=False)
        self.reference = remote(call).remote(_name(function), _to_text(item), cores)

    @property
    def is_ended(self) -> bool:
        """True once `result` returns or raises at once."""
        ended, _ = need_ray().wait([self.reference], timeout=0)
        return bool(ended)

    def result(self) -> Any:
        """Wait for the end, and return the result.

        Raises:
            Exception: what the function raised; the traceback of the node is its cause.
            MunjangError: the task was lost too often.
        """
        exceptions = need_ray().exceptions
        try:
            return json.loads(need_ray().get(self.reference))
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, Exception):
                raise error.cause from error
            raise
        except (exceptions.RayError, TimeoutError) as error:
            reason = " ".join(str(error).split())[:300]
            raise MunjangError(f"cluster: a task was lost ({reason})") from None


def run_tasks(
    function: Function, items: Iterable[Any], *, cores: int = 1
) -> Generator[tuple[Any, Any], None, None]:
    """Call a function for every item on the cluster, and yield items with results as they end.

    As many tasks are under way as the cluster has cores for; the next item is taken when one ends.
    When the consumer stops, or an exception such as Ctrl-C comes, the others are cancelled.

    Args:
        function: as for `Task`.
        items: plain values, one per task.
        cores: as for `Task`.

    Raises:
        Exception: as `Task.result`.
    """
    ray, remaining = need_ray(), iter(items)
    running: dict[Any, tuple[Any, Task]] = {}
    try:
        while True:
            room = max(1, count_slots(cores)) - len(running)
            for item in islice(remaining, max(0, room)):
                task = Task(function, item, cores=cores)
                running[task.reference] = (item, task)
            if not running:
                return
            ended, _ = ray.wait(list(running), num_returns=1)
            for reference in ended:
                item, task = running.pop(reference)
                yield item, task.result()
    finally:
        cancel_tasks(task for _, task in running.values())


def cancel_tasks(tasks: Iterable[Task]) -> None:
    """Cancel tasks: those that wait never begin, those that run get a `KeyboardInterrupt`."""
    ray, references = need_ray(), [task.reference for task in tasks]
    for reference in references:
        ray.cancel(reference, force=False)
    if not references:
        return
    _, running = ray.wait(references, num_returns=len(references), timeout=_CANCEL_SECONDS)
    for reference in running:
        ray.cancel(reference, force=True)


def call(function: str, item: str, cores: int) -> str:
    """Call a function by name, in the process of a task.

    Args:
        function: `MODULE:NAME`.
        item: its argument in JSON.
        cores: number of threads of numerical libraries.

    Returns:
        Its result in JSON.
    """
    os.environ["OMP_NUM_THREADS"] = str(cores)  # before such a library is imported
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(cores)
    module, _, name = function.partition(":")
    return _to_text(getattr(import_module(module), name)(json.loads(item)))


def _name(function: Function) -> str:
    """Return a function as `MODULE:NAME`."""
    if function.__module__ == "__main__" or "." in function.__qualname__:
        raise ValueError(f"expected a function of a module that can be imported, got {function}")
    return f"{function.__module__}:{function.__qualname__}"


def _to_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

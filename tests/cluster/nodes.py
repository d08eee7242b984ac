"""A Ray cluster of a few small nodes on this machine, whose nodes can be killed."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from munjang.cluster.package import need_ray

# One core and 100 MB for objects, and no dashboard.
NODE: dict[str, Any] = {
    "num_cpus": 1,
    "object_store_memory": 100 * 2**20,
    "include_dashboard": False,
}
# A killed node is noticed within about two seconds instead of fifteen; one that is slow to answer,
# on a busy machine, is not taken for dead.
QUICK_HEALTH_CHECKS = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 60_000,
    "health_check_failure_threshold": 3,
}
# Seconds for a node to join.
_PATIENCE = 180.0


class TestCluster:
    """A head with one core, and workers of the same size.

    Args:
        folder: where Ray writes its sockets and logs.
        workers: how many workers.
    """

    __test__ = False

    def __init__(self, folder: str, *, workers: int) -> None:
        # also where `auto` looks for a cluster: other ones of this machine are not found
        os.environ["RAY_TMPDIR"] = folder
        (Path(folder) / "ray").mkdir()
        need_ray()
        from ray.cluster_utils import Cluster

        os.environ.setdefault("OMP_NUM_THREADS", "1")
        head = {**NODE, "_system_config": QUICK_HEALTH_CHECKS}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._workers = workers
        self.restore()

    @property
    def address(self) -> str:
        """HOST:PORT of the head."""
        return str(self._cluster.address)

    def restore(self) -> None:
        """Add workers until there are as many as there were."""
        while len(self._cluster.worker_nodes) < self._workers:
            self.add()

    def add(self) -> Any:
        """Add a worker, and wait until it is there."""
        node = self._cluster.add_node(wait=False, **NODE)
        self._cluster._wait_for_node(node, timeout=_PATIENCE)  # 30 seconds by default
        return node

    def kill(self, number: int = 0) -> None:
        """Kill a worker as a power cut would: all at once, and no process of it can clean up."""
        nodes = sorted(self._cluster.worker_nodes, key=lambda node: node.unique_id)
        node = nodes[number % len(nodes)]
        # Ray kills its own process of the node, whose tasks notice it only after a while
        for process in _children(node.all_processes["raylet"][0].process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._cluster.remove_node(node, allow_graceful=False)

    def shutdown(self) -> None:
        """End all nodes, workers without the seconds of a farewell."""
        while self._cluster.worker_nodes:
            self.kill()
        self._cluster.shutdown()


def _children(process: int) -> list[int]:
    """The processes that a process has started; none where the system does not say."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]

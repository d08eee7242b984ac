"""Nodes of the connected cluster: their cores, their versions, and the folder that they share."""

import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from munjang import __version__
from munjang.cluster.package import need_ray
from munjang.errors import ConfigError
from munjang.reporting import pluralize

# Seconds for which a node looks for a new file: network file systems show it a little later.
_PATIENCE = 10.0
# Seconds after which a node that does not answer is an error.
_LONGEST = 180.0
# Names of the files by which nodes show that they see a folder begin with this.
PROBE = ".munjang-"


@dataclass(frozen=True)
class Node:
    """A node that is alive.

    Attributes:
        id: Ray's identifier.
        host: its address.
        cores: CPU cores that Ray gives to tasks.
    """

    id: str
    host: str
    cores: int


def alive_nodes() -> list[Node]:
    """Return the nodes of the connected cluster that are alive."""
    return [
        Node(node["NodeID"], node["NodeManagerAddress"], int(node["Resources"].get("CPU", 0)))
        for node in need_ray().nodes()
        if node["Alive"]
    ]


def count_slots(cores: int) -> int:
    """Return how many tasks of so many cores run at once in the whole cluster."""
    return sum(node.cores // cores for node in alive_nodes())


def require_slots(cores: int) -> int:
    """Return how many tasks of so many cores run at once, one at least.

    Raises:
        ConfigError: no node has so many cores.
    """
    slots = count_slots(cores)
    if not slots:
        most = max((node.cores for node in alive_nodes()), default=0)
        raise ConfigError(
            f"cores: {cores} are asked for, and the largest node of the cluster has {most}"
        )
    return slots


def describe_nodes(slots: int, cores: int) -> str:
    """Return the size of the cluster, and how much runs at once, as a line for people."""
    nodes = alive_nodes()
    total = sum(node.cores for node in nodes)
    return (
        f"cluster: {pluralize(len(nodes), 'node')}, {pluralize(total, 'core')}; "
        f"{slots} at once, {pluralize(cores, 'core')} each"
    )


def check_nodes(folder: Path) -> None:
    """Check that every node has this version of munjang, and sees a folder of this machine.

    Args:
        folder: an existing folder. A file is written there for a moment.

    Raises:
        ConfigError: a node has another version, or does not see the folder; it is named.
    """
    for left in folder.glob(f"{PROBE}*"):  # by a check that was killed
        left.unlink(missing_ok=True)
    probe = folder.resolve() / f"{PROBE}{uuid4().hex}"
    try:
        probe.write_text(probe.name, encoding="utf-8")
        _check_with(probe)
    finally:
        probe.unlink(missing_ok=True)


def _check_with(probe: Path) -> None:
    ray = need_ray()
    nodes = alive_nodes()
    pinned = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    task = ray.remote(num_cpus=0, max_retries=2)(look_at_node)
    answers = [
        task.options(scheduling_strategy=pinned(node.id, soft=False)).remote(str(probe), _PATIENCE)
        for node in nodes
    ]
    own = versions()
    for node, answer in zip(nodes, answers, strict=True):
        try:
            found = ray.get(answer, timeout=_LONGEST)
        except ray.exceptions.RayError as error:
            if node.id not in {other.id for other in alive_nodes()}:
                continue  # it has died: others do its work
            reason = " ".join(str(getattr(error, "cause", error)).split())[-200:]
            raise ConfigError(
                f"cluster: node {node.host} cannot run munjang ({reason}); install munjang "
                f"{__version__} with the extra ray there"
            ) from None
        _check_node(node, found, own, probe)


def _check_node(node: Node, found: dict[str, Any], own: dict[str, str], probe: Path) -> None:
    for name, version in own.items():
        if found["versions"].get(name) != version:
            raise ConfigError(
                f"cluster: node {node.host} has {name} {found['versions'].get(name)}, and this "
                f"process {version}; install the same version on all nodes"
            )
    if not found["sees"]:
        raise ConfigError(
            f"cluster: node {node.host} does not see {probe.parent}; choose a folder that all "
            "nodes share under the same path, such as one on NFS"
        )


def versions() -> dict[str, str]:
    """Return the versions that all nodes have to share."""
    return {"munjang": __version__, "Python": platform.python_version()}


def look_at_node(probe: str, patience: float) -> dict[str, Any]:
    """Return the versions of the node that runs this task, and whether it sees a file.

    Args:
        probe: path of the file.
        patience: seconds to look for it.
    """
    path, end = Path(probe), time.monotonic() + patience
    while not (sees := path.is_file()) and time.monotonic() < end:
        time.sleep(0.2)
    return {"versions": versions(), "sees": sees}

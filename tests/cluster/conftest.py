"""A cluster of three nodes on this machine, for all tests of this folder.

Each test here is marked slow, as a cluster takes 15 seconds to start.
"""

import shutil
import tempfile
from collections.abc import Iterator

import pytest

from tests.cluster.nodes import TestCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    """A cluster of a head and two workers with one core each; tests may kill the workers."""
    pytest.importorskip("ray", reason="ray (extra ray)")
    # a short path: those of Ray's sockets have at most 107 bytes
    folder = tempfile.mkdtemp(prefix="mj", dir="/tmp")
    started = TestCluster(folder, workers=2)
    try:
        yield started
    finally:
        started.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def whole_cluster(cluster: TestCluster) -> TestCluster:
    """The cluster with both workers, also if a test before this one killed some."""
    cluster.restore()
    return cluster

"""Two and three processes that train together, started once."""

from collections.abc import Iterator

import pytest

from tests.unit.training.workers.pool import Pool


@pytest.fixture(scope="package")
def two() -> Iterator[Pool]:
    """Two workers."""
    pool = Pool(2)
    yield pool
    pool.close()


@pytest.fixture(scope="package")
def three() -> Iterator[Pool]:
    """Three workers."""
    pool = Pool(3)
    yield pool
    pool.close()

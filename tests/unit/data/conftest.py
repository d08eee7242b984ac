"""Where the real data lies."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real corpora; tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    folder = Path(os.environ.get("MUNJANG_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no real data: set MUNJANG_DATA (looked at {folder})")
    return folder

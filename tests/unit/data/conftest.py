"""Fixture for the folder of real data."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real corpora; tests that need it are skipped without it."""
    default = Path(__file__).resolve().parents[4] / "shared" / "data"
    folder = Path(os.environ.get("MUNJANG_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"no real data: set MUNJANG_DATA (looked at {folder})")
    return folder

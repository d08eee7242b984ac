"""Fixtures that several rooms of the suite share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A property holds or it does not, however long the machine took over it: no profile measures time.
# Where a test names no number of examples, `make test` tries 40, other ones each time; `make
# test-all` asks for the profile `thorough`, 100.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", UNTIMED)
settings.register_profile("quick", UNTIMED, max_examples=40)
settings.load_profile("quick")

# Keras reads it when it is first imported; the suite has no TensorFlow
os.environ.setdefault("KERAS_BACKEND", "torch")


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start.

    A shell has a command behind `&` ignore it, and so would every process below.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real corpora; tests that need it are skipped where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MUNJANG_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"no real data: set MUNJANG_DATA (looked at {folder})")
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One torch thread: small tensors are quicker so, and sums come in one order."""
    import torch  # here, since most tests of text and readers need no torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

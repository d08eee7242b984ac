"""Memory is that of this process alone, and errors for lack of it are recognized."""

import subprocess
import sys

import pytest
import torch

from munjang.memory import is_out_of_memory, peak_memory, reset_peak

PRINT_PEAK = "from munjang.memory import peak_memory; print(peak_memory())"


@pytest.mark.skipif(sys.platform == "win32", reason="nobody counts it there")
def test_child_process_does_not_inherit_peak_memory() -> None:
    held = bytearray(300_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert peak_memory() > len(held)
    result = subprocess.run(
        [sys.executable, "-c", PRINT_PEAK], capture_output=True, text=True, check=True
    )
    assert 1_000_000 < int(result.stdout) < 100_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux forgets a peak")
def test_reset_peak_memory() -> None:
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    before = peak_memory()
    del held
    if not reset_peak():
        pytest.skip("this machine does not allow it")
    assert peak_memory() < before - 100_000_000


def test_out_of_memory_errors_are_recognized() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), OSError("out of memory")])
def test_other_errors_are_not_out_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)

"""Memory is that of this process alone, and errors for lack of it are recognized."""

import subprocess
import sys

import pytest
import torch

from munjang.memory import (
    HeapTrimmer,
    is_out_of_memory,
    peak_memory,
    reset_peak,
    resident_memory,
)

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


# Blocks from the heap, each followed by a small one that keeps its hole in it.
LEAVE_HOLES = """
import ctypes
from munjang.memory import HeapTrimmer, resident_memory
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
trimmer = HeapTrimmer()
blocks = []
for _ in range(5000):
    block = libc.malloc(100_000)
    libc.memset(block, 1, 100_000)
    libc.malloc(64)
    blocks.append(block)
for block in blocks:
    libc.free(block)
before = resident_memory()
print(trimmer.trim_if_grown(), before - resident_memory())
print(trimmer.trim_if_grown())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the heap is that of glibc")
def test_holes_in_the_heap_are_returned_once() -> None:
    if HeapTrimmer()._trim is None:
        pytest.skip("this C library keeps no holes")
    result = subprocess.run(
        [sys.executable, "-c", LEAVE_HOLES], capture_output=True, text=True, check=True
    )
    first, second = result.stdout.splitlines()
    trimmed, returned = first.split()
    assert trimmed == "True"
    assert int(returned) > 400_000_000
    assert second == "False"


def test_process_that_has_not_grown_keeps_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    trimmer = HeapTrimmer()
    monkeypatch.setattr(trimmer, "_trim", calls.append)
    if resident_memory() is not None:
        trimmer.growth = 1 << 50
    assert not trimmer.trim_if_grown()
    assert calls == []


def test_out_of_memory_errors_are_recognized() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), OSError("out of memory")])
def test_other_errors_are_not_out_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)

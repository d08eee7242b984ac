"""Description of the machine, which every benchmark prints first, and the folder of the data."""

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def data_folder() -> Path:
    """`MUNJANG_DATA`, or ../shared/data beside the project."""
    path = os.environ.get("MUNJANG_DATA")
    return Path(path) if path else Path(__file__).parents[2] / "shared" / "data"


def describe_machine() -> str:
    """Date, processor, cores, and the versions that matter."""
    result = []
    for name in ("torch", "polars", "keras", "jax", "tokenizers", "fasttext-numpy2"):
        try:
            result.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{date.today()}, {_processor()}, {cores} cores, Python {platform.python_version()}, "
        + ", ".join(result)
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

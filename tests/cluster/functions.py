"""Functions that tests call on a cluster."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from munjang.errors import DataError


def double(item: Any) -> Any:
    return {"text": item["text"] * 2, "number": 2 * item["number"]}


def sleep_and_note(item: dict[str, Any]) -> str:
    """Write a line when it begins and one when it ends; return the name."""
    folder = Path(item["folder"])
    with (folder / "begun").open("a") as file:
        file.write(f"{item['name']}\n")
    end = time.monotonic() + item["seconds"]
    while time.monotonic() < end:  # an interrupt is seen between two short sleeps
        time.sleep(0.02)
    with (folder / "ended").open("a") as file:
        file.write(f"{item['name']}\n")
    return str(item["name"])


def fail(item: Any) -> Any:
    with Path(item["folder"], "begun").open("a") as file:
        file.write("failed\n")
    raise DataError("재미있다 is no number", file="reviews.tsv", row=item["row"])


def threads(item: Any) -> list[int]:
    import torch

    return [int(os.environ["OMP_NUM_THREADS"]), torch.get_num_threads(), "torch" in sys.modules]

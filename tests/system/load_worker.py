"""A process that loads the folders it is told of, under a limit of its memory, and tells of each.

It reads a path a line, and writes an object of JSON a line: how it ended, and what was said.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import munjang
from munjang.errors import FolderError, MunjangError
from munjang.model import Model

MORE_BYTES = 300_000_000
INPUTS = ["the film was great", "the red house 3", "", "한국어 🙂"]


def predict(model: Any) -> None:
    """An answer of whatever model it is."""
    name = model.recipe.input if isinstance(model, Model) else model.input_name
    if name != "image":
        model.predict(INPUTS)
    else:
        import numpy as np

        model.predict([np.zeros((8, 8), dtype=np.uint8)])


def load_and_report(folder: str) -> dict[str, Any]:
    """Load a folder and predict with its model; return how each ended."""
    start, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        model = munjang.load(folder)
    except FolderError as error:
        result = {"ended": "refused", "said": str(error)}
    except BaseException as error:
        result = {"ended": f"{type(error).__name__}", "said": str(error)}
    else:
        result = {"ended": "loaded", "said": ""}
    result["seconds"] = time.perf_counter() - start
    result["kilobytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    if result["ended"] == "loaded":
        try:
            predict(model)
        except MunjangError as error:
            result["said"] = str(error)
        except BaseException as error:
            result = {"ended": f"asked: {type(error).__name__}", "said": str(error)}
    return result


def main() -> None:
    """Load the whole folders that the arguments name, so that all is imported; then the others."""
    for whole in sys.argv[1:]:
        assert load_and_report(whole)["ended"] == "loaded", load_and_report(whole)
    # networks without numbers are built without it; torch would import it for seconds
    assert "sympy" not in sys.modules
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(load_and_report(line.removesuffix("\n"))), flush=True)


if __name__ == "__main__":
    main()

"""The command line of the runner."""

import argparse
import json
import sys
from collections.abc import Sequence

from munjang.runners.onnx.model import BATCH_ROWS, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer lines of the standard input: an answer of JSON per line."""
    parser = argparse.ArgumentParser(
        description="Answer texts on the standard input, one per line, by JSON on one line each. "
        "The two texts of a pair are separated by a tab."
    )
    parser.add_argument("folder", help="folder that munjang export onnx wrote")
    parser.add_argument("--threads", type=int, help="threads of onnxruntime")
    given = parser.parse_args(arguments)
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        model = load(given.folder, threads=given.threads)
        lines = (line.rstrip("\n") for line in sys.stdin)
        while batch := [line for _, line in zip(range(BATCH_ROWS), lines, strict=False)]:
            for answer in model.predict([model.reader.parse(line) for line in batch]):
                print(json.dumps(answer, ensure_ascii=False))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

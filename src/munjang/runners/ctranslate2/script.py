"""The command line of the runner of CTranslate2."""

import argparse
import sys
from pathlib import Path

from munjang.runners.ctranslate2.translator import Translator


def main() -> None:
    """Answer the lines of standard input."""
    parser = argparse.ArgumentParser(description="Answer the lines of standard input.")
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, help="model folder")
    parser.add_argument("--beam", type=int, help="beam size; 1 = greedy")
    parser.add_argument("--batch-size", type=int, default=32, help="texts answered together")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    given = parser.parse_args()
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    texts = [line.rstrip("\r\n") for line in sys.stdin]
    translator = Translator(given.folder, device=given.device, threads=given.threads)
    for answer in translator.translate(texts, beam=given.beam, batch_size=given.batch_size):
        print(answer.replace("\n", " "))


if __name__ == "__main__":
    main()

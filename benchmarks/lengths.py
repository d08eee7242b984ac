"""Compare tokenizers on the same texts: ids, row lengths, unknown tokens, seconds.

Every tokenizer learns from nine tenths of the file and is looked at on the last tenth.

    python benchmarks/lengths.py [FILE] [--text-column document] [--rows 50000]
"""

import argparse
import json
import time
from pathlib import Path

from machine import data_folder, describe_machine
from munjang.data.readers import read_table
from munjang.data.splits import split
from munjang.text.columns import values_and_offsets
from munjang.text.registry import TOKENIZERS, make_tokenizer
from munjang.text.vocabulary import OOV
from peers import need_data, present

HEAD = (
    "| tokenizer | ids | tokens a text | unknown | fit, s | encode, s | on disk, kB |\n"
    "|---|---|---|---|---|---|---|"
)

LEARNED = [name for name in TOKENIZERS if name != "huggingface"]  # which has its own vocabulary


def format_row(name: str, train, valid, min_frequency: int) -> str:
    tokenizer = make_tokenizer(name)
    start = time.perf_counter()
    tokenizer.fit(train, min_frequency=min_frequency)
    fitted = time.perf_counter()
    values, _ = values_and_offsets(tokenizer.encode(valid))
    encoded = time.perf_counter()
    written = [tokenizer.to_json(), tokenizer.vocabulary.to_json()]
    size = sum(len(json.dumps(part, ensure_ascii=False).encode()) for part in written)
    return (
        f"| `{name}` | {tokenizer.vocabulary.size:,} | {len(values) / len(valid):.1f} | "
        f"{(values == OOV).mean():.2%} | {fitted - start:.1f} | {encoded - fitted:.2f} | "
        f"{size / 1000:,.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--text-column")
    parser.add_argument("--rows", type=int, default=50_000, help="the first so many rows")
    parser.add_argument("--min-frequency", type=int, default=2)
    parser.add_argument("--tokenizers", nargs="+", default=LEARNED)
    options = parser.parse_args()
    table = read_table(need_data(options.file), text_column=options.text_column)
    table = table.take(range(min(len(table), options.rows)))
    parts = split(table, valid=0.1, seed=0)
    train, valid = table.take(parts.train)["text"], table.take(parts.valid)["text"]
    print(describe_machine())
    tokenizers = present(options.tokenizers)
    print(
        f"{options.file.name}: {len(train):,} texts to learn from, {len(valid):,} to look at, "
        f"min_frequency {options.min_frequency}\n\n{HEAD}"
    )
    for name in tokenizers:
        print(format_row(name, train, valid, options.min_frequency), flush=True)


if __name__ == "__main__":
    main()

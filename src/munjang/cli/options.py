"""Options that several commands share, each described once."""

from typing import Annotated, Any

import typer

from munjang.registry import ARCHITECTURES, INPUTS, TASKS, Registry
from munjang.text.rows import TOKENIZERS


def listed(registry: Registry[Any]) -> str:
    """Return the rows of a registry with their summaries, for a help text."""
    rows = [f"{row.name} ({row.summary})" for row in registry.rows]
    return f"{', '.join(rows[:-1])} or {rows[-1]}"


def models_by_input() -> str:
    """Return the names of the architectures of each input and the defaults, for a help text."""
    parts = []
    for row in INPUTS.rows:
        names = [one.name for one in ARCHITECTURES.rows if row.name in one.takes]
        parts.append(f"{row.name}: {', '.join(names)} [default: {row.default_model}]")
    return "; ".join(parts)


TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of texts; title+body joins two. Guessed if not given."
    ),
]
LabelColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of labels. Guessed if not given.")
]
SourceColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of sources, of --task translate. Guessed if not."),
]
TargetColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of targets, of --task translate. Guessed if not."),
]
SourceFile = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="FILE", help="Sources, one a line, instead of DATA."),
]
TargetFile = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="FILE", help="Their targets, line by line."),
]
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Hypotheses kept at each step; 1 is greedy."),
]
DecodingSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting of decoding, such as decoding.length_penalty=1. Repeatable.",
    ),
]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of text files, such as cp949.  [default: utf-8]")
]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Skip rows that cannot be used, and count them.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Pure JSON on standard output, for other programs.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One setting, such as training.epochs=3. Repeatable."
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings in YAML, as in a folder's config.yaml."
    ),
]
TokenizerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(TOKENIZERS)}. Chosen by the script of the text if omitted.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=models_by_input(),
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"What to learn: {listed(TASKS)}; images is short for classify on images.  "
        "[default: classify]",
    ),
]
InputName = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="NAME",
        help=f"What a row is: {listed(INPUTS)}. Inferred from task, model and data if omitted.",
    ),
]
Vectors = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="FILE",
        help="Pretrained word vectors to begin with: word2vec, fastText .vec or GloVe.",
    ),
]
FreezeVectors = Annotated[
    bool, typer.Option("--freeze-vectors", help="Words found in FILE keep their vectors.")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="The same seed repeats the run bit for bit.  [default: 0]"),
]
Wide = Annotated[
    bool, typer.Option("--wide", help="Show all columns, also where the terminal is narrower.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only the result: no notes, no progress.")
]

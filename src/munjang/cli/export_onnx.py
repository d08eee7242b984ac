"""`munjang export onnx`: a folder that answers by onnxruntime, without PyTorch."""

from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import (
    Encoding,
    FirstColumn,
    LabelColumn,
    ModelFolder,
    Quiet,
    SecondColumn,
    SkipBadRows,
    TextColumn,
)
from munjang.cli.output import show, show_unwrapped
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.export.onnx.exporting import Exported


def export_onnx(
    folder: ModelFolder,
    out: Annotated[str, typer.Argument(metavar="OUT", help="Folder to write.")],
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Write weights in 8 bits: about a quarter of the size. Answers do not depend on "
            "their batch, and are as fast as without.",
        ),
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", metavar="FILE", help="Labeled rows; their scores are on the card. Repeatable."
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in the folder.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write a model as a graph of ONNX, with a runner that needs no PyTorch.

    The folder holds the graph, the tokenizer, a card, and munjang_onnx.py, which answers with the
    packages numpy, onnxruntime and tokenizers alone: as a script, or imported. The graph is
    compared with the network before it is written; outputs are equal to rounding, for a text alone
    and in any batch. With --data the scores of the export, and what 8 bits cost, are on the card.

    \b
    Examples:
      munjang export onnx my-model my-model-onnx
      munjang export onnx my-model my-model-onnx --int8 --data test.tsv
      python my-model-onnx/munjang_onnx.py my-model-onnx < texts.txt
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.export.onnx.exporting import export_onnx as run

    raise_on_signals()
    given = {
        "text_column": text_column,
        "label_column": label_column,
        "first_column": first_column,
        "second_column": second_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows or None,
    }
    with showing_stages(quiet=quiet):
        exported = run(
            folder,
            out,
            int8=int8,
            data=data or None,
            reading={key: value for key, value in given.items() if value is not None},
            overwrite=overwrite,
            report=notes(quiet=quiet),
        )
    _show(exported)


def _show(exported: "Exported") -> None:
    """Show sizes and scores of an export, and how to use it."""
    from munjang.tasks.metric_table import METRICS

    size = f"{exported.bytes / 1e6:.2f} MB"
    if exported.bytes != exported.float_bytes:
        size += f", {exported.bytes / exported.float_bytes:.0%} of {exported.float_bytes / 1e6:.2f}"
    show(f"exported to {exported.folder}: {size}")
    for name, scores in exported.scores.items():
        values = [f"{METRICS[key].title} {value:.4f}" for key, value in scores.items()]
        show(f"{name}: {', '.join(values)}")
    show_unwrapped(f"try: python {exported.folder}/munjang_onnx.py {exported.folder} < texts.txt")
    show_unwrapped(f"or:  munjang serve {exported.folder}")

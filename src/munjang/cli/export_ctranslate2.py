"""`munjang export ctranslate2`: a folder that answers by CTranslate2, without PyTorch."""

from enum import StrEnum
from typing import Annotated

import typer

from munjang.cli.options import ModelFolder, Quiet
from munjang.cli.output import show, show_unwrapped
from munjang.stopping import raise_on_signals


class Quantization(StrEnum):
    """Types of weights."""

    float32 = "float32"
    int8 = "int8"
    int16 = "int16"
    float16 = "float16"
    bfloat16 = "bfloat16"


def export_ctranslate2(
    folder: ModelFolder,
    out: Annotated[str, typer.Argument(metavar="OUT", help="Folder to write.")],
    quantization: Annotated[
        Quantization,
        typer.Option(
            help="Type of the weights. int8 takes about a quarter of the size; some answers differ."
        ),
    ] = Quantization.float32,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in the folder.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write a transformer of the task translate as a model of CTranslate2.

    The folder holds the model, its vocabularies and tokenizers, and munjang_ctranslate2.py, which
    answers with the packages ctranslate2 and tokenizers alone: as a script, or imported. Before it
    is written, tokens, probabilities and greedy answers are compared with those of the network.

    \b
    Examples:
      munjang export ctranslate2 en-de en-de-ct2
      munjang export ctranslate2 en-de en-de-int8 --quantization int8
      python en-de-ct2/munjang_ctranslate2.py < texts.txt
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.export.ctranslate2.exporting import export_ctranslate2 as run

    raise_on_signals()
    with showing_stages(quiet=quiet):
        exported = run(
            folder,
            out,
            quantization=quantization.value,
            overwrite=overwrite,
            report=notes(quiet=quiet),
        )
    show(f"exported to {exported.folder}: {exported.bytes / 1e6:.2f} MB")
    show_unwrapped(f"try: python {exported.folder}/munjang_ctranslate2.py < texts.txt")

"""`munjang import` and `munjang export`: models of other libraries in and out."""

from typing import Annotated

import typer

from munjang.cli.export_ctranslate2 import export_ctranslate2
from munjang.cli.export_onnx import export_onnx
from munjang.cli.export_web import export_web
from munjang.cli.options import ModelFolder, Quiet
from munjang.cli.outcome import Command, Group
from munjang.cli.output import note, show, show_unwrapped
from munjang.stopping import raise_on_signals

import_app = typer.Typer(name="import", cls=Group, rich_markup_mode=None, no_args_is_help=False)
export_app = typer.Typer(name="export", cls=Group, rich_markup_mode=None, no_args_is_help=False)
export_app.command("ctranslate2", cls=Command)(export_ctranslate2)

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier run wrote there.")
]


@import_app.callback(invoke_without_command=True)
def about_import(context: typer.Context) -> None:
    """Read models of other libraries.

    \b
    Examples:
      munjang import hf all-MiniLM-L6-v2 --out minilm
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@export_app.callback(invoke_without_command=True)
def about_export(context: typer.Context) -> None:
    """Write models for other libraries.

    \b
    Examples:
      munjang export hf my-bert my-bert-hf
      munjang export vectors my-vectors my-vectors.vec
      munjang export web my-model my-model.html
      munjang export onnx my-model my-model-onnx
      munjang export ctranslate2 en-de en-de-ct2
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@import_app.command("hf", cls=Command)
def import_hf(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="Folder of a BERT that transformers wrote: config.json, model.safetensors, and "
            "tokenizer.json or vocab.txt.",
        ),
    ],
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Model folder to write.")],
    pooling: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Vector of a text by a checkpoint that predicts nothing: mean, first or max of "
            "its states, or pooled by its pooler.  [default: as in 1_Pooling/config.json]",
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Make a model folder of a BERT of Hugging Face transformers.

    The folder is one like any other. A checkpoint that predicts masked tokens becomes a model of
    the task masked_lm, one that predicts labels or numbers a model of classify, multilabel or
    regress, and one that predicts nothing a model of similarity, whose vectors munjang embed
    writes. Only safetensors are read: a pickle can run any code. What the checkpoint has and
    munjang has not is an error, or is reported as left out.

    \b
    Examples:
      munjang import hf bert-base-uncased --out bert-base
      munjang import hf all-MiniLM-L6-v2 --out minilm --pooling mean
    """
    from munjang.api import import_model
    from munjang.cli.progress import watching

    raise_on_signals()
    with watching(quiet=quiet) as progress:
        model = import_model(
            checkpoint, out=out, pooling=pooling, overwrite=overwrite, report=progress.report
        )
    show(f"model saved in {out}: {model.recipe.model_name}, task {model.recipe.task}")


@export_app.command("hf", cls=Command)
def export_hf(
    folder: ModelFolder,
    checkpoint: Annotated[str, typer.Argument(metavar="PATH", help="Folder to write.")],
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a model as a folder that Hugging Face transformers loads, without munjang.

    A BERT whose class transformers has becomes one of that class. Any other model gets a modelling
    file in plain PyTorch beside its weights and its tokenizer, which transformers runs with
    trust_remote_code=True. The export is compared with the model before it is written: outputs are
    equal to rounding, for a text alone and in any batch.

    \b
    Examples:
      munjang export hf my-model my-model-hf
      munjang export hf my-bert my-bert-hf --overwrite
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.export.hf.exporting import export_model

    raise_on_signals()
    with showing_stages(quiet=quiet):
        exported = export_model(folder, checkpoint, overwrite=overwrite, report=notes(quiet=quiet))
    show(f"{exported.model_class} written to {checkpoint}; in Python:")
    for line in exported.use:
        show_unwrapped(f"  {line}")


@export_app.command("vectors", cls=Command)
def export_vectors(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="Model folder whose model has an embedding of tokens; or a file of word vectors.",
        ),
    ],
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="File to write: NAME.vec or NAME.txt as text, NAME.bin as binary."
        ),
    ],
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write the vectors of all tokens in the formats of word2vec.

    Text is also fastText's .vec; the binary format is that of word2vec, not fastText's .bin model.
    gensim reads both with KeyedVectors.load_word2vec_format, and so do munjang neighbors, analogy,
    similarity and train --vectors. Vectors of character n-grams are part of the words' vectors;
    words out of the vocabulary are not in the file.

    \b
    Examples:
      munjang export vectors my-vectors my-vectors.vec
      munjang export vectors my-model tokens.bin
    """
    from pathlib import Path

    from munjang.cli.stages import showing_stages
    from munjang.errors import ConfigError
    from munjang.word_vectors.export import check_vector_path, export_words
    from munjang.word_vectors.open_words import load_words

    raise_on_signals()
    check_vector_path(path)
    if Path(path).exists() and not overwrite:
        raise ConfigError(f"{path}: this file exists; choose another name, or add --overwrite")
    report = (lambda line: None) if quiet else note
    with showing_stages(quiet=quiet):
        export_words(load_words(folder, report=report), path, report=report)
    show(f"vectors written to {path}")


export_app.command("web", cls=Command)(export_web)
export_app.command("onnx", cls=Command)(export_onnx)

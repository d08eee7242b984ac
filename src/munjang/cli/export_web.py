"""`munjang export web`: a model as one page."""

from typing import Annotated

import typer

from munjang.cli.options import ModelFolder, Quiet
from munjang.cli.output import note, show
from munjang.stopping import raise_on_signals


def export_web(
    folder: ModelFolder,
    page: Annotated[str, typer.Argument(metavar="PAGE", help="File to write: NAME.html.")],
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Title of the page.  [default: name of the folder]"),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="NAME", help="Language of the page: en or ko.")
    ] = "en",
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Round the tables of embeddings to 8 bits, with a scale per row: about a quarter "
            "of the size. With --onnxruntime-web all large weights.",
        ),
    ] = False,
    onnxruntime_web: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Compute with onnxruntime-web, for bert: folder of the npm package, which npm "
            "install onnxruntime-web makes (node_modules/onnxruntime-web). It goes into the page.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run wrote there.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write a model as one HTML page that answers in a browser, and shows why.

    The page holds the weights and a small program. It needs no server, no network and no library,
    and works from a file. It is for classify, multilabel and regress on one text per row, with
    mean, cnn, rnn, lstm, gru or transformer and the tokenizers words, characters, jamo, bytes, bpe,
    unigram, wordpiece and bert_wordpiece. A model that it cannot compute is an error; with
    --onnxruntime-web the page computes all that munjang export onnx writes, and is 5 MB larger.

    \b
    Examples:
      munjang export web my-model my-model.html
      munjang export web my-model my-model.html --int8 --language ko
      munjang export web my-bert my-bert.html --onnxruntime-web node_modules/onnxruntime-web
    """
    from pathlib import Path

    from munjang.baselines import Baseline
    from munjang.cli.stages import showing_stages
    from munjang.errors import ConfigError
    from munjang.export.web import write_page
    from munjang.folder.load import load
    from munjang.units import format_bytes

    raise_on_signals()
    if Path(page).exists() and not overwrite:
        raise ConfigError(f"{page}: this file exists; choose another name, or add --overwrite")
    with showing_stages(quiet=quiet):
        model = load(folder)
        if isinstance(model, Baseline):
            raise ConfigError(f"export web writes networks; {model.name} is a baseline")
        name = Path(folder).resolve().name if title is None else title
        written = write_page(
            model, page, name=name, int8=int8, language=language, onnxruntime_web=onnxruntime_web
        )
    if not quiet:
        note(f"weights of {format_bytes(written.weights)}, page of {format_bytes(written.size)}")
        if int8:
            note(
                "logits of texts made of its vocabulary differ by "
                f"{written.largest_difference:.2g} at most from those of the model"
            )
    show(f"page written to {page}")

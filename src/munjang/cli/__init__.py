"""The command line: thin commands over `munjang.api`.

`munjang --help` imports no torch, NumPy, Polars or pydantic: each command imports what it needs
when it runs, and only Typer is imported at the top of these modules.
"""

from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from munjang import __version__
from munjang.cli.calibrate import calibrate
from munjang.cli.check import check
from munjang.cli.compare import compare
from munjang.cli.data import data
from munjang.cli.distil import distil
from munjang.cli.embed import embed
from munjang.cli.errors import errors
from munjang.cli.evaluate import evaluate
from munjang.cli.explain import explain
from munjang.cli.generate import generate
from munjang.cli.import_export import export_app, import_app
from munjang.cli.inspect import inspect
from munjang.cli.label_issues import label_issues
from munjang.cli.model_report import report
from munjang.cli.outcome import Command, Commands, end, exit_codes
from munjang.cli.predict import predict
from munjang.cli.pretrain import pretrain
from munjang.cli.relabel import relabel
from munjang.cli.search import search
from munjang.cli.serve import serve
from munjang.cli.shapes import shapes
from munjang.cli.shrink import shrink
from munjang.cli.train import train
from munjang.cli.tune import tune
from munjang.cli.words import analogy, neighbors, similarity
from munjang.stopping import exiting_on_signals

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    add_completion=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"munjang {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def munjang(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Train small neural text models from your own text, on an ordinary machine.

    \b
    A first session:
      munjang check reviews.tsv                     look at the data before training
      munjang compare reviews.tsv --out compared    find the smallest model that will do
      munjang train reviews.tsv --out my-model      train; columns are inferred
      munjang evaluate my-model new-reviews.tsv     score the model on new data
      munjang predict my-model "정말 재미있다"      predict the label of a text

    Every command shows examples: munjang train --help. Pairs of texts, such as translations, are
    read with --task translate, images with --task images.

    \b
    Exit codes:
      0         done
      1         every run of a comparison failed
      2         wrong usage, unusable data or a full disk; one line says what and where
      130, 143  stopped by Ctrl-C, by SIGTERM
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(cls=Command)(check)
app.command(cls=Command)(train)
app.command(cls=Command)(pretrain)
app.command(cls=Command)(distil)
app.command("distill", cls=Command, hidden=True)(distil)
app.command(cls=Command)(compare)
app.command(cls=Command)(tune)
app.command(cls=Command)(evaluate)
app.command(cls=Command)(predict)
app.command(cls=Command)(report)
app.command(cls=Command)(errors)
app.command(cls=Command)(calibrate)
app.command("label-issues", cls=Command)(label_issues)
app.command(cls=Command)(relabel)
app.command(cls=Command)(explain)
app.command(cls=Command)(inspect)
app.command(cls=Command)(embed)
app.command(cls=Command)(search)
app.command(cls=Command)(neighbors)
app.command("neighbours", cls=Command, hidden=True)(neighbors)
app.command(cls=Command)(analogy)
app.command(cls=Command)(similarity)
app.command(cls=Command)(generate)
app.command(cls=Command)(serve)
app.command(cls=Command)(shrink)
app.command(cls=Command)(shapes)
app.add_typer(import_app)
app.add_typer(export_app)
app.add_typer(data)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: arguments without the name of the program; those of the process if omitted.
    """
    command = typer.main.get_command(app)
    given = None if arguments is None else list(arguments)
    with exiting_on_signals():
        end(exit_codes(lambda: command.main(given, "munjang", standalone_mode=False)))

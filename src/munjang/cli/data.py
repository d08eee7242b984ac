"""`munjang data`: public corpora by name."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli import completion
from munjang.cli.options import AsJson
from munjang.cli.outcome import Command, Group
from munjang.cli.output import note, show, show_json, show_unwrapped
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.data.samples.catalog import CatalogEntry

data = typer.Typer(name="data", cls=Group, rich_markup_mode=None, no_args_is_help=False)


@data.callback(invoke_without_command=True)
def about(context: typer.Context) -> None:
    """List and download public corpora.

    \b
    Examples:
      munjang data list
      munjang data get nsmc
      munjang train "$(munjang data get rotten-tomatoes --part train)" --out my-model
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@data.command("list", cls=Command)
def list_samples(as_json: AsJson = False) -> None:
    """List the corpora, with their parts, authors and terms.

    \b
    Examples:
      munjang data list
      munjang data list --json
    """
    from munjang.data.samples.catalog import list_catalog

    if as_json:
        show_json([_to_json(entry) for entry in list_catalog()])
        return
    for entry in list_catalog():
        show(f"{entry.name}  ({', '.join(entry.parts)})")
        show(f"  {entry.about}\n  {entry.terms}\n")
    show("munjang data get NAME downloads one and prints its paths")


@data.command("get", cls=Command)
def get(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Name of a corpus; munjang data list shows them.",
            autocompletion=completion.corpora,
        ),
    ],
    part: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="One part: train, valid, test or all.  [default: every part]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a corpus and print the paths of its files.

    Checksums are verified. Files are taken from the folder MUNJANG_DATA if they are there, then
    from the cache (MUNJANG_CACHE), and downloaded otherwise. Without a network, the message says
    which file to put where.

    \b
    Examples:
      munjang data get nsmc
      munjang train "$(munjang data get nsmc --part train)" --out my-model
    """
    from munjang.data.samples.catalog import find_entry

    raise_on_signals()
    entry = find_entry(name)
    paths = {part: str(path) for part, path in entry.fetch(part, note).items()}
    if as_json:
        show_json({**_to_json(entry), "paths": paths})
        return
    for path in paths.values():
        show_unwrapped(path)
    options = " ".join(f"--{k.replace('_', '-')} {value}" for k, value in entry.arguments.items())
    first = shlex.quote(next(iter(paths.values())))
    note(f"next: munjang train {first} {options} --out my-model")


def _to_json(entry: "CatalogEntry") -> dict[str, object]:
    described = {"name": entry.name, "about": entry.about, "terms": entry.terms}
    return {**described, "parts": list(entry.parts), **entry.arguments}

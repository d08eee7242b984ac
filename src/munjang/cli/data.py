"""`munjang data`: real text to try things on, by name."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import AsJson
from munjang.cli.outcome import Command, Group
from munjang.cli.output import note, show, show_json, show_whole
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.data.samples.corpora import Sample

data = typer.Typer(name="data", cls=Group, rich_markup_mode=None, no_args_is_help=False)


@data.callback(invoke_without_command=True)
def about(context: typer.Context) -> None:
    """List and fetch public corpora, by name.

    \b
    Examples:
      munjang data list
      munjang data get nsmc
      munjang train "$(munjang data get rotten-tomatoes)" --out my-model
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@data.command("list", cls=Command)
def list_samples(as_json: AsJson = False) -> None:
    """List the corpora that are known by name, and who made them.

    \b
    Example:
      munjang data list --json
    """
    from munjang.data.samples.images import IMAGE_SAMPLES, PARTS
    from munjang.data.samples.load import list_samples as samples

    if as_json:
        pictures = [_pictured(name) for name in IMAGE_SAMPLES]
        show_json([*(_described(sample) for sample in samples()), *pictures])
        return
    for sample in samples():
        show(f"{sample.name}  ({', '.join(part.name for part in sample.parts)})")
        show(f"  {sample.about}\n  {sample.terms}\n")
    for picture in IMAGE_SAMPLES.values():
        show(f"{picture.name}  ({', '.join(PARTS)})\n  {picture.about}\n  {picture.terms}\n")
    show("munjang data get NAME fetches one and says where it lies")


def _pictured(name: str) -> dict[str, object]:
    from munjang.data.samples.images import IMAGE_SAMPLES, PARTS

    sample = IMAGE_SAMPLES[name]
    told = {"name": name, "about": sample.about, "terms": sample.terms, "parts": list(PARTS)}
    return {**told, "task": "images"}


def _get_pictures(name: str, part: str | None, *, as_json: bool) -> None:
    from munjang.data.samples.images import PARTS, write_image_folder

    wanted = PARTS if part is None else (part,)
    paths = {each: str(write_image_folder(name, each)) for each in wanted}
    if as_json:
        show_json({**_pictured(name), "paths": paths})
        return
    for path in paths.values():
        show_whole(path)
    note(f"next: munjang train {shlex.quote(next(iter(paths.values())))} --task images --out m")


def _described(sample: "Sample") -> dict[str, object]:
    kept = {"name": sample.name, "about": sample.about, "terms": sample.terms}
    return {**kept, "parts": [part.name for part in sample.parts], **_columns(sample)}


def _columns(sample: "Sample") -> dict[str, str]:
    """The task, where it is not the default, and the columns, by their names in `train`."""
    if sample.pairs:
        sides = {"source_column": sample.text_column, "target_column": sample.label_column}
        return {"task": "translate", **sides}
    return {"text_column": sample.text_column, "label_column": sample.label_column}


@data.command("get", cls=Command)
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in munjang data list.")],
    part: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only train, valid, test or all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a corpus, check it, keep it, and print where its files lie, one a line.

    It is looked for in the folder MUNJANG_DATA, then in the cache (MUNJANG_CACHE), then fetched.
    Where the network does not reach, it says which file to put where by hand.

    \b
    Examples:
      munjang data get nsmc
      munjang train "$(munjang data get nsmc --part train)" --out my-model
    """
    from munjang.data.samples.images import IMAGE_SAMPLES
    from munjang.data.samples.load import fetch_part, find_part, find_sample

    raise_on_signals()
    if name in IMAGE_SAMPLES:
        _get_pictures(name, part, as_json=as_json)
        return
    sample = find_sample(name)
    wanted = sample.parts if part is None else (find_part(sample, part),)
    paths = {each.name: str(fetch_part(sample, each, report=note)) for each in wanted}
    if as_json:
        show_json({**_described(sample), "paths": paths})
        return
    for path in paths.values():
        show_whole(path)
    named = " ".join(f"--{k.replace('_', '-')} {value}" for k, value in _columns(sample).items())
    first = shlex.quote(next(iter(paths.values())))
    note(f"next: munjang train {first} {named} --out my-model")

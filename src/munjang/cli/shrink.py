"""`munjang shrink`: a model folder of a given size."""

from typing import Annotated, Any

import typer

from munjang.cli.options import ModelFolder, Quiet
from munjang.cli.output import show
from munjang.stopping import raise_on_signals


def shrink(
    folder: ModelFolder,
    size: Annotated[
        str, typer.Option(metavar="SIZE", help="Largest size of the new folder, such as 2MB.")
    ],
    out: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Folder to write.  [default: FOLDER-SIZE]"),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Labeled rows: score the model before and after. Repeatable."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run wrote there.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Make a model folder of a given size.

    It is the model pruned and quantized: rows of the embedding tables that training did not move
    are dropped, then those that it moved least. The other weights get 8 bits, the tables 8 or 4.
    The new folder is one like any other: it loads, predicts, explains and is served as before, with
    answers that differ a little.

    \b
    Examples:
      munjang shrink my-model --size 2MB
      munjang shrink my-model --size 500kB --out tiny --data new-reviews.csv
    """
    from munjang.cli.progress import watching
    from munjang.folder.load import load
    from munjang.shrinking.run import shrink as run
    from munjang.units import format_bytes

    raise_on_signals()
    out = f"{folder.rstrip('/')}-{size.replace(' ', '')}" if out is None else out
    with watching(quiet=quiet) as progress:
        run(folder, size, out=out, overwrite=overwrite, report=progress.report)
        scores = _compare(load(folder), load(out), data, progress.report) if data else []
    for line in scores:
        show(line)
    sizes = " -> ".join(format_bytes(_size_of(place)) for place in (folder, out))
    show(f"model saved in {out}: {sizes}")


def _compare(before: Any, after: Any, data: list[str], report: Any) -> list[str]:
    """Return a line per metric, before and after."""
    from munjang.tasks.metric_table import METRICS

    scores = [model.evaluate(data, report=report).metrics for model in (before, after)]
    return [
        f"{METRICS[name].title}: {value:.4f} -> {scores[1][name]:.4f}"
        for name, value in scores[0].items()
    ]


def _size_of(folder: str) -> int:
    """Return the bytes of the files that a model is made of."""
    from pathlib import Path

    from munjang.folder.manifest import FILE, list_manifest_files
    from munjang.folder.seal import resolve_model_folder

    place = resolve_model_folder(Path(folder))
    return sum((place / name).stat().st_size for name in (*list_manifest_files(place), FILE))

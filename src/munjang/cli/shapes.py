"""`munjang shapes`: output shape, parameters and multiply-adds of every layer of a model."""

from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import AsJson, ConfigFile, Settings, Wide
from munjang.cli.output import console, show, show_json
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.explain.shapes import Shapes


def shapes(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="mean, cnn, rnn, lstm, gru, transformer or image_cnn."
        ),
    ],
    size: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="SIZE",
            help="An image as 28x28, or 28x28x3 in color; a text as a number of tokens.  "
            "[default: 28x28 or 32]",
        ),
    ] = None,
    vocabulary: Annotated[
        int, typer.Option(metavar="N", min=1, help="Size of the vocabulary of a text model.")
    ] = 10_000,
    config: ConfigFile = None,
    settings: Settings = None,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Show the arithmetic of a model, layer by layer.

    Shows for each layer the output shape, the activations (numbers in the output), the parameters
    and the multiply-adds, for one image or one text. They are measured on the network, which is
    built and run once at that size. Layers are named as in PyTorch's named_modules().

    A filter of k x k with stride s has (n - k) / s + 1 places along a side of n, rounded down
    (padding "valid"); with zeros around ("same") it has n / s, rounded up. Pooling of p x p leaves
    n / p, rounded down; ↓ marks what is rounded.

    \b
    A 7x7 image and one filter of 3x3: 5x5 places; with zeros around 7x7.
      munjang shapes image_cnn --input 7x7 --set model.filters=1 --set model.padding=valid
      munjang shapes image_cnn --input 7x7 --set model.filters=1 --set model.padding=same
    400 filters of 8x8 on 96x96: 89 x 89 x 400 = 3,168,400 numbers, and what pooling leaves of them.
      munjang shapes image_cnn --input 96x96 --set model.filters=400 --set model.kernel_size=8 \\
          --set model.padding=valid --set model.pool_size=1
      ... the same with --set model.pool_size=2, or 4
    A text of 32 tokens.
      munjang shapes transformer --input 32 --vocabulary 8000
    """
    from munjang.explain.shapes import shapes as measure

    raise_on_signals()
    measured = measure(
        model, input=size, vocabulary=vocabulary, config=config, overrides=settings or []
    )
    if as_json:
        show_json(measured.to_json())
        return
    _draw(measured, wide=wide)


def _draw(measured: "Shapes", *, wide: bool) -> None:
    from munjang.cli.fitting import Column
    from munjang.cli.tables import plain_table, text_column

    table = plain_table(
        "layer",
        "output",
        Column("activations", rank=1),
        "parameters",
        "multiply-adds",
        text_column("how", rank=2),
        title=measured.model,
    )
    kind = "a text of {} tokens" if len(measured.input) == 1 else "an image of {}"
    table.add_row("input", _by(measured.input), "", "", "", kind.format(_by(measured.input)))
    for layer in measured.layers:
        note = " (the same numbers)" if layer.is_rearranged else ""
        figures = (layer.activations, layer.parameters, layer.multiply_adds)
        table.add_row(layer.name, _by(layer.shape), *(f"{n:,}" for n in figures), layer.how + note)
    totals = (measured.activations, measured.parameters, measured.multiply_adds)
    table.add_section()
    table.add_row("all", "", *(f"{n:,}" for n in totals), "")
    console(wide=wide).print(table)
    show("\nmeasured on the network, built and run once at this size")


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))

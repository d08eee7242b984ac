"""`munjang shapes`: output shape, parameters and multiply-adds of every layer."""

from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli import completion
from munjang.cli.options import AsJson, ConfigFile, Settings, Wide
from munjang.cli.output import make_console, show, show_json
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.explain.shapes import Shapes


def shapes(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Architecture: {encoders}.",
            autocompletion=completion.encoders,
        ),
    ],
    size: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="SIZE",
            help="Size of the input: of an image 28x28, or 28x28x3 in color; "
            "number of tokens of a text.  [default: 28x28 or 32]",
        ),
    ] = None,
    vocabulary: Annotated[
        int, typer.Option(metavar="N", min=1, help="Vocabulary size of a text model.")
    ] = 10_000,
    config: ConfigFile = None,
    settings: Settings = None,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Show output shapes, parameters and multiply-adds per layer.

    The figures are for one image or one text, measured on the network, which is built and run once
    at that size. Activations are the numbers in the output of a layer. Layers are named as in
    PyTorch's named_modules().

    Along a side of n pixels, a filter of k x k with stride s has (n - k) / s + 1 outputs, rounded
    down, with padding "valid", and n / s, rounded up, with padding "same". Pooling of p x p has
    n / p outputs, rounded down. ↓ marks rounded sizes.

    \b
    One filter of 3x3 on a 7x7 image: 5x5 outputs, with padding 7x7.
      munjang shapes image_cnn --input 7x7 --set model.filters=1 --set model.padding=valid
      munjang shapes image_cnn --input 7x7 --set model.filters=1 --set model.padding=same
    400 filters of 8x8 on 96x96: 89 x 89 x 400 = 3,168,400 activations, without pooling.
      munjang shapes image_cnn --input 96x96 --set model.filters=400 --set model.kernel_size=8 \\
          --set model.padding=valid --set model.pool_size=1
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
    from munjang.cli.tables import make_table, text_column

    table = make_table(
        "layer",
        "output",
        Column("activations", rank=1),
        "parameters",
        "multiply-adds",
        text_column("how", rank=2),
        title=measured.model,
    )
    kind = "a text of {} tokens" if len(measured.input) == 1 else "an image of {}"
    table.add_row("input", _join(measured.input), "", "", "", kind.format(_join(measured.input)))
    for layer in measured.layers:
        note = " (the same numbers)" if layer.is_rearranged else ""
        figures = (layer.activations, layer.parameters, layer.multiply_adds)
        table.add_row(
            layer.name, _join(layer.shape), *(f"{n:,}" for n in figures), layer.how + note
        )
    totals = (measured.activations, measured.parameters, measured.multiply_adds)
    table.add_section()
    table.add_row("total", "", *(f"{n:,}" for n in totals), "")
    make_console(wide=wide).print(table)
    show("\nmeasured on the network, built and run once at this size")


def _join(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))

"""`munjang explain`: the attention weights of a model, token by token."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import AsJson, Wide
from munjang.cli.output import console, note, show, show_json
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.explain.attention import Attention
    from munjang.models.attention_weights import AttentionKind

_MOST, _MOST_POOLED = 3, 10


class KindName(StrEnum):
    """Kinds of attention, named here so that `--help` imports no PyTorch."""

    CROSS = "cross"
    SOURCE = "source"
    TARGET = "target"
    POOLING = "pooling"


def explain(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A trained model.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text to read.")],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="An answer to explain, if the model answers with a text.  [default: its own]",
        ),
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write all weights: a page (.html), a picture (.svg) or data (.json).",
        ),
    ] = None,
    kind: Annotated[
        KindName | None,
        typer.Option(
            metavar="KIND",
            help="cross (answer to text), source (text to itself), target (answer to itself) or "
            "pooling (text vector to tokens).  [default: all]",
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(metavar="N", help="One layer: 0 is the lowest, -1 the last.  [default: all]"),
    ] = None,
    head: Annotated[
        int | None, typer.Option(metavar="N", help="One head, from 0.  [default: all]")
    ] = None,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Show the attention weights of a model for one text.

    The model must have attention: a transformer, an encoder-decoder with attention, or any text
    model that was trained with --set model.pooling=attention. The weights of a row sum to 1.
    Without --attention and --json the largest weights are shown: for each kind the mean over the
    heads of its last layer, unless --layer or --head chooses.

    \b
    Examples:
      munjang explain my-model "정말 재미있다"
      munjang explain my-model "정말 재미있다" --attention attention.html
      munjang explain my-model "정말 재미있다" --attention attention.svg --layer 0 --head 2
      munjang explain my-model --json -- "-10점도 아깝다"
    """
    from munjang.explain.text_attention import compute_attention
    from munjang.folder.load import load
    from munjang.report.attention import write_attention, writer_for

    raise_on_signals()
    if attention is not None:
        writer_for(Path(attention))
    weights = compute_attention(load(folder), text, target)
    weights = weights.select(kind.value if kind else None, layer, head)
    if weights.truncated:
        note(f"the text was cut: the model read {pluralize(len(weights.source), 'token')} of it")
    if attention is not None:
        note(f"written: {write_attention(weights, attention)}")
    if as_json:
        show_json(weights.to_json())
    elif attention is None:
        for present in weights.kinds:
            _draw(weights, present, wide=wide)


_TITLES: dict[str, tuple[str, str]] = {
    "cross": ("attention of the answer to the text", "answer"),
    "source": ("self-attention of the text", "text"),
    "target": ("self-attention of the answer", "answer"),
    "pooling": ("attention pooling of the text", "token"),
}


def _draw(weights: "Attention", kind: "AttentionKind", *, wide: bool) -> None:
    from munjang.cli.tables import plain_table, text_column

    heads = weights.heads(kind, -1)
    which = f"mean of {len(heads)} heads" if len(heads) > 1 else f"head {heads[0].head}"
    title, row = _TITLES[kind]
    show(f"{title} (layer {heads[0].layer}, {which})\n")
    if kind == "pooling":
        table = plain_table(row, "weight")
        for token, weight in weights.strongest(kind, most=_MOST_POOLED)[0].sources:
            table.add_row(_label(token), f"{weight:.2f}")
    else:
        table = plain_table(row, text_column("largest weights"))
        for strongest in weights.strongest(kind, most=_MOST):
            sources = (f"{_label(token)} {weight:.2f}" for token, weight in strongest.sources)
            table.add_row(_label(strongest.token), "   ".join(sources))
    console(wide=wide).print(table)


def _label(token: str) -> str:
    """Return a token on one line, with symbols for spaces."""
    from munjang.report.visible import visible

    return visible(token)

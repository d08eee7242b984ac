"""`munjang explain`: the attention weights of a model, token by token."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from munjang.cli.options import AsJson, ModelFolder, Wide
from munjang.cli.output import make_console, note, show, show_json
from munjang.errors import ConfigError
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.explain.attention import Attention
    from munjang.models.attention_weights import AttentionKind

# Tokens shown per query, and for the vector of the whole text.
_SHOWN, _SHOWN_POOLING = 3, 10


def explain(
    folder: ModelFolder,
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT", help="Text for the model to read; two for a model of two texts."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Answer to explain, for models that write text.  [default: the model's own]",
        ),
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write all weights to FILE: a page (.html), a picture (.svg) or data (.json).",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Kind of attention: cross (answer to text), source (text to itself), target "
            "(answer to itself) or pooling (text vector to tokens).  [default: all]",
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(metavar="N", help="Layer: 0 is the first, -1 the last.  [default: all]"),
    ] = None,
    head: Annotated[
        int | None, typer.Option(metavar="N", help="Head, from 0.  [default: all]")
    ] = None,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Show the attention weights of a model for one text.

    The model needs attention: a transformer, an encoder-decoder with attention, or a text model
    trained with --set model.pooling=attention. The weights of a row sum to 1. Without --attention
    and --json the largest weights are shown: for each kind the mean over the heads of the last
    layer, unless --layer or --head selects others.

    \b
    Examples:
      munjang explain my-model "정말 재미있다"
      munjang explain my-model "정말 재미있다" --attention attention.html
      munjang explain my-model "정말 재미있다" --attention attention.svg --layer 0 --head 2
      munjang explain my-pair-model "a question" "another question"
      munjang explain my-model --json -- "-10점도 아깝다"
    """
    from munjang.explain.text_attention import compute_attention
    from munjang.folder.load import load
    from munjang.report.attention import write_attention, writer_for

    raise_on_signals()
    if attention is not None:
        writer_for(Path(attention))
    model = load(folder)
    rows = model.input.group_values(texts)
    if len(rows) != 1:
        raise ConfigError(f"expected one text to explain, got {len(rows):,}; put it in quotes")
    weights = compute_attention(model, rows[0], target)
    weights = weights.select(cast("AttentionKind | None", kind), layer, head)
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
    from munjang.cli.tables import make_table, text_column

    heads = weights.heads(kind, -1)
    averaged = f"mean of {len(heads)} heads" if len(heads) > 1 else f"head {heads[0].head}"
    title, row = _TITLES[kind]
    show(f"{title} (layer {heads[0].layer}, {averaged})\n")
    if kind == "pooling":
        table = make_table(row, "weight")
        for token, weight in weights.strongest(kind, most=_SHOWN_POOLING)[0].sources:
            table.add_row(_label(token), f"{weight:.2f}")
    else:
        table = make_table(row, text_column("largest weights"))
        for strongest in weights.strongest(kind, most=_SHOWN):
            sources = (f"{_label(token)} {weight:.2f}" for token, weight in strongest.sources)
            table.add_row(_label(strongest.token), "   ".join(sources))
    make_console(wide=wide).print(table)


def _label(token: str) -> str:
    """Return a token on one line, with symbols for spaces."""
    from munjang.report.visible import visible

    return visible(token)

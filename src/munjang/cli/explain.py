"""`munjang explain`: what a model looks at, token by token."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import AsJson, Wide
from munjang.cli.output import console, note, show, show_json
from munjang.stopping import begin
from munjang.telling import counted

if TYPE_CHECKING:
    from munjang.explain.attention import Attention
    from munjang.models.attention_weights import AttentionKind

_MOST, _MOST_POOLED = 3, 10


class KindName(StrEnum):
    """The kinds, known here without the imports of the room that explains."""

    CROSS = "cross"
    SOURCE = "source"
    TARGET = "target"
    POOLING = "pooling"


def explain(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A trained model.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text that it reads.")],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="An answer to look at, where a model answers with a text.  [default: its own]",
        ),
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Draw all of it: a page (.html), a picture (.svg) or data (.json)."
        ),
    ] = None,
    kind: Annotated[
        KindName | None,
        typer.Option(
            metavar="KIND",
            help="cross (answer on text), source (text on itself), target (answer on itself) or "
            "pooling (the whole on its tokens).  [default: all]",
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
    """Show what a model looks at: which token takes how much from which other.

    The weights are those of attention, so the model must have some: a transformer, a translator
    with attention, or any text model that was trained with --set model.pooling=attention. Each
    row of weights is 1 in all. Without --attention and --json the strongest are shown: of each
    kind the mean over the heads of its last layer, unless --layer or --head chooses.

    \b
    Examples:
      munjang explain my-model "정말 재미있다"
      munjang explain my-model "정말 재미있다" --attention seen.html
      munjang explain my-model "정말 재미있다" --attention seen.svg --kind source --layer 0 --head 2
      munjang explain my-model --json -- "-10점도 아깝다"
    """
    from munjang.explain.text_attention import compute_attention
    from munjang.media import load
    from munjang.report.attention import format_of, write_attention

    begin()
    if attention is not None:
        format_of(Path(attention))
    found = compute_attention(load(folder), text, target)
    found = found.select(kind.value if kind else None, layer, head)
    if found.truncated:
        note(f"the text was cut: the model read {counted(len(found.source), 'token')} of it")
    if attention is not None:
        note(f"written: {write_attention(found, attention)}")
    if as_json:
        show_json(found.to_json())
    elif attention is None:
        for each in found.kinds:
            _draw(found, each, wide=wide)


_SAID: dict[str, tuple[str, str]] = {
    "cross": ("the answer on the text", "answer"),
    "source": ("the text on itself", "text"),
    "target": ("the answer on itself", "answer"),
    "pooling": ("the text as a whole", "token"),
}


def _draw(found: "Attention", kind: "AttentionKind", *, wide: bool) -> None:
    from munjang.cli.tables import plain_table, text_column

    heads = found.heads(kind, -1)
    which = f"mean of {len(heads)} heads" if len(heads) > 1 else f"head {heads[0].head}"
    said, row = _SAID[kind]
    show(f"{said} (layer {heads[0].layer}, {which})\n")
    if kind == "pooling":
        table = plain_table(row, "weight")
        for token, weight in found.strongest(kind, most=_MOST_POOLED)[0].sources:
            table.add_row(_named(token), f"{weight:.2f}")
    else:
        table = plain_table(row, text_column("takes most from"))
        for one in found.strongest(kind, most=_MOST):
            taken = (f"{_named(token)} {weight:.2f}" for token, weight in one.sources)
            table.add_row(_named(one.token), "   ".join(taken))
    console(wide=wide).print(table)


def _named(token: str) -> str:
    """A token on one line; one of nothing but spaces is seen too."""
    from munjang.report.visible import visible

    return visible(token)

"""`munjang explain`: attention weights, or how much each token surprises a language model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from munjang.cli.options import AsJson, ModelFolder, Wide
from munjang.cli.output import make_console, note, show, show_json
from munjang.errors import ConfigError
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.explain.attention import Attention
    from munjang.folder.load import AnyModel
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
    surprisal: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the surprisal to FILE, for language models: a page (.html), a picture "
            "(.svg) or data (.json).",
        ),
    ] = None,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Show the attention weights of a model for one text.

    Of a language model: how much each token surprises it, given the tokens before. The text is
    shaded, from 0 bits to 10 (a probability of 1 in 1,024), and the words that it expected least
    are listed.

    Any other model needs attention: a transformer, an encoder-decoder with attention, or a text
    model trained with --set model.pooling=attention. The weights of a row sum to 1. Without
    --attention and --json the largest weights are shown: for each kind the mean over the heads of
    the last layer, unless --layer or --head selects others.

    \b
    Examples:
      munjang explain my-model "정말 재미있다"
      munjang explain my-model "정말 재미있다" --attention attention.html
      munjang explain my-model "정말 재미있다" --attention attention.svg --layer 0 --head 2
      munjang explain my-pair-model "a question" "another question"
      munjang explain my-model --json -- "-10점도 아깝다"
      munjang explain my-language-model "To be, or not to be" --surprisal text.html
    """
    from munjang.explain.text_surprisal import scores_tokens
    from munjang.folder.load import load
    from munjang.report.attention import ATTENTION
    from munjang.report.surprisal import SURPRISAL

    raise_on_signals()
    # mistakes are reported before the model is loaded
    if attention is not None:
        ATTENTION.writer_for(Path(attention))
    if surprisal is not None:
        SURPRISAL.writer_for(Path(surprisal))
    model = load(folder)
    rows = model.input.group_values(texts)
    if len(rows) != 1:
        raise ConfigError(f"expected one text to explain, got {len(rows):,}; put it in quotes")
    output = _Output(as_json=as_json, wide=wide)
    if scores_tokens(model):
        for name, value in (
            ("--target", target),
            ("--attention", attention),
            ("--kind", kind),
            ("--layer", layer),
            ("--head", head),
        ):
            _refuse(name, value, "a language model is explained by surprisal; use --surprisal")
        _explain_surprisal(model, rows[0], surprisal, output)
        return
    _refuse("--surprisal", surprisal, "only language models have surprisal; use --attention")
    selection = (cast("AttentionKind | None", kind), layer, head)
    _explain_attention(model, rows[0], target, selection, attention, output)


@dataclass(frozen=True)
class _Output:
    """How the result is shown."""

    as_json: bool
    wide: bool


def _refuse(option: str, value: object, reason: str) -> None:
    if value is not None:
        raise ConfigError(f"{option}: {reason}")


def _explain_attention(
    model: "AnyModel",
    row: Any,
    target: str | None,
    selection: "tuple[AttentionKind | None, int | None, int | None]",
    path: str | None,
    output: _Output,
) -> None:
    """Show attention weights, or write them to a file."""
    from munjang.explain.text_attention import compute_attention
    from munjang.report.attention import ATTENTION

    weights = compute_attention(model, row, target).select(*selection)
    if weights.truncated:
        note(f"the text was cut: the model read {pluralize(len(weights.source), 'token')} of it")
    if path is not None:
        note(f"written: {ATTENTION.write(weights, path)}")
    if output.as_json:
        show_json(weights.to_json())
    elif path is None:
        for present in weights.kinds:
            _draw(weights, present, wide=output.wide)


def _explain_surprisal(model: "AnyModel", text: str, path: str | None, output: _Output) -> None:
    """Show the surprisal of a text, or write it to a file."""
    from munjang.cli.surprisal import show_surprisal
    from munjang.report.surprisal import SURPRISAL

    surprisal = model.surprisal(text)  # type: ignore[union-attr]
    if path is not None:
        note(f"written: {SURPRISAL.write(surprisal, path)}")
    if output.as_json:
        show_json(surprisal.to_json())
    elif path is None:
        show_surprisal(surprisal, wide=output.wide)


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

"""Attention weights on the terminal: for each query the keys with the largest weights."""

from typing import TYPE_CHECKING

from munjang.cli.output import make_console, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from munjang.explain.attention import Attention, Weights
    from munjang.explain.word_attention import WordAttention
    from munjang.models.attention_weights import AttentionKind

# Tokens shown per query, and for the vector of the whole text.
_SHOWN, _SHOWN_POOLING = 3, 10
# Heads shown for one word.
_SHOWN_HEADS = 12

_TITLES: dict[str, tuple[str, str]] = {
    "cross": ("attention of the answer to the text", "answer"),
    "source": ("self-attention of the text", "text"),
    "target": ("self-attention of the answer", "answer"),
    "pooling": ("attention pooling of the text", "token"),
}


def show_attention(weights: "Attention", *, wide: bool) -> None:
    """Show each kind of attention: the mean over the heads of its last layer."""
    for present in weights.kinds:
        _draw(weights, present, wide=wide)


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


def show_word_attention(attention: "WordAttention", *, wide: bool) -> None:
    """Show the mean over all heads, and the heads with the largest weight to another word."""
    from munjang.cli.tables import make_table, text_column

    show(f"attention from {_label(attention.words[attention.chosen])}\n")
    table = make_table("head", text_column("largest weights"))
    table.add_row("mean", _list_words(attention.words, attention.mean))
    for head in attention.strongest(_SHOWN_HEADS):
        table.add_row(head.name, _list_words(attention.words, head.weights))
    make_console(wide=wide).print(table)
    show("\nhead: layer.head, both from 0; the heads with the largest weight to another word")


def _list_words(words: "Sequence[str]", weights: "Weights") -> str:
    order = (-weights).argsort(kind="stable")[:_SHOWN].tolist()
    return "   ".join(f"{_label(words[place])} {weights[place]:.2f}" for place in order)

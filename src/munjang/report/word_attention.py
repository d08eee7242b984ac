"""Attention from one word, and references, as pages and pictures."""

from markupsafe import Markup

from munjang.explain.references import ReferenceScores
from munjang.explain.word_attention import WordAttention
from munjang.report.formats import Formats
from munjang.report.html import element, page, scrollable, table
from munjang.report.visible import visible
from munjang.report.word_attention_svg import draw_word_attention

_HEADS = 20


def _draw_page(attention: WordAttention) -> Markup:
    """Return the picture, and the strongest heads as a table."""
    return page(
        f"Attention from {visible(attention.words[attention.chosen])}",
        element("p", attention.text, dir="auto"),
        scrollable("picture", draw_word_attention(attention)),
        scrollable("the strongest heads", _heads_table(attention)),
        element("p", "Attention is not an explanation of the answer: it tells what a head reads."),
    )


def _heads_table(attention: WordAttention) -> Markup:
    rows = [
        [f"layer {head.layer}, head {head.head}", *(f"{weight:.2f}" for weight in head.weights)]
        for head in attention.strongest(_HEADS)
    ]
    mean = ["mean of all heads", *(f"{weight:.2f}" for weight in attention.mean)]
    return table(["weight to", *map(visible, attention.words)], [mean, *rows])


def _draw_references(scores: ReferenceScores) -> Markup:
    """Return the table of heads, and the cases."""
    count = len(scores.cases)
    heads = [
        [f"layer {score.layer}, head {score.head}", f"{score.right} of {count}",
         f"{score.meant:.2f}", f"{score.other:.2f}"]
        for score in scores.heads[:_HEADS]
    ]  # fmt: skip
    cases = [
        [element("td", case.text, class_="text"), case.word, case.meant, case.other]
        for case in scores.cases
    ]
    return page(
        "What a word refers to",
        element("p", summarize_references(scores), class_="choice"),
        table(["head", "right", "weight to meant", "weight to other"], heads),
        table(["text", "word", "meant", "other"], cases),
    )


def summarize_references(scores: ReferenceScores) -> str:
    """Return how often the mean of all heads is right, and what the best guess would reach."""
    count = len(scores.cases)
    return (
        f"The mean over all heads takes more from the word that is meant in {scores.right_of_mean} "
        f"of {count} texts. The best of as many guessing heads would be right in up to "
        f"{scores.right_by_chance}."
    )


WORD_ATTENTION = Formats[WordAttention]({".html": _draw_page, ".svg": draw_word_attention})
REFERENCES = Formats[ReferenceScores]({".html": _draw_references})

"""Memory of models as a page, a picture or numbers."""

from markupsafe import Markup

from munjang.explain.half_life import HalfLife
from munjang.explain.memory import Memory, MemoryCurve
from munjang.report.decay_svg import Decay, draw_decays
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.inside_page import view_page
from munjang.report.why_parts import visible_line

_CAPTION = (
    "How much the {what} changes with a token so many places back: the norm of its gradient with "
    "respect to the token's vector, on average over texts, divided by that one token back. "
    "The half-life is the distance within which half of all that reaches it from the tokens before "
    "lies."
)
_WHAT = {"state": "last state", "answer": "answer (its logit margin)"}
_PRETRAINED = (
    "{}: the training began from pretrained weights; the curve before training is of random ones."
)


def draw_memory_svg(memory: Memory) -> Markup:
    """Return the picture: one line per model and moment, dashed before training."""
    curves = [
        Decay(curve.name, curve.moment == "before", curve.relative, _note(curve))
        for curve in memory.curves
    ]
    return draw_decays(
        "Memory: gradients by distance", "tokens back", f"gradient of the {memory.of}, relative",
        curves,
    )  # fmt: skip


def _note(curve: MemoryCurve) -> str:
    return f"{curve.moment} training: half-life {format_half_life(curve.half_life)}"


def format_half_life(life: HalfLife) -> str:
    """Return a half-life in tokens, with a sign where it is a lower bound."""
    return f"{'≥ ' if life.is_lower_bound else ''}{life.tokens:.1f}"


def memory_fragment(memory: Memory) -> Markup:
    """Return the part of a page: picture and table."""
    rows = [
        [
            element("td", visible_line(curve.name), class_="label"),
            curve.moment,
            format_half_life(curve.half_life),
            *(f"{value:.1f}" for value in curve.half_life.quartiles),
            f"{len(curve.norms) - 1:,}",
            f"{curve.texts[0]:,}",
        ]
        for curve in memory.curves
    ]
    heads = ["model", "training", "half-life", "quarter", "median", "three quarters",
             "longest distance", "texts"]  # fmt: skip
    pretrained = dict.fromkeys(curve.name for curve in memory.curves if curve.is_pretrained)
    return render(
        "memory.jinja",
        heading="Memory",
        caption=_CAPTION.format(what=_WHAT[memory.of]),
        picture=draw_memory_svg(memory),
        table=table(heads, rows),
        notes=[_PRETRAINED.format(visible_line(name)) for name in pretrained],
    )


def draw_memory_page(memory: Memory) -> Markup:
    """Return the page."""
    return view_page("Memory", memory_fragment(memory))


MEMORY = Formats[Memory]({".html": draw_memory_page, ".svg": draw_memory_svg})

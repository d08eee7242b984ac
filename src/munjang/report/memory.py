"""Memory of models as a page, a picture or numbers."""

from markupsafe import Markup

from munjang.explain.half_life import HalfLife
from munjang.explain.memory import Memory, MemoryCurve
from munjang.report.decay_svg import Decay, draw_decays
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.inside_page import view_page
from munjang.report.why_parts import visible_line
from munjang.report.wording import Translate, english

_CAPTION = (
    "How much the {what} changes with a token so many places back: the norm of its gradient with "
    "respect to the token's vector, on average over texts, divided by that one token back. "
    "The half-life is the distance within which half of all that reaches it from the tokens before "
    "lies."
)
_WHAT = {"state": "last state", "answer": "answer (its logit margin)"}
_Y_AXIS = {"state": "gradient of the state, relative", "answer": "gradient of the answer, relative"}
_MOMENTS = {"before": "before training", "after": "after training"}
_NOTES = {
    "before": "before training: half-life {life}",
    "after": "after training: half-life {life}",
}
_PRETRAINED = (
    "{name}: the training began from pretrained weights; the curve before training is of random "
    "ones."
)


def draw_memory_svg(memory: Memory, translate: Translate = english) -> Markup:
    """Return the picture: one line per model and moment, dashed before training."""
    curves = [
        Decay(curve.name, curve.moment == "before", curve.relative, _note(curve, translate))
        for curve in memory.curves
    ]
    return draw_decays(
        translate("Memory: gradients by distance"),
        translate("tokens back"),
        translate(_Y_AXIS[memory.of]),
        curves,
    )


def _note(curve: MemoryCurve, translate: Translate) -> str:
    return translate(_NOTES[curve.moment], life=format_half_life(curve.half_life))


def format_half_life(life: HalfLife) -> str:
    """Return a half-life in tokens, with a sign where it is a lower bound."""
    return f"{'≥ ' if life.is_lower_bound else ''}{life.tokens:.1f}"


def memory_fragment(memory: Memory, translate: Translate = english) -> Markup:
    """Return the part of a page: picture and table."""
    rows = [
        [
            element("td", visible_line(curve.name), class_="label"),
            translate(_MOMENTS[curve.moment]),
            format_half_life(curve.half_life),
            *(f"{value:.1f}" for value in curve.half_life.quartiles),
            f"{len(curve.norms) - 1:,}",
            f"{curve.texts[0]:,}",
        ]
        for curve in memory.curves
    ]
    heads = ["model", "weights", "half-life", "first quartile", "median", "third quartile",
             "longest distance", "texts"]  # fmt: skip
    pretrained = dict.fromkeys(curve.name for curve in memory.curves if curve.is_pretrained)
    return render(
        "memory.jinja",
        heading=translate("Memory"),
        caption=translate(_CAPTION, what=translate(_WHAT[memory.of])),
        picture=draw_memory_svg(memory, translate),
        table=table([translate(head) for head in heads], rows),
        notes=[translate(_PRETRAINED, name=visible_line(name)) for name in pretrained],
    )


def draw_memory_page(memory: Memory) -> Markup:
    """Return the page."""
    return view_page("Memory", memory_fragment(memory))


MEMORY = Formats[Memory]({".html": draw_memory_page, ".svg": draw_memory_svg})

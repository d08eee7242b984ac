"""Filters of a `cnn`, over data and over one text, as a page or numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.explain.filters import Filter, Filters
from munjang.explain.text_filters import TextFilters
from munjang.report.formats import Formats
from munjang.report.html import render
from munjang.report.inside_page import ShadedText, view_page
from munjang.report.why_parts import visible_line
from munjang.report.wording import Translate, english

# Filters on a page, the most important ones; numbers have all.
_FILTERS = 60
_CAPTION = (
    "The n-grams at which each filter is highest, the most important filters first. The shade of a "
    "token is its share in the pre-activation; a line below it marks a share below 0. A maximum "
    "below the threshold does not matter: texts that reach it get the filter's class in a share "
    "halfway between that of all texts and 1. A negative n-gram would reach it without one token."
)

_AGREEMENT = (
    "{share:.1%} of the answers stay if all maxima below their thresholds are replaced by their "
    "mean."
)
_CUT = "The {shown} most important ones are shown; the JSON file has all."
# Labels of the filters of a model that answers with a number.
_SIGNS = ("higher", "lower")
_HEADS = (
    *("filter", "speaks for", "importance", "threshold", "texts that reach it"),
    *("highest n-grams", "negative n-grams"),
)


@dataclass(frozen=True)
class _Ngram:
    """An n-gram as the page shows it."""

    slots: Sequence[ShadedText]
    note: str

    @classmethod
    def of(cls, tokens: Sequence[str], slots: Sequence[float], value: float) -> "_Ngram":
        most = max((abs(slot) for slot in slots), default=0.0) or 1.0
        shaded = [
            ShadedText.of(token, f"{slot:+.2f}", slot / most, "lowers" if slot < 0 else "")
            for token, slot in zip(tokens, slots, strict=True)
        ]
        return cls(shaded, f"{value:.2f}")


@dataclass(frozen=True)
class _Row:
    """A line of the table."""

    number: int
    label: str
    figures: Sequence[str]
    ngrams: Sequence[Sequence[_Ngram]]


def filters_fragment(
    filters: Filters, translate: Translate = english, most: int = _FILTERS
) -> Markup:
    """Return the part of a page: a line per filter.

    Args:
        filters: of a model.
        translate: translates sentences.
        most: filters that are shown, the most important ones.
    """
    shown = filters.filters[:most]
    texts = {"filters": len(filters.filters), "texts": filters.texts}
    notes = [translate("{filters:,} filters over {texts:,} texts.", **texts)]
    if filters.agreement is not None:
        notes.append(translate(_AGREEMENT, share=filters.agreement))
    if len(shown) < len(filters.filters):
        notes.append(translate(_CUT, shown=len(shown)))
    return render(
        "filters.jinja",
        heading=translate("Filters"),
        caption=translate(_CAPTION),
        heads=[translate(head) for head in _HEADS],
        rows=[_row(one, translate) for one in shown],
        notes=notes,
    )


def _row(one: Filter, translate: Translate) -> _Row:
    threshold = translate("none") if one.threshold is None else f"{one.threshold:.2f}"
    ngrams = [[_Ngram.of(n.tokens, n.slots, n.value) for n in some]
              for some in (one.ngrams, one.negatives)]  # fmt: skip
    figures = [f"{one.importance:.3f}", threshold, f"{one.share:.1%}"]
    label = translate(one.label) if one.label in _SIGNS else visible_line(one.label)
    return _Row(one.number, label, figures, ngrams)


def text_filters_fragment(filters: TextFilters) -> Markup:
    """Return the part of a page: the n-gram that is the maximum of each filter."""
    shown = filters.maxima[:_FILTERS]
    against = "" if filters.against is None else f" against {visible_line(filters.against)}"
    rows = [
        _Row(
            one.number,
            f"{one.contribution:+.3f}",
            [f"{one.value:.2f}"],
            [[_Ngram.of(one.tokens, one.slots, one.value)]],
        )
        for one in shown
    ]
    total = sum(one.contribution for one in filters.maxima)
    return render(
        "filters.jinja",
        heading="Filters over a text",
        caption=f"The margin of {visible_line(filters.answer)}{against} is {filters.margin:.3f}: "
        f"{total:+.3f} from the maxima of the filters, and {filters.rest:+.3f} from the rest. The "
        "shade of a token is its share in the pre-activation; a line below it marks a share below "
        "0.",
        heads=["filter", "part in the margin", "maximum", "n-gram"],
        rows=rows,
        notes=[f"{len(shown):,} of {len(filters.maxima):,} filters, the largest parts first."],
    )


def draw_filters_page(filters: Filters) -> Markup:
    """Return the page."""
    return view_page("Filters", filters_fragment(filters))


def draw_text_filters_page(filters: TextFilters) -> Markup:
    """Return the page."""
    return view_page("Filters over a text", text_filters_fragment(filters))


FILTERS = Formats[Filters]({".html": draw_filters_page})
TEXT_FILTERS = Formats[TextFilters]({".html": draw_text_filters_page})

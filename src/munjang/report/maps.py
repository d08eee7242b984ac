"""Maps of texts and words that moved, as pages and pictures."""

from markupsafe import Markup

from munjang.explain.moved_words import MovedWords
from munjang.explain.text_map import MapOfTexts
from munjang.report.formats import Formats
from munjang.report.html import element, page, render, table
from munjang.report.text_map_svg import draw_text_map
from munjang.report.visible import cut_visible, visible
from munjang.reporting import pluralize

_LISTED = 500  # texts in the table of a page
_LONGEST = 300  # characters of a text in it


def _draw_map_page(shown: MapOfTexts) -> Markup:
    """Return the picture with a search field, and the first texts as a table."""
    listed = min(len(shown.texts), _LISTED)
    names = shown.labels or ("",) * len(shown.texts)
    rows = [
        [element("td", cut_visible(text, _LONGEST), class_="text"), name]
        for text, name in zip(shown.texts[:listed], names, strict=False)
    ]
    return render(
        "text_map.html.jinja",
        title="Map of texts",
        summary=summarize_map(shown),
        picture=draw_text_map(shown),
        listed=f"{'the first ' if listed < len(shown.texts) else ''}{pluralize(listed, 'text')}",
        texts=table(["text", "label"], rows),
    )


def summarize_map(shown: MapOfTexts) -> str:
    """Return what a map is of, in one or two sentences."""
    total = len(shown.texts) + shown.left_out
    parts = [
        f"{len(shown.texts):,} of {total:,} texts, drawn at random."
        if shown.left_out
        else f"{pluralize(total, 'text')}."
    ]
    if shown.agreement is not None:
        parts.append(
            f"The nearest text has the same label in {100 * shown.agreement:.1f} % of them."
        )
    return " ".join(parts)


def _draw_moved_page(moved: MovedWords) -> Markup:
    """Return the table of words that moved most."""
    rows = [
        [visible(word.word), f"{word.distance:.2f}", f"{word.cosine:.2f}",
         ", ".join(map(visible, word.before)), ", ".join(map(visible, word.after))]
        for word in moved.words
    ]  # fmt: skip
    heads = ["word", "distance", "cosine", "nearest before", "nearest after"]
    summary = (
        f"{moved.compared:,} words; the mean cosine of their vectors before and after is "
        f"{moved.mean_cosine:.2f}. Distances are in mean lengths of the vectors before."
    )
    return page("Words that moved most", element("p", summary), table(heads, rows))


TEXT_MAP = Formats[MapOfTexts]({".html": _draw_map_page, ".svg": draw_text_map})
MOVED_WORDS = Formats[MovedWords]({".html": _draw_moved_page})

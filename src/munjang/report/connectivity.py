"""Connectivity of one text as a page, a picture or numbers."""

from markupsafe import Markup

from munjang.explain.connectivity import Connectivity
from munjang.report.formats import Formats
from munjang.report.grid_svg import GridRow, draw_grid
from munjang.report.html import render, table
from munjang.report.inside_page import ShadedText, view_page
from munjang.report.shades import STRONG, shade, thousandths
from munjang.report.visible import language, visible

_SOURCES = 5


def draw_connectivity_svg(connectivity: Connectivity) -> Markup:
    """Return the picture: a row per state, a column per token."""
    rows = [
        GridRow(label, [shade(share) for share in shares])
        for label, shares in zip(connectivity.labels, connectivity.shares.tolist(), strict=True)
    ]
    return draw_grid("What the state after each word draws on", connectivity.labels, rows)


def strongest_sources(connectivity: Connectivity, most: int) -> list[tuple[str, list[str]]]:
    """Return each label with those that it draws on most, and their shares."""
    lines = []
    for label, shares in zip(connectivity.labels, connectivity.shares, strict=True):
        order = (-shares).argsort(kind="stable")[:most].tolist()
        named = [
            f"{visible(connectivity.labels[n])} {shares[n]:.2f}" for n in order if shares[n] > 0
        ]
        lines.append((visible(label), named))
    return lines


def connectivity_fragment(connectivity: Connectivity) -> Markup:
    """Return the part of a page: the text, whose words can be pointed at, and all shares."""
    is_of_words = connectivity.labels is connectivity.tokens.word_labels
    noun = "word" if is_of_words else "token"
    last = connectivity.shares[-1].tolist() if len(connectivity.labels) else []
    cut = " The text was cut." if connectivity.tokens.truncated else ""
    return render(
        "connectivity.jinja",
        heading="Memory of a text",
        caption=f"Point at a {noun}: the shades show what the state after it draws on, by the norm "
        "of its gradient with respect to each token's vector. Shares of a state are 1 in all. The "
        f"shades below are those of the last {noun}.{cut}",
        noun=noun,
        spaced=is_of_words,
        lang=language(connectivity.tokens.text),
        parts=[
            ShadedText.of(label, f"{100 * share:.1f} %", shade(share))
            for label, share in zip(connectivity.labels, last, strict=True)
        ],
        figures=thousandths(connectivity.shares),
        table=table(
            [noun, "draws on"],
            (
                [label, "   ".join(named)]
                for label, named in strongest_sources(connectivity, _SOURCES)
            ),
        ),
        picture=draw_connectivity_svg(connectivity),
        strong=STRONG,
    )


def draw_connectivity_page(connectivity: Connectivity) -> Markup:
    """Return the page."""
    return view_page("Memory of a text", connectivity_fragment(connectivity))


CONNECTIVITY = Formats[Connectivity](
    {".html": draw_connectivity_page, ".svg": draw_connectivity_svg}
)

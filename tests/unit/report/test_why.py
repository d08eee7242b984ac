"""Attributions drawn: the whole text is there, nothing of it is markup, and colors follow signs."""

import html
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from munjang.errors import ConfigError
from munjang.explain.attribution import (
    AttributedText,
    Attribution,
    Explanation,
    NgramShare,
    NgramShares,
)
from munjang.report.diverging import Shade, format_share, full_color
from munjang.report.shades import DARK, LIGHT, Colors
from munjang.report.visible import visible_text
from munjang.report.why import WHY
from munjang.report.why_page import draw_why_page, draw_why_section
from munjang.report.why_parts import (
    LONGEST_WORD,
    describe_sum,
    listed_words,
    shown_parts,
    special_share,
)
from munjang.report.why_svg import draw_why_svg
from tests.unit.text.strategies import hostile_text

SPACE = "{http://www.w3.org/2000/svg}"


def make_text(text: str) -> AttributedText:
    """A text whose every second character is a token; shares go from -1 to 2."""
    starts = np.arange(0, len(text), 2)
    return AttributedText.of(text, starts, starts + 1, np.linspace(-1, 2, len(starts)))


def make_explanation(text: str, *, scores: int = 1) -> Explanation:
    ngrams = NgramShares((NgramShare(text[:3], 0, 0, 3, (0, 4), 0.5),), 0.1)
    rows = tuple(
        Attribution(f"logit of <{n}>", 1.5, 0.25, (make_text(text),), (("⟨go⟩", 0.125),),
                    ngrams=ngrams)
        for n in range(scores)
    )  # fmt: skip
    return Explanation("<b>&", "exact", "zero vectors", rows)


def contrast(one: str, other: str) -> float:
    """Ratio of contrast of the Web Content Accessibility Guidelines 2.2."""

    def luminance(color: str) -> float:
        parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_letters_are_legible_on_every_shade_of_both_colors(colors: Colors) -> None:
    for share in np.linspace(-1, 1, 201).tolist():
        shade = Shade(share, 1.0)
        assert contrast(shade.ink(colors), shade.ground(colors)) >= 4.5
    assert full_color("up", colors).full != full_color("down", colors).full


def test_shades_follow_sign_and_scale() -> None:
    assert [Shade(share, 2.0).opacity for share in (-2.0, 1.0, 0.0, 0.01, 9.0)] == [1, 0.5, 0, 0, 1]
    assert [Shade(share, 2.0).sign for share in (-2.0, 1.0)] == ["down", "up"]
    assert Shade(1.0, 0.0).opacity == 0
    shares = (2.314, -0.05, 0.0012, 0.0, -0.00002)
    assert [format_share(s) for s in shares] == ["+2.31", "-0.05", "+0.0012", "+0.00", "-2e-05"]


@settings(max_examples=50)
@given(text=hostile_text())
def test_shown_parts_are_the_text_with_symbols_for_line_breaks(text: str) -> None:
    shown = "".join(part.text for part in shown_parts(make_text(text)))
    assert shown == visible_text(text).replace("\n", "⏎\n")
    assert shown.count("\n") == text.count("\n")


def test_long_words_are_shown_token_by_token() -> None:
    long = "가" * (LONGEST_WORD + 1)
    parts = [part for part in shown_parts(make_text(f"ab {long}")) if part.share is not None]
    assert parts[0].text == "ab"
    assert len(parts) == 1 + LONGEST_WORD // 2, "every second character is a token"
    assert {part.text for part in parts[1:]} == {"가"}


def test_words_are_listed_by_the_size_of_their_shares() -> None:
    attribution = make_explanation("a b c d e f g").rows[0]
    shares = [abs(share) for _, share in listed_words(attribution, 3)]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert special_share(attribution) == ("⟨go⟩", 0.125)


def test_sum_says_how_much_is_explained() -> None:
    text = AttributedText.of("a b", [0, 2], [1, 3], [0.6, 0.38])
    attribution = Attribution("logit of a", 1.5, 0.5, (text,))
    explanation = Explanation("a", "integrated", "zero vectors", (attribution,))
    assert describe_sum(explanation, attribution) == (
        "logit of a: 1.50 = base 0.50 + words 0.98, and +0.02 that is not divided; "
        "explains .98 of 1.00"
    )
    without = Explanation("a", "leave_one_out", "oov", (attribution,), summed=False)
    assert describe_sum(without, attribution) == "logit of a: 1.50, 0.50 without any word"


@settings(max_examples=40)
@given(text=hostile_text())
def test_page_has_the_text_and_no_markup_of_it(text: str) -> None:
    explanation = make_explanation(f"{text}<script>alert(1)</script>&")
    page = str(draw_why_page(explanation))
    assert "<script" not in page
    body = re.search(r'<p class="shaded"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert body is not None
    spans = re.findall(r"<span[^>]*>(.*?)</span>", body[1], re.DOTALL)
    expected = "".join(part.text for part in shown_parts(explanation.rows[0].texts[0]))
    assert html.unescape("".join(spans)) == expected


@settings(max_examples=40)
@given(text=hostile_text())
def test_picture_is_well_formed_whatever_the_text(text: str) -> None:
    drawn = ET.fromstring(str(draw_why_svg(make_explanation(text))))
    assert drawn.tag == f"{SPACE}svg"


def test_section_is_a_part_of_any_page() -> None:
    section = str(draw_why_section(make_explanation("a b c", scores=2)))
    assert section.startswith('<section class="why">')
    assert "<html" not in section
    assert "logit of &lt;1&gt;" in section
    assert section.count("<table>") == 1 + 2 * 2, "a matrix, and words and n-grams of each score"
    assert section in str(draw_why_page(make_explanation("a b c", scores=2)))


def test_files_are_written_by_suffix(tmp_path: Path) -> None:
    explanation = make_explanation("정말 재미있다")
    for suffix in (".html", ".svg", ".json"):
        path = WHY.write(explanation, tmp_path / f"why{suffix}")
        assert "정말" in path.read_text("utf-8")
    values = json.loads((tmp_path / "why.json").read_text("utf-8"))
    assert values == explanation.to_json()
    with pytest.raises(ConfigError, match="expected a file name that ends in one of"):
        WHY.write(explanation, tmp_path / "why.gif")

"""Formats in which attention weights are written."""

from munjang.explain.attention import Attention
from munjang.report.attention_page import draw_page
from munjang.report.attention_svg import draw_svg
from munjang.report.formats import Formats

ATTENTION = Formats[Attention]({".html": draw_page, ".svg": draw_svg})

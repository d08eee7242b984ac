"""Formats in which attributions are written."""

from munjang.explain.attribution import Explanation
from munjang.report.formats import Formats
from munjang.report.why_page import draw_why_page
from munjang.report.why_svg import draw_why_svg

WHY = Formats[Explanation]({".html": draw_why_page, ".svg": draw_why_svg})

"""Formats in which surprisal is written."""

from munjang.explain.surprisal import Surprisal
from munjang.report.formats import Formats
from munjang.report.surprisal_page import draw_surprisal_page
from munjang.report.surprisal_svg import draw_surprisal_svg

SURPRISAL = Formats[Surprisal]({".html": draw_surprisal_page, ".svg": draw_surprisal_svg})

"""Pages as a part of a notebook: the page's own drawing, with a style that stays in its cell."""

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from munjang.report.formats import Formats
from munjang.report.html import element, within_notebook

# Bytes of the largest page that is kept in a notebook, about those of a large photograph.
LARGEST = 2_000_000
# Scripts of templates: texts are escaped, and in JSON too no "<" is left.
_SCRIPT = re.compile(r"<script\b.*?</script>\s*", re.DOTALL)


def draw_in_notebook(formats: Formats[Any], shown: Any) -> str:
    """Return the page of a result as a fragment; of a page that is too large, its `repr`.

    Scripts are left out: they would run in the notebook, among the outputs of other cells.

    Args:
        formats: its drawings, one of them a page.
        shown: the result.
    """
    draw: Callable[[Any], str] = formats.drawn[".html"]
    with within_notebook():
        fragment = _SCRIPT.sub("", str(draw(shown)))
    if len(fragment) <= LARGEST:
        return fragment
    hint = ' is too large for a notebook; .save("page.html") writes it to a file'
    return str(Markup("{}{}").format(element("code", repr(shown)), hint))

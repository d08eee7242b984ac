"""Pages and their pieces: templates of Jinja and escaped elements, for HTML and SVG alike.

Whatever is not a `markupsafe.Markup` is a text, and is escaped.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from munjang.report.scoping import scope

__all__ = [
    "FONTS",
    "Markup",
    "element",
    "join",
    "page",
    "render",
    "scrollable",
    "table",
    "within_notebook",
]

_is_page: ContextVar[bool] = ContextVar("is_page", default=True)

# Korean fonts by name, for systems whose default sans-serif has no Hangul.
FONTS = (
    'system-ui, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans CJK KR", "Noto Sans KR", '
    "NanumGothic, sans-serif"
)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("munjang.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"fonts": FONTS, "scrollable": scrollable}
    environment.filters["scoped"] = lambda css: Markup(scope(css))  # noqa: S704 (of our templates)
    return environment


def render(template: str, **values: object) -> Markup:
    """Render a file of `munjang/report/templates`; values that are no `Markup` are escaped.

    Args:
        template: name of the file.
        values: names that the template uses; one that is missing is an error. `is_page` is False
            within a notebook, where no script runs and an `id` is not unique.
    """
    known = {"is_page": _is_page.get(), **values}
    rendered = _environment().get_template(template).render(known)
    return Markup(rendered)  # noqa: S704 (the template escaped what it was given)


@contextmanager
def within_notebook() -> Iterator[None]:
    """Render pages of the block as parts of a notebook: no document, script or style around."""
    token = _is_page.set(False)
    try:
        yield
    finally:
        _is_page.reset(token)


def page(title: str, *parts: object) -> Markup:
    """Return a whole page that loads nothing from anywhere.

    Args:
        title: of the page, and its first heading.
        parts: of its body.
    """
    return render("page.html.jinja", title=title, body=join(parts))


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table; a cell that is a `<td>` already stays as it is."""
    cells = ([_cell(value) for value in row] for row in rows)
    return render("table.html.jinja", heads=heads, rows=cells)


def _cell(value: object) -> Markup:
    is_cell = isinstance(value, Markup) and value.startswith("<td")
    return escape(value) if is_cell else element("td", value)


def scrollable(name: str, *parts: object) -> Markup:
    """Return parts that may be wider than the page, in a box that scrolls, by keys as well.

    Args:
        name: what the box holds, for people who do not see it; no other box of the page has it.
        parts: inside it.
    """
    return element("div", *parts, class_="wide", tabindex=0, role="region", aria_label=name)


def element(tag: str, *parts: object, **attributes: object) -> Markup:
    """Return `<tag attribute="...">parts</tag>`, for pictures that are computed.

    Args:
        tag: name of the element.
        parts: inside it, one after the other.
        attributes: `class_` stands for class, and `_` in a name for `-`.
    """
    written = join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), value)
        for name, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, join(parts))


def join(parts: Iterable[object]) -> Markup:
    """Return parts one after the other, texts escaped."""
    return Markup("").join(map(escape, parts))

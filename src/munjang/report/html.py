"""Pieces of an HTML page. Whatever is not a `Markup` is a text, and is escaped."""

import html
from collections.abc import Iterable, Sequence


class Markup(str):
    """HTML that is finished, made by these functions alone."""

    __slots__ = ()


def element(tag: str, *inside: object, **attributes: object) -> Markup:
    """`<tag attribute="...">inside</tag>`; `class_` stands for class, `_` in names for `-`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{join(inside)}</{tag}>")


def join(parts: Iterable[object]) -> Markup:
    """Parts one after the other, texts escaped."""
    return Markup("".join(p if isinstance(p, Markup) else html.escape(str(p)) for p in parts))


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; a cell that is a `<td>` already stays as it is."""
    return element(
        "table",
        element("thead", element("tr", *(element("th", head) for head in heads))),
        element("tbody", *(element("tr", *map(_cell, row)) for row in rows)),
    )


def _cell(value: object) -> Markup:
    ready = isinstance(value, Markup) and value.startswith("<td")
    return value if ready and isinstance(value, Markup) else element("td", value)


def page(title: str, *inside: object, style: str = "") -> Markup:
    """A whole page that loads nothing from anywhere.

    Args:
        title: of the page, and its first heading.
        inside: what follows.
        style: CSS of its own, behind that of all pages.
    """
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        Markup(f"<style>{_STYLE}{style}</style>"),
    )
    body = element("body", element("h1", title), *inside)
    return Markup(f"<!doctype html>\n{element('html', head, body, lang='en')}\n")


_STYLE = """
:root { color-scheme: light dark; --line: #ddd; --good: #eef6ee; --edge: #3a7d3a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #444; --good: #17301a; --edge: #6fbf73; --bad: #ff8a80; }
}
body { font: 15px/1.5 system-ui, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans CJK KR",
       "Noto Sans KR", NanumGothic, sans-serif; max-width: 88rem; margin: 2rem auto;
       padding: 0 1rem; background: Canvas; color: CanvasText; }
table { border-collapse: collapse; margin: .7rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
         white-space: nowrap; }
th:first-child, td:first-child, td.text { text-align: left; }
td.text { min-width: 16rem; max-width: 34rem; overflow-wrap: anywhere; white-space: pre-wrap; }
.wide { overflow-x: auto; }
.side { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.side > * { max-width: 100%; }
.choice { background: var(--good); border-left: 4px solid var(--edge); padding: .6rem 1rem; }
.wrong { color: var(--bad); }
li { overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
svg text { font: 12px system-ui, "Noto Sans CJK KR", NanumGothic, sans-serif; fill: CanvasText; }
"""

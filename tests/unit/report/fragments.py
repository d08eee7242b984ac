"""What a part of a notebook may hold, read as a browser reads it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {"meta", "br", "img", "input", "link", "base", "embed"}
_FORBIDDEN = {"script", "iframe", "object", "embed", "link", "meta", "html", "head", "body", "form",
              "base", "img", "title"}  # fmt: skip


class Fragment(HTMLParser):
    """The elements, the style sheets and the visible text of a fragment."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)
        elif "title" not in self.open:
            self.text += data


def assert_inert(source: str) -> Fragment:
    """Whatever the fragment shows, it runs and loads nothing, and styles nothing around it."""
    fragment = Fragment(source)
    assert not fragment.open
    outside_pictures = re.sub(r"<svg.*?</svg>", "", source, flags=re.DOTALL)
    assert not set(Fragment(outside_pictures).tags) & _FORBIDDEN
    assert not set(fragment.tags) & (_FORBIDDEN - {"title"})
    for name, value in fragment.attributes:
        assert not name.startswith("on")
        assert name not in {"id", "src", "href", "srcset", "action"}
        assert "url(" not in value
    for style in fragment.styles:
        assert "url(" not in style
        assert "@import" not in style
        assert [selector for selector, _ in rules(style)] == [".munjang-view.munjang-view"]
    source.encode()  # a notebook is a file in UTF-8
    return fragment


def rules(css: str) -> Iterator[tuple[str, str]]:
    """Each outermost rule of a style sheet: what stands before its braces, and within them."""
    depth, begin, selector = 0, 0, ""
    for place, letter in enumerate(css):
        if letter == "{":
            if depth == 0:
                selector, begin = css[begin:place].strip(), place + 1
            depth += 1
        elif letter == "}":
            depth -= 1
            assert depth >= 0
            if depth == 0:
                yield selector, css[begin:place]
                begin = place + 1
    assert depth == 0
    assert not css[begin:].strip()

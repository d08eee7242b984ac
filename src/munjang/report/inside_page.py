"""Pages of one view each, and what their fragments share."""

from dataclasses import dataclass

from markupsafe import Markup

from munjang.report.html import render
from munjang.report.shades import DARK, LIGHT, STRONG
from munjang.report.visible import visible


def view_page(title: str, fragment: Markup) -> Markup:
    """Return a page that holds one fragment.

    Args:
        title: of the page.
        fragment: what a report of several views would include.
    """
    return render("inside.html.jinja", title=title, body=fragment, light=LIGHT, dark=DARK)


@dataclass(frozen=True)
class ShadedText:
    """A token or word with a shade behind it.

    Attributes:
        text: as it is displayed.
        title: tooltip.
        shade: opacity of the full color, 0 to 1.
        marks: further classes of the element.
    """

    text: str
    title: str
    shade: float
    marks: str = ""

    @classmethod
    def of(cls, token: str, title: str, shade: float, marks: str = "") -> "ShadedText":
        """Return a token with every character visible."""
        return cls(visible(token), title, min(1.0, max(0.0, shade)), marks)

    @property
    def opacity(self) -> str:
        """The shade for a style sheet."""
        return f"{self.shade:.3g}"

    @property
    def strength(self) -> str:
        """Classes of the element."""
        strength = "strong" if self.shade >= STRONG else "weak"
        return f"{strength} {self.marks}".strip()

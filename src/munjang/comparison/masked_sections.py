"""Section of the page of a comparison of masked language models: the texts that divide them."""

from typing import cast

from munjang.comparison.masked_judge import MaskedDetails
from munjang.comparison.results import Comparison
from munjang.report.html import Markup, element, scrollable, table
from munjang.report.visible import visible_text

# Headings, which name the tables below them, too.
_DIFFERENCES = "Where the models differ most"


def masked_sections(comparison: Comparison) -> list[Markup]:
    """Return the texts on which the models differ most."""
    examples = cast(MaskedDetails, comparison.details).examples
    if not examples:
        return []
    rows = [
        [
            element("td", visible_text(example.text), class_="text"),
            f"{example.row:,}",
            *(f"{nats:.2f}" for nats in example.cross_entropy.values()),
        ]
        for example in examples
    ]
    explanation = (
        "Cross-entropy of the masked tokens of texts of the test part, in nats per token; means "
        "over seeds. Texts with fewer masked tokens than most are left out."
    )
    return [
        element("h2", _DIFFERENCES),
        element("p", explanation),
        scrollable(_DIFFERENCES, table(["text", "number", *examples[0].cross_entropy], rows)),
    ]

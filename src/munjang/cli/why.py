"""The shares of words on the terminal: the text in shades, and the words with numbers."""

from typing import TYPE_CHECKING

from munjang.cli.output import make_console, show
from munjang.cli.tables import label_text, make_table, text_column

if TYPE_CHECKING:
    from rich.text import Text

    from munjang.explain.attribution import Attribution, Explanation

# Words and n-grams that a table has, and words per line where there are several scores.
_WORDS, _NGRAMS, _PER_ROW = 12, 5, 4


def show_why(explanation: "Explanation", *, wide: bool) -> None:
    """Show the answer, the text in shades, and the words with the largest shares."""
    from munjang.report.why_parts import describe_method

    show(f"answer: {label_text(explanation.answer)}")
    if len(explanation) == 1:
        _show_score(explanation, explanation.rows[0], wide=wide)
    else:
        _show_scores(explanation, wide=wide)
    show(f"\n{describe_method(explanation)}")


def _show_score(explanation: "Explanation", row: "Attribution", *, wide: bool) -> None:
    from munjang.report.diverging import format_share
    from munjang.report.why_parts import describe_sum, listed_words, special_share

    screen = make_console(wide=wide)
    show(f"{describe_sum(explanation, row)}\n")
    for text in row.texts:
        # a pipe is never wrapped
        screen.print(_shaded(row, text, explanation.largest), soft_wrap=not screen.is_terminal)
    show("")
    table = make_table("word", "share")
    for word, share in listed_words(row, _WORDS):
        table.add_row(word, format_share(share))
    special = special_share(row)
    if special is not None:
        table.add_row(special[0], format_share(special[1]))
    screen.print(table)
    if row.ngrams is not None:
        _show_ngrams(row, wide=wide)


def _show_ngrams(row: "Attribution", *, wide: bool) -> None:
    from munjang.report.diverging import format_share
    from munjang.report.why_parts import visible_line

    assert row.ngrams is not None
    show("")
    table = make_table("n-gram", "filters", "share")
    for ngram in row.ngrams.ngrams[:_NGRAMS]:
        table.add_row(visible_line(ngram.text), str(len(ngram.filters)), format_share(ngram.share))
    rest = row.ngrams.ngrams[_NGRAMS:]
    if rest:
        filters = sum(len(ngram.filters) for ngram in rest)
        share = sum(ngram.share for ngram in rest)
        table.add_row(f"{len(rest):,} more", str(filters), format_share(share))
    if row.ngrams.others:
        table.add_row("bag of n-grams, linear model", "", format_share(row.ngrams.others))
    table.add_row("bias", "", format_share(row.ngrams.bias))
    make_console(wide=wide).print(table)


def _show_scores(explanation: "Explanation", *, wide: bool) -> None:
    """Show a line per score: its value, and the words with the largest shares."""
    from munjang.report.diverging import format_share
    from munjang.report.why_parts import listed_words

    screen = make_console(wide=wide)
    show("")
    for text in explanation.rows[0].texts[:1]:
        screen.print(text.text, soft_wrap=not screen.is_terminal)
    show("")
    heads = [text_column("largest shares")]
    table = make_table("score", "value", *(["explains"] if explanation.summed else []), *heads)
    for row in explanation:
        words = (f"{word} {format_share(share)}" for word, share in listed_words(row, _PER_ROW))
        explained = [f"{row.explained:.2f}"] if explanation.summed else []
        table.add_row(label_text(row.score), f"{row.value:.2f}", *explained, "   ".join(words))
    screen.print(table)


def _shaded(row: "Attribution", text: object, largest: float) -> "Text":
    """Return a text with the shade of each word behind it."""
    from rich.text import Text

    from munjang.explain.attribution import AttributedText
    from munjang.report.why_parts import shown_parts

    assert isinstance(text, AttributedText)
    shaded = Text()
    for part in shown_parts(text):
        shade = part.shade(largest)
        shaded.append(part.text, f"{shade.ink()} on {shade.ground()}" if shade.opacity else "")
    return shaded

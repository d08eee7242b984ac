"""Maps of texts, words that moved, and references on the terminal."""

from typing import TYPE_CHECKING

from munjang.cli.output import make_console, show

if TYPE_CHECKING:
    from munjang.explain.moved_words import MovedWords
    from munjang.explain.references import ReferenceScores
    from munjang.explain.text_map import MapOfTexts

# Heads that the terminal shows.
_HEADS = 12


def show_text_map(shown: "MapOfTexts") -> None:
    """Show what a map is of; the picture itself is written to a file."""
    from munjang.report.maps import summarize_map

    show(summarize_map(shown))
    show("write the picture with --out map.html or --out map.svg")


def show_moved_words(moved: "MovedWords", *, wide: bool) -> None:
    """Show the words that moved most, with their nearest words before and after."""
    from munjang.cli.tables import label_text, make_table, text_column

    table = make_table(
        "word", "distance", "cosine", text_column("nearest before"), text_column("nearest after")
    )
    for word in moved.words:
        table.add_row(
            label_text(word.word),
            f"{word.distance:.2f}",
            f"{word.cosine:.2f}",
            label_text(", ".join(word.before)),
            label_text(", ".join(word.after)),
        )
    make_console(wide=wide).print(table)
    show(f"\n{moved.compared:,} words; distance: in mean lengths of the vectors before")


def show_references(scores: "ReferenceScores", *, wide: bool) -> None:
    """Show the heads that are right most often, and what guessing heads would reach."""
    from munjang.cli.tables import make_table
    from munjang.report.word_attention import summarize_references

    table = make_table("layer", "head", "right", "weight to meant", "weight to other")
    for score in scores.heads[:_HEADS]:
        table.add_row(
            str(score.layer),
            str(score.head),
            f"{score.right} of {len(scores.cases)}",
            f"{score.meant:.3f}",
            f"{score.other:.3f}",
        )
    make_console(wide=wide).print(table)
    show(f"\n{summarize_references(scores)}")

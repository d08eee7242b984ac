"""`munjang search`: the texts nearest to a query by cosine of their sentence vectors."""

from typing import Annotated

import typer

from munjang.cli.embed import VectorPooling
from munjang.cli.options import Encoding, ModelFolder, Quiet, SkipBadRows, TextColumn
from munjang.cli.output import flush, note, show, show_unwrapped
from munjang.json_text import json_text
from munjang.reporting import escape_line
from munjang.stopping import raise_on_signals


def search(
    folder: ModelFolder,
    texts: Annotated[
        str,
        typer.Argument(
            metavar="TEXTS",
            help="File of texts, or of vectors that munjang embed wrote; - is standard input.",
        ),
    ],
    queries: Annotated[list[str], typer.Argument(metavar="QUERY", help="Texts to search for.")],
    k: Annotated[
        int, typer.Option("--k", metavar="N", min=1, help="Number of texts per query.")
    ] = 10,
    text_column: TextColumn = None,
    pooling: VectorPooling = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object per line, with the query.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Find the texts nearest to a query, by their vectors.

    \b
    Columns of a line, separated by tabs:
      score  cosine: 1 for the same direction
      row    number of the line or row in TEXTS
      text   empty for a .npy file, which holds no texts

    With several queries, each line begins with the query. The search is exact: every text is
    compared. For many searches in the same texts, write their vectors once with munjang embed.

    \b
    Examples:
      munjang search my-model reviews.txt "배우들의 연기가 좋다"
      munjang search my-model vectors.parquet "지루하다" "재미있다" --k 3
      munjang search my-model questions.csv --text-column question "where is my order" --json
    """
    from munjang.cli.stages import showing_stages
    from munjang.sentence_vectors.search import search as run

    raise_on_signals()
    with showing_stages(quiet=quiet):
        found = run(
            folder,
            texts,
            queries,
            k=k,
            text_column=text_column,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows,
            pooling=pooling,
            report=(lambda line: None) if quiet else note,
        )
    for query, hits in zip(queries, found, strict=True):
        for hit in hits:
            if as_json:
                show_unwrapped(json_text({"query": query, **hit.to_json()}))
                continue
            line = [f"{hit.score:.4f}", str(hit.row), escape_line(hit.text or "")]
            show("\t".join([escape_line(query), *line] if len(queries) > 1 else line))
    flush()

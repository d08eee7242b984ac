"""`munjang neighbors`, `analogy` and `similarity`: word vectors of models and of files."""

from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import AsJson, Quiet
from munjang.cli.output import flush, note, show, show_json, show_unwrapped
from munjang.json_text import json_text
from munjang.reporting import escape_line, pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.tasks.word_answers import NearWord
    from munjang.word_vectors.words import Words

# Words without a vector that are named.
_MOST_NAMED = 20

VectorSource = Annotated[
    str,
    typer.Argument(
        metavar="FOLDER",
        help="Model folder whose model has an embedding of tokens; or a file of word vectors: "
        "word2vec text or binary, fastText .vec, GloVe.",
    ),
]
Number = Annotated[int, typer.Option("--k", metavar="N", min=1, help="Number of words.")]
SkipBadLines = Annotated[
    bool, typer.Option("--skip-bad-lines", help="Skip unreadable lines of a file, and count them.")
]


def neighbors(
    folder: VectorSource,
    queries: Annotated[
        list[str], typer.Argument(metavar="WORD", help="Words whose neighbors are found.")
    ],
    k: Number = 10,
    skip_bad_lines: SkipBadLines = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object per line, with the query.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Find the words nearest to a word, by cosine.

    \b
    Columns of a line, separated by tabs:
      score  cosine: 1 for the same direction
      word   a word of the vocabulary

    With several words, each line begins with the word that was asked for. A word that is not in the
    vocabulary has the vector of its character n-grams, if the model has them, else the mean vector
    of its tokens.

    \b
    Examples:
      munjang neighbors my-vectors go --k 10
      munjang neighbors wiki.vec king queen --json
    """
    words = _load(folder, skip_bad_lines=skip_bad_lines, quiet=quiet)
    found = words.neighbors(queries, k=k)
    for query, near in zip(queries, found, strict=True):
        _show(near, query, is_named=len(queries) > 1, as_json=as_json)
    flush()


def analogy(
    folder: VectorSource,
    terms: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help="Words with + and - between them: king - man + woman"),
    ] = None,
    questions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File of analogies to solve instead: four words per line, sections begin with a "
            "line such as : capitals",
        ),
    ] = None,
    k: Number = 10,
    skip_bad_lines: SkipBadLines = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the words nearest to a sum, such as king - man + woman.

    None of the words that are given is an answer. With --questions, the share of the analogies of a
    file whose nearest word is the right one.

    \b
    Examples:
      munjang analogy my-vectors king - man + woman
      munjang analogy my-vectors --questions questions-words.txt
    """
    from munjang.errors import ConfigError
    from munjang.word_vectors.evaluation import score_analogies
    from munjang.word_vectors.judgments import read_analogies
    from munjang.word_vectors.words import parse_analogy

    if (questions is None) == (not terms):
        raise ConfigError("give words, as in king - man + woman, or --questions FILE")
    if questions is None:
        positive, negative = parse_analogy(terms or [])
        words = _load(folder, skip_bad_lines=skip_bad_lines, quiet=quiet)
        near = words.analogy(positive, negative, k=k)
        if as_json:
            show_json([{"word": found.word, "score": found.score} for found in near])
            return
        _show(near, "", is_named=False, as_json=False)
        flush()
        return
    sections = read_analogies(questions)
    words = _load(folder, skip_bad_lines=skip_bad_lines, quiet=quiet)
    scores = score_analogies(words, sections)
    if as_json:
        show_json([found.to_json() for found in scores])
        return
    for found in scores:
        share = f"{found.accuracy:.1%}" if found.covered else "-"
        counts = f"{found.right} of {found.covered} covered, {found.questions} asked"
        show(f"{share}\t{counts}\t{escape_line(found.section)}")


def similarity(
    folder: VectorSource,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Rows of two words and a score, as CSV, TSV or with spaces."
        ),
    ],
    skip_bad_lines: SkipBadLines = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare word vectors with what people say of pairs of words.

    It prints Spearman's rank correlation of the cosines with the scores, and how many pairs have
    vectors of both words. Whether the file has a header is seen from its first row.

    \b
    Examples:
      munjang similarity my-vectors wordsim353.tsv
      munjang similarity wiki.vec ws353.csv --json
    """
    from munjang.word_vectors.evaluation import score_similarity
    from munjang.word_vectors.judgments import read_word_pairs

    pairs = read_word_pairs(file)
    words = _load(folder, skip_bad_lines=skip_bad_lines, quiet=quiet)
    scores = score_similarity(words, pairs)
    if as_json:
        show_json(scores.to_json())
        return
    show(
        f"Spearman {_number(scores.spearman)} on {scores.covered:,} of "
        f"{pluralize(scores.pairs, 'pair')} ({scores.covered / scores.pairs:.1%})"
    )
    if scores.composed:
        show(
            f"Spearman {_number(scores.listed_spearman)} on the "
            f"{pluralize(scores.covered - scores.composed, 'pair')} of words in the vocabulary; "
            f"{scores.composed:,} have a word that is made of n-grams or of several tokens"
        )
    if scores.missing:
        more = len(scores.missing) - _MOST_NAMED
        named = ", ".join(escape_line(word) for word in scores.missing[:_MOST_NAMED])
        show(f"without a vector: {named}{f' and {more:,} more' if more > 0 else ''}")


def _load(source: str, *, skip_bad_lines: bool, quiet: bool) -> "Words":
    from munjang.cli.stages import showing_stages
    from munjang.word_vectors.open_words import load_words

    raise_on_signals()
    with showing_stages(quiet=quiet):
        return load_words(
            source,
            skip_bad_lines=skip_bad_lines,
            report=(lambda line: None) if quiet else note,
        )


def _show(near: "list[NearWord]", query: str, *, is_named: bool, as_json: bool) -> None:
    for found in near:
        if as_json:
            show_unwrapped(json_text({"query": query, "word": found.word, "score": found.score}))
            continue
        line = [f"{found.score:.4f}", escape_line(found.word)]
        show("\t".join([escape_line(query), *line] if is_named else line))


def _number(value: float) -> str:
    return "not defined" if value != value else f"{value:.4f}"

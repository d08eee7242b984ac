"""`munjang explain`: one text, as a model sees it."""

from pathlib import Path
from typing import Annotated

import typer

from munjang.cli.options import AsJson, ModelFolder, Wide
from munjang.cli.output import note, show_json
from munjang.stopping import raise_on_signals


def explain(
    folder: ModelFolder,
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT", help="Text for the model to read; two for a model of two texts."
        ),
    ],
    view: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to show: {views}.  [default: why; of language models surprisal]",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write it to FILE: a page (.html), a picture (.svg) or data (.json).",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With why: exact, integrated, gradient or leave_one_out.  [default: exact for "
            "mean and cnn, else integrated]",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="With why: class, label or token to explain.  [default: that of the answer]",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With why: what stands for no text: zero (vectors) or oov (tokens); with the "
            "method leave_one_out oov or deleted.  [default: zero; oov for leave_one_out and bert]",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Answer to explain, for models that write text.  [default: the model's own]",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="With attention: cross (answer to text), source (text to itself), target "
            "(answer to itself) or pooling (text vector to tokens).  [default: all]",
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="With attention: layer; 0 is the first, -1 the last.  [default: all]",
        ),
    ] = None,
    head: Annotated[
        int | None,
        typer.Option(metavar="N", help="With attention: head, from 0.  [default: all]"),
    ] = None,
    word: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="With word: word of the text that attends to others."),
    ] = None,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Show how much each word of a text gives to the answer.

    Other views of the text are shown with --view.

    \b
    why        A score of the answer, such as the logit of the class minus that of the
               second one, is divided among the words: blue words raise it, brown words
               lower it. A model that writes text has a score per written word.
    attention  The weights of attention: of a transformer, an encoder-decoder, or a text
               model trained with --set model.pooling=attention. They sum to 1 per token.
    word       What every head of self-attention takes for one word of the text.
    surprisal  How much each token surprises a language model, given the tokens before:
               from 0 bits to 10 (a probability of 1 in 1,024).
    memory     Which words the state after each word draws on, by gradients: of encoders
               with states, and language models. On the page, point at a word.
    gates      What the gates of an lstm or a gru let through at each token.
    filters    Of a cnn: the n-gram that each filter answers by, and the share of each token.

    \b
    Examples:
      munjang explain my-model "정말 재미있다"
      munjang explain my-model "정말 재미있다" --out why.html
      munjang explain my-model "정말 재미있다" --method leave_one_out --class 0
      munjang explain my-model "정말 재미있다" --view attention --out attention.svg --layer 0
      munjang explain minilm "I love the tiger but it is scary" --view word --word it
      munjang explain my-lstm "정말 재미있다" --view memory --out memory.html
      munjang explain my-pair-model "a question" "another question"
      munjang explain my-model --json -- "-10점도 아깝다"
      munjang explain my-language-model "To be, or not to be" --out surprisal.html
    """
    from munjang.cli.views import check_file, find_view, require_view

    raise_on_signals()
    # mistakes are reported before the model is loaded
    if view is not None:
        require_view(view)
    if out is not None:
        check_file(view, Path(out))
    from munjang.folder.load import load

    model = load(folder)
    chosen = find_view(model, view)
    keywords = chosen.keywords(
        {
            "--method": method,
            "--class": label,
            "--baseline": baseline,
            "--target": target,
            "--kind": kind,
            "--layer": layer,
            "--head": head,
            "--word": word,
        }
    )
    result = chosen.compute(model, chosen.row(model, texts), **keywords)
    if getattr(result, "truncated", False):
        note("the text was cut: the model does not read its end")
    if out is not None:
        note(f"written: {chosen.writer().write(result, out)}")
    if as_json:
        show_json(result.to_json())
    elif out is None:
        chosen.show(result, wide=wide)

"""Options that several commands share, each described once."""

from typing import Annotated

import typer

TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of texts; title+body joins two. Guessed if not given."
    ),
]
LabelColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of labels. Guessed if not given.")
]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of text files, such as cp949.  [default: utf-8]")
]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Skip rows that cannot be used, and count them.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Pure JSON on standard output, for other programs.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One setting, such as training.epochs=3. Repeatable."
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings in YAML, as in a folder's config.yaml."
    ),
]
TokenizerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="words, characters, jamo, morphemes, bpe, unigram or wordpiece. Chosen by the script "
        "of the text if not given.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="mean (fastest), cnn, rnn, lstm, gru or transformer; image_cnn for images.  "
        "[default: cnn]",
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What to learn: classify (one label a text), regress (a number), multilabel (any "
        "number of labels) or images (one label an image).  [default: classify]",
    ),
]
Vectors = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="FILE",
        help="Pretrained word vectors to begin with: word2vec, fastText .vec or GloVe.",
    ),
]
FreezeVectors = Annotated[
    bool, typer.Option("--freeze-vectors", help="Words found in FILE keep their vectors.")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="The same seed repeats the run bit for bit.  [default: 0]"),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only the result: no notes, no progress.")
]

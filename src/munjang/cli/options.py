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
SourceColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of sources, of --task translate. Guessed if not."),
]
TargetColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of targets, of --task translate. Guessed if not."),
]
SourceFile = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="FILE", help="Sources, one a line, instead of DATA."),
]
TargetFile = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="FILE", help="Their targets, line by line."),
]
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Hypotheses kept at each step; 1 is greedy."),
]
DecodingSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting of decoding, such as decoding.length_penalty=1. Repeatable.",
    ),
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
        help="words, characters, jamo, morphemes, bpe, unigram, wordpiece or huggingface. Chosen "
        "by the script of the text if not given.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="mean (fastest), cnn, rnn, lstm, gru or transformer; image_cnn for images; seq2seq, "
        "attentive or transformer for pairs.  [default: cnn; for pairs transformer]",
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What to learn: classify (one label a text), regress (a number), multilabel (any "
        "number of labels), images (one label an image) or translate (a text for a text).  "
        "[default: classify]",
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
Wide = Annotated[
    bool, typer.Option("--wide", help="Show all columns, also where the terminal is narrower.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only the result: no notes, no progress.")
]

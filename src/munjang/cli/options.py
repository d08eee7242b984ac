"""Options that several commands share, each described once.

Names in braces stand for lists that `munjang.cli.lists` fills in.
"""

from typing import Annotated

import typer

from munjang.cli import completion

Data = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATA",
        help="Files of labeled texts or of pairs of texts; a folder of images; - for standard "
        "input.",
    ),
]
ModelFolder = Annotated[
    str, typer.Argument(metavar="FOLDER", help="Model folder, as munjang train saves it.")
]
TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of texts; title+body joins two. Inferred if omitted."
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of labels or numbers. Inferred if omitted."),
]
FirstColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of first texts, for --input two_texts. Inferred if omitted."
    ),
]
SecondColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of second texts, for --input two_texts. Inferred if omitted."
    ),
]
SourceColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of source texts, for --task translate. Inferred if omitted."
    ),
]
TargetColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of target texts, for --task translate. Inferred if omitted."
    ),
]
SourceFile = Annotated[
    list[str] | None,
    typer.Option(
        "--source", metavar="FILE", help="Source texts, one per line, instead of DATA. Repeatable."
    ),
]
TargetFile = Annotated[
    list[str] | None,
    typer.Option(
        "--target", metavar="FILE", help="Target texts, line by line as in --source. Repeatable."
    ),
]
ValidSource = Annotated[
    str | None,
    typer.Option(
        "--valid-source", metavar="FILE", help="Source texts of the validation data, one per line."
    ),
]
ValidTarget = Annotated[
    str | None,
    typer.Option("--valid-target", metavar="FILE", help="Target texts of the validation data."),
]
TestSource = Annotated[
    str | None,
    typer.Option(
        "--test-source", metavar="FILE", help="Source texts of the test data, one per line."
    ),
]
TestTarget = Annotated[
    str | None,
    typer.Option("--test-target", metavar="FILE", help="Target texts of the test data."),
]
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Beam size: hypotheses kept per step; 1 is greedy."),
]
DecodingSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Decoding setting, such as decoding.length_penalty=1. Repeatable.",
        autocompletion=completion.decoding_settings,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Encoding of text files, such as cp949.  [default: utf-8]"),
]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Skip unusable rows, and count them.")
]
Cache = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Keep encoded text (--input lines) in FOLDER for further trainings.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Setting, such as training.epochs=3; wins over --config. Repeatable.",
        autocompletion=completion.settings,
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings in YAML, as in config.yaml of a model folder."
    ),
]
TokenizerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Tokenizer: {tokenizers}. Inferred from the script of the texts if omitted.",
        autocompletion=completion.tokenizers,
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Architecture; {models}.", autocompletion=completion.models),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What to predict: {tasks}; {aliases}.  [default: classify]",
        autocompletion=completion.tasks,
    ),
]
InputName = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="NAME",
        help="Kind of data: {inputs}. Inferred from --task, --model and DATA if omitted.",
        autocompletion=completion.inputs,
    ),
]
Vectors = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="FILE",
        help="Pretrained word vectors to start from: word2vec, fastText .vec or GloVe.",
    ),
]
FreezeVectors = Annotated[
    bool, typer.Option("--freeze-vectors", help="Do not train the vectors of --vectors.")
]
FromFolder = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FOLDER",
        help="Model folder to begin from: its encoder, tokenizer and vocabulary.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Random seed; the same seed repeats a run bit for bit.  [default: 0]"
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Time to train, such as 45m or 2h, instead of training.epochs: the learning rate "
        "falls to 0 by then.",
    ),
]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=1024,
        help="Processes that share each batch, on this machine or on those of --cluster.",
    ),
]
Wide = Annotated[
    bool, typer.Option("--wide", help="Show all columns, even if the terminal is too narrow.")
]
HeldOutData = Annotated[
    list[str],
    typer.Argument(metavar="DATA", help="Files of labeled rows that the model has not seen."),
]
NoNotes = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result: no notes.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only the result: no notes, no progress.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Train on a Ray cluster whose nodes share FOLDER: HOST:PORT of its head, or auto.",
    ),
]
Cores = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="CPU cores, and threads, of each training of several.  [default: 1]"
    ),
]

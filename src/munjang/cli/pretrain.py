"""`munjang pretrain`: an encoder from texts without labels."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Budget,
    Cache,
    Cluster,
    ConfigFile,
    Encoding,
    FromFolder,
    InputName,
    ModelName,
    Quiet,
    Seed,
    Settings,
    SkipBadRows,
    TextColumn,
    TokenizerName,
    WorkerCount,
)
from munjang.cli.train import train

# The task whose encoder other tasks begin from.
_TASK = "masked_lm"


def pretrain(
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Model folder to write.")],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA",
            help="Files and folders of texts, of any size, which need no labels; - for standard "
            "input.",
        ),
    ] = None,
    model: ModelName = None,
    budget: Budget = None,
    input_name: InputName = None,
    text_column: TextColumn = None,
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="Validation data, like DATA.  [default: 10% of DATA, held out]"
        ),
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Seed = None,
    tokenizer: TokenizerName = None,
    from_folder: FromFolder = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    cache: Cache = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the training that was stopped in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier training in FOLDER.")
    ] = False,
    workers: WorkerCount = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train an encoder to predict masked tokens of unlabeled text.

    It is munjang train --task masked_lm; the default model is bert. The folder is a start for other
    tasks, and predicts the tokens of each [MASK] in a text.

    \b
    Examples:
      munjang pretrain reviews.txt --budget 2h --out my-pretrained-model
      munjang pretrain reviews.csv --text-column document --model lstm --out my-pretrained-model
      munjang pretrain reviews.txt --set masked_lm.whole_words=true --out my-pretrained-model
      munjang pretrain reviews.txt --from all-MiniLM-L6-v2 --budget 1h --out my-pretrained-model
      munjang predict my-pretrained-model "이 영화 [MASK] 재미있다"
    """
    train(
        out,
        data,
        task=_TASK,
        model=model,
        budget=budget,
        input_name=input_name,
        text_column=text_column,
        valid=valid,
        config=config,
        settings=settings,
        seed=seed,
        tokenizer=tokenizer,
        from_folder=from_folder,
        encoding=encoding,
        skip_bad_rows=skip_bad_rows,
        cache=cache,
        resume=resume,
        overwrite=overwrite,
        workers=workers,
        cluster=cluster,
        as_json=as_json,
        quiet=quiet,
    )

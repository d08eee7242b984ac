"""`munjang serve`: models behind HTTP."""

from typing import Annotated, Any

import typer

from munjang.cli.output import note
from munjang.errors import ConfigError
from munjang.stopping import raise_on_signals


def serve(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER...",
            help="Model folders, or folders of munjang export onnx; NAME=FOLDER gives one another "
            "name than that of the folder. A request that names no model is answered by the first "
            "one that can. One of them may be a folder of runs, whose models are served and whose "
            "trainings are shown.",
        ),
    ],
    port: Annotated[int, typer.Option(metavar="N", help="Port; 0 takes a free one.")] = 8000,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address; 0.0.0.0 lets other machines connect as well."
        ),
    ] = "127.0.0.1",
    api_key_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File with the key that clients must send."),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Number of processes, each with all models.")
    ] = 1,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of a model.")] = 1,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Further name of this server. Repeatable."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Web page of another server that may ask, such as https://example.org. "
            "Repeatable.",
        ),
    ] = None,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Write the texts of requests to the log.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set a limit, such as limits.texts=1000. Repeatable.",
        ),
    ] = None,
) -> None:
    """Serve models over HTTP, with a page to try them.

    \b
    POST /predict   {"inputs": ["a text", "another"]}
    POST /explain   {"inputs": "a text"}
    GET  /          a page to try the models, and to watch trainings
    GET  /openapi.json describes every endpoint

    Only this machine can connect unless --host says otherwise. SIGTERM and Ctrl-C answer what was
    accepted before the server ends; SIGHUP loads models whose folders have changed again.

    \b
    Examples:
      munjang serve my-model
      munjang serve reviews=my-model my-translator --port 8080
      munjang export onnx my-model my-model-onnx && munjang serve my-model-onnx
      munjang serve runs
      munjang serve my-model --host 0.0.0.0 --api-key-file key.txt --allow-host models.example.org
      curl localhost:8000/predict -H 'Content-Type: application/json' -d '{"inputs": "재미있다"}'
    """
    from munjang.config import merge, parse_overrides

    try:
        from munjang.serving.run import serve as run
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"serve needs the package {error.name}; install it with: pip install 'munjang[serve]'"
        ) from None
    from munjang.serving.settings import ServerSettings

    given: dict[str, Any] = {
        "folders": folders,
        "host": host,
        "port": port,
        "allowed_hosts": [name.lower() for name in allow_host or ()],
        "allowed_origins": allow_origin or [],
        "key_file": api_key_file,
        "workers": workers,
        "threads": threads,
        "log_texts": log_texts,
    }
    raise_on_signals()
    run(ServerSettings.parse(merge(given, parse_overrides(settings or ())), where="serve"), note)

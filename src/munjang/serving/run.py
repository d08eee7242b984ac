"""Start of a server: one process, or several that share a port."""

import json
import logging
import os
import socket
import sys
from collections.abc import Callable

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from munjang.errors import ConfigError, MunjangError
from munjang.processes import allow_open_files, check_process_count
from munjang.reporting import Report
from munjang.serving.app import App
from munjang.serving.guards import Guards
from munjang.serving.keys import read_key
from munjang.serving.models import open_models
from munjang.serving.protocol import LimitedProtocol
from munjang.serving.service import Service
from munjang.serving.settings import ServerSettings

# Settings of the processes that share a port.
SETTINGS_VARIABLE = "MUNJANG_SERVE_SETTINGS"
# Seconds for which a thread of Python may keep the others waiting. The default of 5 ms would
# delay each response while a model runs.
_SWITCH_INTERVAL = 0.0005
# Open files beside those of connections.
_OTHER_FILES = 256


def serve(settings: ServerSettings, report: Report) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: what is served, where, and to whom.
        report: called with lines for people.

    Raises:
        ConfigError: the address cannot be used, or a model cannot be served.
        FolderError: a folder that cannot be loaded.
    """
    check_process_count("workers", settings.workers)
    _log_to_stderr()
    listener = bind(settings.host, settings.port)
    place = _place(settings, listener.getsockname()[1])
    if not Guards(settings.host).is_loopback:
        key = "with" if settings.key_file else "WITHOUT"
        report(f"WARNING: other machines can reach this server on {settings.host}, {key} a key")
    if settings.workers > 1:
        report(f"starting {settings.workers} processes on {place} (Ctrl-C stops)")
        os.environ[SETTINGS_VARIABLE] = settings.model_dump_json()
        config = _config(f"{__name__}:make_worker_app", settings)
        Multiprocess(config, sockets=[listener]).run()
        return
    names = ", ".join(map(str, settings.folders))
    app = make_app(settings, on_ready=lambda: report(f"serving {names} on {place} (Ctrl-C stops)"))
    uvicorn.Server(_config(app, settings)).run(sockets=[listener])


def make_app(settings: ServerSettings, on_ready: Callable[[], object] | None = None) -> App:
    """Return the application; models are loaded.

    Args:
        settings: what is served, and to whom.
        on_ready: called when requests are answered.

    Raises:
        ConfigError: a model cannot be served, or the key cannot be read.
        FolderError: a folder that cannot be loaded.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    allow_open_files(settings.limits.connections + _OTHER_FILES)
    key = None if settings.key_file is None else read_key(settings.key_file)
    guards = Guards(settings.host, settings.allowed_hosts, settings.allowed_origins, key)
    store = open_models(settings.folders, settings.threads, settings.limits.models)
    service = Service(store, settings.limits, log_texts=settings.log_texts)
    return App(service, guards, on_ready=on_ready)


def make_worker_app() -> App:
    """Return the application of one of several processes; an error ends the process."""
    _log_to_stderr()
    try:
        return make_app(ServerSettings.parse(json.loads(os.environ[SETTINGS_VARIABLE])))
    except MunjangError as error:
        sys.stderr.write(f"munjang: {error}\n")
        sys.exit(STARTUP_FAILURE)


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("munjang.serving").setLevel(logging.INFO)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {reason}; choose another --port or --host"
        ) from None
    listener.set_inheritable(True)
    return listener


def _config(app: App | str, settings: ServerSettings) -> uvicorn.Config:
    limits = settings.limits
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.keep_alive_seconds,
        timeout_graceful_shutdown=limits.drain_seconds,
    )


def _place(settings: ServerSettings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}/"

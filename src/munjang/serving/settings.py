"""Settings of `munjang serve`."""

from pydantic import Field

from munjang.config import Settings
from munjang.serving.limits import Limits


class ServerSettings(Settings):
    """Settings of a server: models, address, access and limits.

    Attributes:
        folders: model folders, or NAME=FOLDER; one may be a folder of runs.
        host: address to bind to.
        port: port to bind to.
        allowed_hosts: further names of this server.
        allowed_origins: web pages of other servers that may ask.
        key_file: file of the key that clients send; None: no key.
        workers: number of processes.
        threads: threads of one model.
        log_texts: write the texts of requests to the log.
        limits: sizes, numbers and seconds.
    """

    folders: tuple[str, ...] = Field(min_length=1)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    key_file: str | None = None
    workers: int = Field(1, ge=1, le=256)
    threads: int = Field(1, ge=1, le=1024)
    log_texts: bool = False
    limits: Limits = Limits()

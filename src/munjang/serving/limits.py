"""Limits of a server: sizes, numbers and seconds."""

from pydantic import Field

from munjang.config import Settings


class Limits(Settings):
    """Limits of a server. What exceeds them is refused with a message that names the limit."""

    body_bytes: int = Field(
        2**20, ge=1024, le=2**30, description="largest body of a request, in bytes"
    )
    header_bytes: int = Field(
        16384, ge=1024, le=2**20, description="largest head of a request, in bytes"
    )
    models: int = Field(
        32, ge=0, le=2**16, description="most models that are served from a folder of runs"
    )
    texts: int = Field(256, ge=1, le=2**16, description="most texts per request")
    characters: int = Field(100_000, ge=1, le=2**28, description="longest text, in characters")
    new_tokens: int = Field(2048, ge=1, le=2**20, description="most tokens generated per text")
    batch_tokens: int = Field(
        4096,
        ge=1,
        le=2**24,
        description="largest batch: texts x tokens of the longest one, unless one text has more",
    )
    batch_texts: int = Field(64, ge=1, le=2**16, description="most texts per batch")
    streams: int = Field(32, ge=1, le=4096, description="texts generated at the same time")
    queue_tokens: int = Field(
        2**18, ge=1, le=2**40, description="most tokens that wait; further requests get status 503"
    )
    deadline_seconds: float = Field(
        10.0, gt=0, le=3600, description="a request that would wait longer is answered with 503"
    )
    receive_seconds: float = Field(
        10.0, gt=0, le=3600, description="longest time for a client to send one request"
    )
    keep_alive_seconds: int = Field(
        5, ge=1, le=3600, description="time after which an idle connection is closed"
    )
    drain_seconds: int = Field(
        30, ge=1, le=3600, description="time to finish accepted requests when the server stops"
    )
    connections: int = Field(
        1024,
        ge=1,
        le=2**20,
        description="most open connections; requests on three quarters of them may wait",
    )

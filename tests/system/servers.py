"""A server as a person starts it: a process of its own, which says its address."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

import munjang
from tests.synthetic import make_corpus
from tests.system.commands import MUNJANG, TIMEOUT, environment

QUICK = ["model.dim=16", "training.threads=1", "training.learning_rate=0.02"]
SENTENCES = ["the red house", "a small dog", "the dog runs", "a red dog", "the small house"]
TARGETS = ["빨간 집", "작은 개", "개가 달린다", "빨간 개", "작은 집"]
LINES = ["가나다 라마바사", "아자차카 타파하", "", "가나다 타파하"]


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: its address.
        process: its process.
    """

    url: str
    process: subprocess.Popen[Any]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].strip("/"))

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(TIMEOUT)

    def memory(self) -> float:
        """Return the resident memory in MB."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * 4096 / 1e6


@contextmanager
def serving(
    *folders: object, options: Sequence[object] = (), variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server on a free port, and stop it after the block."""
    arguments = [*MUNJANG, "serve", *map(str, folders), "--port", "0", *map(str, options)]
    process = subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, env={**environment(), **(variables or {})}
    )
    try:
        yield Server(_read_address(process), process)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


@contextmanager
def serving_processes(port: int, *arguments: object) -> Iterator[Server]:
    """Start a server of several processes, and stop all of them after the block."""
    command = [*MUNJANG, "serve", *map(str, arguments), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment())
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def _wait_until_ready(server: Server) -> None:
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        try:
            if httpx2.get(f"{server.url}/readyz", timeout=TIMEOUT).status_code == 200:
                return
        except httpx2.HTTPError:
            assert server.process.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def _read_address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    until = time.monotonic() + TIMEOUT
    said = ""
    while time.monotonic() < until:
        line = process.stderr.readline()
        said += line
        if found := re.search(r"serving .* on (http://\S+)", line):
            return found[1].rstrip("/")
        if not line:
            break
    raise AssertionError(f"the server did not start: {said}")


def train_classifier(out: Path, seed: int = 0, **more: Any) -> Path:
    """Train a classifier of three classes and return its folder."""
    settings = [*QUICK, "model.ngram_buckets=4096", "training.epochs=3"]
    munjang.train(make_corpus(150), model="mean", overrides=settings, out=out, seed=seed, **more)
    return out


def train_language_model(out: Path) -> Path:
    """Train a language model of Korean syllables and return its folder."""
    settings = [*QUICK, "model.ngram_buckets=512", "model.hidden_dim=32", "training.epochs=10"]
    settings += ["training.batch_size=8", "data.window=16", "language.ngram_order=0"]
    text = out.with_name("lines.txt")
    text.write_text("\n".join(LINES * 60) + "\n", "utf-8")
    munjang.train(text, task="language", model="gru", overrides=settings, out=out)
    return out


def train_translator(out: Path) -> Path:
    """Train a translator that has learned a little and return its folder."""
    pairs = ([f"{s} {n}" for n, s in enumerate(SENTENCES * 8)], TARGETS * 8)
    settings = [*QUICK, "training.max_steps=40", "training.batch_tokens=200", "model.layers=1"]
    munjang.train(pairs, task="translate", model="transformer", overrides=settings, out=out)
    return out


def train_pairs(out: Path) -> Path:
    """Train a classifier of two texts per row and return its folder."""
    texts, labels = make_corpus(120)
    rows = ([(text, text[::-1]) for text in texts], labels)
    settings = [*QUICK, "model.ngram_buckets=4096", "training.epochs=1"]
    munjang.train(rows, input="two_texts", model="mean", overrides=settings, out=out)
    return out

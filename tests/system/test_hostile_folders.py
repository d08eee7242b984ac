"""Folders of any content: each loads or is one `FolderError`, soon and in little memory.

One process loads them all, under a limit of its memory that counts from when it had loaded a whole
folder of each kind; what ends it, holds it up or takes more is seen.
"""

import json
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.commands import environment, run
from tests.system.hostile import (
    CONFIG,
    FILE_DAMAGES,
    KINDS,
    WEIGHTS,
    Case,
    damaged_copy,
    list_cases,
    rewrite,
    to_safetensors,
    write,
)

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is counted on Linux"),
]

SAMPLE_SIZE = 12  # of each kind, in the quick suite


@pytest.fixture(scope="module")
def intact_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A whole folder of every kind."""
    room = tmp_path_factory.mktemp("wholes")
    return {kind: make(room / kind.replace(" ", "-")) for kind, make in KINDS.items()}


class Loader:
    """The process that loads. After it has died it is started anew."""

    def __init__(self, wholes: Iterable[Path]) -> None:
        self.command = [sys.executable, "-m", "tests.system.load_worker", *map(str, wholes)]
        self.process: subprocess.Popen[str] | None = None

    def load(self, folder: Path) -> dict[str, Any]:
        """Result of loading a folder, and its message."""
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, text=True, env=environment()
            )
            assert self._line() == "ready\n"
        assert self.process.stdin is not None
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        line = self._line()
        if not line:
            code, self.process = self.process.wait(), None
            return {"ended": f"the process, with {code}", "said": ""}
        return dict(json.loads(line))

    def _line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture(scope="module")
def loader(intact_folders: dict[str, Path]) -> Iterator[Loader]:
    """A process that has loaded a whole folder of every kind."""
    result = Loader(intact_folders.values())
    yield result
    result.stop()


def find_faults(loader: Loader, whole: Path, some: Iterable[Case], room: Path) -> list[str]:
    """Return the faults of folders that neither loaded nor were refused in one line."""
    result = []
    for what, damage in some:
        with damaged_copy(whole, damage, room) as folder:
            report = loader.load(folder)
        line = report["said"]
        in_a_line = len(line) < 700 and line.isprintable() and "enough memory" not in line
        if report["ended"] not in ("loaded", "refused") or not in_a_line:
            result.append(f"{what}: {report['ended']}: {line[:300]}")
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_sampled_hostile_folders_are_refused(
    kind: str, intact_folders: dict[str, Path], loader: Loader, tmp_path: Path
) -> None:
    every = list_cases(intact_folders[kind], list(intact_folders.values()))
    some = random.Random(kind).sample(every, SAMPLE_SIZE)
    assert not find_faults(loader, intact_folders[kind], some, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_all_hostile_folders_are_refused(
    kind: str, intact_folders: dict[str, Path], loader: Loader, tmp_path: Path
) -> None:
    every = list_cases(intact_folders[kind], list(intact_folders.values()))
    assert len(every) > 100
    assert not find_faults(loader, intact_folders[kind], every, tmp_path)


def set_key(section: str, key: str, value: Any) -> Callable[[Path], None]:
    """Spoil a setting of `config.yaml`."""
    return rewrite(CONFIG, lambda config: {**config, section: {**config[section], key: value}})


def set_json_key(key: str, value: Any) -> Callable[[Path], None]:
    """Say something in the JSON of a tokenizer of subwords that Munjang never writes."""
    return rewrite(
        "tokenizer.json", lambda state: {**state, "model": {**state["model"], key: value}}
    )


def write_non_finite(value: float) -> Callable[[Path], None]:
    """Put a number that is none into the first tensor that has a point."""

    def damage(folder: Path) -> None:
        data = bytearray((folder / WEIGHTS).read_bytes())
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        first = min(
            entry["data_offsets"][0] for entry in header.values() if entry["dtype"] == "F32"
        )
        struct.pack_into("<f", data, 8 + length + first, value)
        write(WEIGHTS, bytes(data))(folder)

    return damage


def change_rows(row: int) -> Callable[[Path], None]:
    """Let the first n-gram of the first table of n-grams be that row of the weights."""

    def damage(folder: Path) -> None:
        data = bytearray((folder / WEIGHTS).read_bytes())
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        first = next(entry for entry in header.values() if entry["dtype"] == "I32")
        struct.pack_into("<i", data, 8 + length + first["data_offsets"][0], row)
        write(WEIGHTS, bytes(data))(folder)

    return damage


def widen_model(folder: Path) -> None:
    """Settings and header that agree on 10 GB, of which the file has nothing."""
    set_key("model", "dim", 100_000_000)(folder)
    data = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for entry in header.values():
        entry["shape"] = [100_000_000 if side == 8 else side for side in entry["shape"]]
    write(WEIGHTS, to_safetensors(header, data[8 + length :]))(folder)


def change_labels(*names: str) -> Callable[[Path], None]:
    """Other labels."""
    return rewrite(CONFIG, lambda config: {**config, "labels": list(names)})


NO_SCORES = rewrite("metrics.json", lambda metrics: {**metrics, "validation": {}})
PADDING = {
    "strategy": {"Fixed": 2**40}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
    "pad_type_id": 0, "pad_token": "<pad>",
}  # fmt: skip
ADDED = {
    "id": 5, "content": "film", "single_word": False, "lstrip": False, "rstrip": False,
    "normalized": False, "special": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "damage", "messages"),
    [
        ("cnn", set_key("model", "dim", 100_000_000), "the settings want F32|less than or equal"),
        ("cnn", set_key("model", "dim", 10**18), "these weights do not fit|less than"),
        ("bpe", widen_model, "in their header is invalid|less than or equal"),
        ("jamo", set_key("model", "layers", 10**9), "more layers than the|less than or equal"),
        ("pairs", set_key("model", "layers", 10**9), "more layers than the|less than or equal"),
        ("cnn", set_key("model", "kernel_sizes", [3] * 100_000), "more layers than the|at most 64"),
        ("images", set_key("model", "filters", [8] * 100_000), "weights do not fit|at most 64"),
        ("cnn", lambda f: FILE_DAMAGES["merge keys"](f / CONFIG), "line 1: anchors and aliases"),
        ("cnn", lambda f: FILE_DAMAGES["deep lists"](f / CONFIG), "more than 50,000 lists"),
        ("cnn", write(CONFIG, b"[" * 40), "line 1: nested more than 32 deep"),
        ("cnn", write(CONFIG, b"a: 1\na: 2"), "line 2: the key 'a' occurs twice"),
        ("cnn", lambda f: FILE_DAMAGES["a pipe"](f / CONFIG), "expected a regular file"),
        ("cnn", lambda f: FILE_DAMAGES["a device"](f / "README.md"), "expected a regular file"),
        ("baseline", lambda f: FILE_DAMAGES["a pipe"](f / "manifest.json"), "a regular file"),
        ("bpe", write_non_finite(float("nan")), "holds NaN or infinity"),
        ("pairs", write_non_finite(float("inf")), "holds NaN or infinity"),
        ("baseline", write_non_finite(float("nan")), "holds NaN or infinity"),
        ("cnn", change_rows(2**30), "has indices beyond its rows"),
        ("bpe", change_rows(-5), "has indices beyond its rows"),
        ("cnn", NO_SCORES, "lacks metrics of this kind"),
        ("pairs", NO_SCORES, "lacks metrics of this kind"),
        ("images", NO_SCORES, "lacks metrics of this kind"),
        ("cnn", change_labels("good", "bad", "good"), "'good' occurs twice"),
        ("cnn", change_labels("good", "bad"), "these weights do not fit"),
        ("bpe", set_json_key("normalizer", {"type": "Lowercase"}), "'normalizer' is not what"),
        ("bpe", set_json_key("padding", PADDING), "'padding' is not what"),
        ("unigram", set_json_key("added_tokens", [ADDED]), "'added_tokens' is not what"),
        ("bpe", set_json_key("pre_tokenizer", {"type": "Whitespace"}), "'pre_tokenizer' is"),
        ("wordpiece", set_json_key("decoder", {"type": "WordPiece"}), "'decoder' is not what"),
        ("unigram", set_json_key("model", {"type": "Unigram"}), "is not what munjang writes"),
    ],
)  # fmt: skip
def test_damage_is_named(
    kind: str,
    damage: Callable[[Path], None],
    messages: str,
    intact_folders: dict[str, Path],
    loader: Loader,
    tmp_path: Path,
) -> None:
    with damaged_copy(intact_folders[kind], damage, tmp_path) as folder:
        report = loader.load(folder)
    assert report["ended"] == "refused", report
    assert any(words in report["said"] for words in messages.split("|")), report["said"]


def test_command_line_error_is_one_line(intact_folders: dict[str, Path], tmp_path: Path) -> None:
    name = "tokenizer.json"
    with damaged_copy(
        intact_folders["bpe"], lambda f: FILE_DAMAGES["deep lists"](f / name), tmp_path
    ) as folder:
        result = run("predict", str(folder), "a text")
    assert result.code == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 1
    assert str(folder / name) in result.err

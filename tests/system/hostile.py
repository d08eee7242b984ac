"""Folders that anybody may have made: whole ones of every kind, spoiled in many ways, sealed."""

import copy
import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

import munjang
from munjang.baselines import fit_baseline, fit_pair_baseline
from munjang.baselines.running_text import fit_running_text_baseline
from munjang.data.samples.images import load_digits
from tests.synthetic import QUICK, make_corpus

MANIFEST, WEIGHTS, CONFIG = "manifest.json", "model.safetensors", "config.yaml"
ONE_STEP = (*(one for one in QUICK if "epochs" not in one), "training.max_steps=2")
SOURCES = [f"the {word} house {number}" for number in range(10) for word in ("red", "old", "new")]
TARGETS = [f"{word} 집 {number}" for number in range(10) for word in ("빨간", "낡은", "새")]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_REMOVED = object()

# What no setting, token or shape of a model is; the deep and the long ones come as text.
EXTREME: tuple[Any, ...] = (
    None, True, -1, 0, 3, 10**9, 10**25, 1e300, "", "x", "\x1b[31m\n", [], {}, [[]], {"a": {}},
)  # fmt: skip


def _make_text_model(**options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        extra = options.get("overrides", ())
        model = munjang.train(
            make_corpus(60), model=options["model"], overrides=[*ONE_STEP, *extra]
        ).model
        return Path(model.save(folder))

    return make


def _make_pair_model(folder: Path) -> Path:
    overrides = ["model.dim=8", "model.layers=1", "training.max_steps=2", "training.threads=1"]
    pairs = munjang.train(
        (SOURCES, TARGETS), task="translate", model="transformer", overrides=overrides
    )
    return Path(pairs.model.save(folder))


def _make_image_model(folder: Path) -> Path:
    pixels, labels = load_digits()
    quick = [
        "training.max_steps=2",
        "model.filters=[4]",
        "model.pool_size=[2]",
        "training.threads=1",
    ]
    some = (list(pixels[:100]), labels[:100])
    return Path(munjang.train(some, task="images", overrides=quick).model.save(folder))


def _make_baseline(folder: Path) -> Path:
    texts, names = make_corpus(60)
    labels = sorted(set(names))
    targets = np.array([labels.index(name) for name in names])
    return fit_baseline("tfidf-words", texts, targets, labels).save(folder)


def _make_pair_baseline(folder: Path) -> Path:
    counted = {"bleu_tokenizer": "13a", "lowercase": False}
    return fit_pair_baseline("nearest", SOURCES, TARGETS, counted).save(folder)


def _make_running_text_baseline(folder: Path) -> Path:
    lines = pl.Series(SOURCES * 5)
    return fit_running_text_baseline("kneser-ney", lines, lines).save(folder)


# Every kind of folder, and how one of it is made.
KINDS: dict[str, Callable[[Path], Path]] = {
    "cnn": _make_text_model(
        model="cnn", overrides=["model.ensemble_size=2", "model.linear_weight=0.2"]
    ),
    "bpe": _make_text_model(
        model="mean", overrides=["tokenizer.name=bpe", "tokenizer.max_size=60"]
    ),
    "unigram": _make_text_model(
        model="mean", overrides=["tokenizer.name=unigram", "tokenizer.max_size=60"]
    ),
    "wordpiece": _make_text_model(
        model="mean", overrides=["tokenizer.name=wordpiece", "tokenizer.max_size=60"]
    ),
    "jamo": _make_text_model(model="lstm", overrides=["tokenizer.name=jamo"]),
    "pairs": _make_pair_model,
    "images": _make_image_model,
    "baseline": _make_baseline,
    "pair baseline": _make_pair_baseline,
    "running text baseline": _make_running_text_baseline,
}


def seal(folder: Path) -> None:
    """Write a manifest that agrees with whatever lies in the folder now."""
    sealed = json.loads((folder / MANIFEST).read_text())
    for name in sealed["files"]:
        path = folder / name
        if path.is_file():
            data = path.read_bytes()
            sealed["files"][name] = {
                "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()
            }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(sealed))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    if path.name != MANIFEST:
        seal(path.parent)


def _replace(path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)


def _sparse(path: Path, size: int) -> None:
    """A file that claims to be large, as the manifest does; its sum is not computed."""
    os.truncate(path, size)
    if path.name != MANIFEST:
        manifest = path.parent / MANIFEST
        sealed = json.loads(manifest.read_text())
        sealed["files"][path.name]["bytes"] = size
        manifest.write_text(json.dumps(sealed))


# What can happen to any file of a folder.
FILE_DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: _write(path, b""),
    "cut": lambda path: _write(path, path.read_bytes()[: path.stat().st_size // 2]),
    "noise": lambda path: _write(path, np.random.default_rng(0).bytes(3_000)),
    "zeros": lambda path: _write(path, bytes(4_000_000)),
    "not text": lambda path: _write(path, b"\xff\xfe{}"),
    "a pipe": lambda path: _replace(path, os.mkfifo),
    "a folder": lambda path: _replace(path, Path.mkdir),
    "a loop": lambda path: _replace(path, lambda p: p.symlink_to(p.name)),
    "a device": lambda path: _replace(path, lambda p: p.symlink_to("/dev/zero")),
    "huge": lambda path: _sparse(path, 2**33),
    "deep lists": lambda path: _write(path, b"[" * 100_000),
    "deep mappings": lambda path: _write(path, b'{"a":' * 100_000),
    "many lists": lambda path: _write(path, b"[" + b"[],\n" * 1_000_000 + b"1]"),
    "many words": lambda path: _write(path, b"[\n" + '"😀x",\n'.encode() * 2_500_000),
    "a number of 100,000 digits": lambda path: _write(path, b"[" + b"9" * 100_000 + b"]"),
    "aliases": lambda path: _write(path, _billion_laughs(b"a%d: &a%d [%s]\n", b"*a%d")),
    "merge keys": lambda path: _write(path, _billion_laughs(b"a%d: &a%d {<<: [%s]}\n", b"*a%d")),
}  # fmt: skip


def _billion_laughs(line: bytes, alias: bytes) -> bytes:
    """Lines of which each holds ten times the one before."""
    lines = [line % (0, 0, b"1")] + [
        line % (n, n, b", ".join([alias % (n - 1)] * 10)) for n in range(1, 26)
    ]
    return b"".join(lines)


Case = tuple[str, Callable[[Path], None]]


def list_cases(whole: Path, others: Sequence[Path] = ()) -> list[Case]:
    """All that is done to copies of a whole folder: what it is, and what does it to a copy."""
    return [
        *_file_cases(whole),
        *_value_cases(whole),
        *_weight_cases(whole),
        *_foreign_cases(whole, others),
    ]


@contextmanager
def damaged_copy(whole: Path, damage: Callable[[Path], None], room: Path) -> Iterator[Path]:
    """A copy of the folder that was spoiled."""
    folder = Path(shutil.copytree(whole, room / "spoiled"))
    damage(folder)
    yield folder
    shutil.rmtree(folder)


def rewrite(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Spoil a folder by changing the values in one of its files, and seal it."""

    def damage(folder: Path) -> None:
        path = folder / name
        _write(path, _dump(path, change(_load(path))).encode())

    return damage


def write(name: str, data: bytes) -> Callable[[Path], None]:
    """Spoil a folder by the content of one of its files, and seal it."""
    return lambda folder: _write(folder / name, data)


def _file_cases(whole: Path) -> Iterator[Case]:
    for name in sorted(path.name for path in whole.iterdir()):
        for what, damage in FILE_DAMAGES.items():
            yield f"{name}: {what}", lambda folder, n=name, s=damage: s(folder / n)  # type: ignore[misc]


def _value_cases(whole: Path) -> Iterator[Case]:
    """One value in one file is absurd."""
    for path in sorted(whole.iterdir()):
        if path.suffix not in (".json", ".yaml") or path.name in (MANIFEST, "metrics.json"):
            continue
        for change, what in _extreme_values(_load(path)):
            yield f"{path.name}: {what}", rewrite(path.name, change)


def _weight_cases(whole: Path) -> Iterator[Case]:
    """Another header, or numbers that are none."""
    data = (whole / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    nothing = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    first = next(iter(header))
    yield f"{WEIGHTS}: a long header", write(WEIGHTS, struct.pack("<Q", 2**62) + data[8:])
    yield f"{WEIGHTS}: no header", write(WEIGHTS, struct.pack("<Q", 0) + data[8:])
    yield f"{WEIGHTS}: more behind", write(WEIGHTS, data + b"\0" * 4)
    whole_ones: list[tuple[Any, str]] = [
        (b'{"a":1,"a":1}', "a tensor twice"),
        ({**header, "one.more": nothing}, "one more"),
        ({"__metadata__": {"a": "b"}, **header}, "metadata"),
        ({first: header[first]}, "one alone"),
        ({f"t{n}": nothing for n in range(60_000)}, "many"),
    ]
    for changed, what in whole_ones:
        yield f"{WEIGHTS}: {what}", _with_header(lambda changed=changed: changed, body)
    for change, what in _extreme_values(header):
        yield f"{WEIGHTS}: {what}", _with_header(lambda c=change: c(copy.deepcopy(header)), body)


def _with_header(header: Callable[[], Any], body: bytes) -> Callable[[Path], None]:
    return lambda folder: _write(folder / WEIGHTS, to_safetensors(header(), body))


def to_safetensors(header: Any, body: bytes) -> bytes:
    """A file of weights with that header, as it stands or as JSON."""
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + body


def _foreign_cases(whole: Path, others: Sequence[Path]) -> Iterator[Case]:
    """One file is that of another model."""
    for other in others:
        for path in sorted(whole.iterdir()):
            if (other / path.name).is_file() and other != whole:
                yield (
                    f"{path.name} of {other.name}",
                    write(path.name, (other / path.name).read_bytes()),
                )


def _load(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return yaml.load(text, Loader=_LOADER) if path.suffix == ".yaml" else json.loads(text)


def _dump(path: Path, values: Any) -> str:
    if path.suffix == ".yaml":
        return str(yaml.dump(values, Dumper=_DUMPER, allow_unicode=True, sort_keys=False))
    return json.dumps(values)


def _extreme_values(values: Any) -> Iterator[tuple[Callable[[Any], Any], str]]:
    """Changes of plain values, such that one of them, at any place, is absurd or left out."""
    for absurd in EXTREME:
        yield lambda _, absurd=absurd: absurd, f"all = {absurd!r}"
    for keys in _paths(values):
        path = ".".join(map(str, keys))
        for absurd in EXTREME:
            yield partial(_replaced, keys, absurd), f"{path} = {absurd!r}"
        yield partial(_replaced, keys, _REMOVED), f"without {path}"


def _replaced(keys: tuple[Any, ...], value: Any, values: Any) -> Any:
    """Plain values, changed in place: `value` stands at the end of the way, or nothing does."""
    inside = values
    for key in keys[:-1]:
        inside = inside[key]
    if value is _REMOVED:
        del inside[keys[-1]]
    else:
        inside[keys[-1]] = value
    return values


def _paths(values: Any, few: int = 3) -> Iterator[tuple[Any, ...]]:
    """The way to every value; of a long list or mapping to its first, middle and last one."""
    keys = list(values) if isinstance(values, dict) else list(range(len(values)))
    if len(keys) > 20:
        keys = [keys[0], keys[len(keys) // 2], keys[-1]][:few]
    for key in keys:
        yield (key,)
        if isinstance(values[key], dict | list) and values[key]:
            yield from ((key, *rest) for rest in _paths(values[key]))

"""Folders that anybody may have made: whole ones of every kind, spoiled in many ways, sealed anew."""

import copy
import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import munjang
from munjang.baselines import fit_baseline
from munjang.data.samples.pictures import load_digits
from munjang.pair_baselines import fit_pair_baseline
from tests.made import QUICK, made_corpus

MANIFEST, WEIGHTS, CONFIG = "manifest.json", "model.safetensors", "config.yaml"
ONE_STEP = (*(one for one in QUICK if "epochs" not in one), "training.max_steps=2")
SOURCES = [f"the {word} house {number}" for number in range(10) for word in ("red", "old", "new")]
TARGETS = [f"{word} 집 {number}" for number in range(10) for word in ("빨간", "낡은", "새")]

# What no setting, token or shape of a model is; the deep and the long ones come as text.
ABSURD: tuple[Any, ...] = (
    None, True, -1, 0, 3, 10**9, 10**25, 1e300, "", "x", "\x1b[31m\n", [], {}, [[]], {"a": {}},
)  # fmt: skip


def _texts(**asked: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        extra = asked.get("overrides", ())
        model = munjang.train(
            made_corpus(60), model=asked["model"], overrides=[*ONE_STEP, *extra]
        ).model
        return Path(model.save(folder))

    return make


def _pairs(folder: Path) -> Path:
    overrides = ["model.dim=8", "model.layers=1", "training.max_steps=2", "training.threads=1"]
    pairs = munjang.train(
        (SOURCES, TARGETS), task="translate", model="transformer", overrides=overrides
    )
    return Path(pairs.model.save(folder))


def _images(folder: Path) -> Path:
    pixels, labels = load_digits()
    quick = ["training.max_steps=2", "model.filters=[4]", "model.pool=[2]", "training.threads=1"]
    some = (list(pixels[:100]), labels[:100])
    return Path(munjang.train(some, task="images", overrides=quick).model.save(folder))


def _baseline(folder: Path) -> Path:
    texts, names = made_corpus(60)
    labels = sorted(set(names))
    targets = np.array([labels.index(name) for name in names])
    return fit_baseline("tfidf-words", texts, targets, labels).save(folder)


def _pair_baseline(folder: Path) -> Path:
    counted = {"bleu_tokenizer": "13a", "lowercase": False}
    return fit_pair_baseline("nearest", SOURCES, TARGETS, counted).save(folder)


# Every kind of folder, and how one of it is made.
KINDS: dict[str, Callable[[Path], Path]] = {
    "cnn": _texts(model="cnn", overrides=["model.members=2", "model.linear_share=0.2"]),
    "bpe": _texts(model="mean", overrides=["tokenizer.name=bpe", "tokenizer.max_size=60"]),
    "unigram": _texts(model="mean", overrides=["tokenizer.name=unigram", "tokenizer.max_size=60"]),
    "wordpiece": _texts(
        model="mean", overrides=["tokenizer.name=wordpiece", "tokenizer.max_size=60"]
    ),
    "jamo": _texts(model="lstm", overrides=["tokenizer.name=jamo"]),
    "pairs": _pairs,
    "images": _images,
    "baseline": _baseline,
    "pair baseline": _pair_baseline,
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
ON_ANY_FILE: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: _write(path, b""),
    "cut": lambda path: _write(path, path.read_bytes()[: path.stat().st_size // 2]),
    "noise": lambda path: _write(path, np.random.default_rng(0).bytes(3_000)),
    "zeros": lambda path: _write(path, bytes(40_000_000)),
    "not text": lambda path: _write(path, b"\xff\xfe{}"),
    "a pipe": lambda path: _replace(path, os.mkfifo),
    "a folder": lambda path: _replace(path, Path.mkdir),
    "a loop": lambda path: _replace(path, lambda p: p.symlink_to(p.name)),
    "a device": lambda path: _replace(path, lambda p: p.symlink_to("/dev/zero")),
    "huge": lambda path: _sparse(path, 2**33),
    "deep lists": lambda path: _write(path, b"[" * 100_000),
    "deep mappings": lambda path: _write(path, b'{"a":' * 100_000),
    "many lists": lambda path: _write(path, b"[" + b"[],\n" * 3_000_000 + b"1]"),
    "many words": lambda path: _write(path, b"[\n" + '"😀x",\n'.encode() * 5_000_000),
    "a number of 100,000 digits": lambda path: _write(path, b"[" + b"9" * 100_000 + b"]"),
    "aliases": lambda path: _write(path, _laughs(b"a%d: &a%d [%s]\n", b"*a%d")),
    "merge keys": lambda path: _write(path, _laughs(b"a%d: &a%d {<<: [%s]}\n", b"*a%d")),
}  # fmt: skip


def _laughs(line: bytes, alias: bytes) -> bytes:
    """Lines of which each holds ten times the one before."""
    lines = [line % (0, 0, b"1")] + [
        line % (n, n, b", ".join([alias % (n - 1)] * 10)) for n in range(1, 26)
    ]
    return b"".join(lines)


def spoiled_files(whole: Path, room: Path) -> Iterator[tuple[str, Path]]:
    """Folders of which one file was spoiled, each with what was done to it."""
    for name in sorted(path.name for path in whole.iterdir()):
        for what, spoil in ON_ANY_FILE.items():
            folder = Path(shutil.copytree(whole, room / "spoiled"))
            spoil(folder / name)
            yield f"{name}: {what}", folder
            shutil.rmtree(folder)


def spoiled_values(whole: Path, room: Path) -> Iterator[tuple[str, Path]]:
    """Folders of which one value in one file is absurd, and its manifest is right."""
    for path in sorted(whole.iterdir()):
        if path.suffix not in (".json", ".yaml") or path.name in (MANIFEST, "metrics.json"):
            continue
        text = path.read_text(encoding="utf-8")
        values = yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)
        for place, absurd in _absurd(values):
            folder = Path(shutil.copytree(whole, room / "spoiled"))
            _write(folder / path.name, _written(path, place).encode())
            yield f"{path.name}: {absurd}", folder
            shutil.rmtree(folder)


def _written(path: Path, values: Any) -> str:
    if path.suffix == ".yaml":
        return str(yaml.safe_dump(values, allow_unicode=True, sort_keys=False))
    return json.dumps(values)


def _absurd(values: Any) -> Iterator[tuple[Any, str]]:
    """Copies of plain values of which one, at any place, is absurd."""
    for keys in [(), *_places(values)]:
        for absurd in ABSURD:
            changed = copy.deepcopy(values)
            if not keys:
                yield absurd, f"all = {absurd!r}"
                continue
            inside = changed
            for key in keys[:-1]:
                inside = inside[key]
            inside[keys[-1]] = absurd
            yield changed, f"{'.'.join(map(str, keys))} = {absurd!r}"
        if keys:
            changed = copy.deepcopy(values)
            inside = changed
            for key in keys[:-1]:
                inside = inside[key]
            del inside[keys[-1]]
            yield changed, f"without {'.'.join(map(str, keys))}"


def _places(values: Any, few: int = 3) -> Iterator[tuple[Any, ...]]:
    """The way to every value; of a long list or mapping to its first, middle and last one."""
    keys = list(values) if isinstance(values, dict) else list(range(len(values)))
    if len(keys) > 20:
        keys = [keys[0], keys[len(keys) // 2], keys[-1]][:few]
    for key in keys:
        yield (key,)
        if isinstance(values[key], dict | list) and values[key]:
            yield from ((key, *rest) for rest in _places(values[key]))


def spoiled_weights(whole: Path, room: Path) -> Iterator[tuple[str, Path]]:
    """Folders whose weights have another header, or numbers that are none."""
    data = (whole / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    spoiled: list[tuple[str, bytes]] = [
        ("a long header", struct.pack("<Q", 2**62) + data[8:]),
        ("no header", struct.pack("<Q", 0) + data[8:]),
        ("more behind", data + b"\0" * 4),
        ("NaN", data[:-4] + struct.pack("<f", float("nan"))),
        ("infinity", data[:-4] + struct.pack("<f", float("inf"))),
        ("twice", _weights(b'{"a":1,"a":1}', body)),
    ]
    for changed, what in _absurd(header):
        spoiled.append((what, _weights(json.dumps(changed).encode(), body)))
    name = next(iter(header))
    more = {**header, "one.more": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}
    spoiled.append(("one more", _weights(json.dumps(more).encode(), body)))
    bare = {"__metadata__": {"a": "b"}, **header}
    spoiled.append(("metadata", _weights(json.dumps(bare).encode(), body)))
    spoiled.append(("one less", _weights(json.dumps({name: header[name]}).encode(), body)))
    many = {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(60_000)}
    spoiled.append(("many", _weights(json.dumps(many).encode(), b"")))
    for what, content in spoiled:
        folder = Path(shutil.copytree(whole, room / "spoiled"))
        _write(folder / WEIGHTS, content)
        yield f"{WEIGHTS}: {what}", folder
        shutil.rmtree(folder)


def _weights(header: bytes, body: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def foreign_files(whole: Path, others: list[Path], room: Path) -> Iterator[tuple[str, Path]]:
    """Folders in which one file is that of another model."""
    for other in others:
        for path in sorted(whole.iterdir()):
            if not (other / path.name).is_file():
                continue
            folder = Path(shutil.copytree(whole, room / "spoiled"))
            _write(folder / path.name, (other / path.name).read_bytes())
            yield f"{path.name} of {other.name}", folder
            shutil.rmtree(folder)

"""The files of the npm package onnxruntime-web that go into a page."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

from munjang.errors import ConfigError
from munjang.parsing import UnreadableError, parse_json
from munjang.units import format_bytes

# The smallest build: WebAssembly on a CPU, without a loader that fetches files.
_SCRIPT, _PROGRAM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
_MOST_BYTES = 64_000_000
_WANTED = ("InferenceSession", "Tensor", "env")
_EXPORTS = re.compile(r"export\s*\{([\w$\s,]+)\};?\s*(?://# sourceMappingURL=\S+)?\s*\Z")


@dataclass(frozen=True)
class OnnxRuntime:
    """onnxruntime-web as a page holds it.

    Attributes:
        script: a module that sets the global `ort`.
        packed: its WebAssembly, packed by gzip.
        version: its version, or "".
    """

    script: str
    packed: bytes
    version: str


def read_onnxruntime(folder: str | Path) -> OnnxRuntime:
    """Read what `npm install onnxruntime-web` wrote into node_modules/onnxruntime-web.

    Raises:
        ConfigError: a file is missing, too large, or not as those of known versions.
    """
    folder = Path(folder)
    script = _read(folder, _SCRIPT).decode(errors="replace")
    return OnnxRuntime(_publish(folder, script), _pack(_read(folder, _PROGRAM)), _version(folder))


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise ConfigError(
            f"{folder}: there is no {name}; expected the folder of the npm package "
            "onnxruntime-web, node_modules/onnxruntime-web after npm install onnxruntime-web"
        )
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path}: expected at most {format_bytes(_MOST_BYTES)}")
    return content


def _publish(folder: Path, script: str) -> str:
    """Return a module whose exports stand in the global `ort`: no module imports an inline one."""
    found = _EXPORTS.search(script)
    pairs = [part.split() for part in found[1].split(",")] if found else []
    names = {pair[-1]: pair[0] for pair in pairs if pair}
    is_inline = "</script" not in script.lower() and "<!--" not in script
    if found is None or not is_inline or not set(_WANTED) <= set(names):
        raise ConfigError(
            f"{folder / _SCRIPT}: expected a module that exports {', '.join(_WANTED)}; take "
            "version 1.30 of onnxruntime-web"
        )
    parts = ",".join(f"{name}:{names[name]}" for name in _WANTED)
    return f"{script[: found.start()]}globalThis.ort={{{parts}}};\n"


def _pack(content: bytes) -> bytes:
    """Return a file packed by gzip, the same one every time."""
    return gzip.compress(content, mtime=0)


def _version(folder: Path) -> str:
    try:
        version = parse_json((folder / "package.json").read_bytes()).get("version")
    except (OSError, UnreadableError, AttributeError):
        return ""
    return version if isinstance(version, str) and len(version) < 40 else ""

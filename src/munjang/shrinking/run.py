"""`munjang.shrink`: a model folder of a given size."""

from pathlib import Path
from typing import Any

from munjang.baselines import Baseline
from munjang.errors import ConfigError
from munjang.folder.layout import refuse_occupied
from munjang.folder.load import load
from munjang.model import Model
from munjang.reporting import Report, discard
from munjang.shrinking.shrink import Shrunk, shrink_model
from munjang.units import parse_bytes


def shrink(
    model: Model | str | Path,
    size: int | str,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    report: Report = discard,
) -> Shrunk:
    """Return a model whose folder has at most a given size, and save it.

    It loads, predicts, explains and serves as any other, and takes as much memory as before: only
    its folder is small. Answers change a little; measure them with `evaluate`.

    Args:
        model: a trained model, or its folder.
        size: bytes, or a text such as "2MB".
        out: folder to write; None: none.
        overwrite: replace a model that is there.
        report: called with lines for people.

    Raises:
        ConfigError: the size is none, or too small for this model.
        FolderError: a folder cannot be read or written.
    """
    wanted = _read_size(size)
    refuse_occupied(out, overwrite=overwrite)
    loaded: Any = model if isinstance(model, Model) else load(model)
    if isinstance(loaded, Baseline):
        raise ConfigError(f"{model}: expected a trained model, got the baseline {loaded.name}")
    shrunk = shrink_model(loaded, wanted, report)
    if out is not None:
        shrunk.model.save(out)
    return shrunk


def _read_size(size: int | str) -> int:
    try:
        wanted = parse_bytes(size) if isinstance(size, str) else size
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise ValueError("expected a number of bytes")
    except ValueError as error:
        raise ConfigError(f"size: {error}, got {str(size)[:80]!r}") from None
    return wanted

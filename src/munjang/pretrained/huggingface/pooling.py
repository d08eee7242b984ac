"""How an imported encoder without a head makes one vector per text."""

from pathlib import Path
from typing import Literal, cast, get_args

from munjang.config import suggest_nearest
from munjang.errors import ConfigError, FolderError
from munjang.pretrained.huggingface.files import read_values

# `pooled` is the pooler's vector, the others are those of the states.
PoolingChoice = Literal["mean", "first", "max", "pooled"]
# Where sentence-transformers keeps how it pools, and its modes that ours has.
FILE = Path("1_Pooling", "config.json")
MODES: dict[str, PoolingChoice] = {
    "pooling_mode_cls_token": "first",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
}
_NAMES: dict[str, PoolingChoice] = {"cls": "first", "mean": "mean", "max": "max"}


def check_choice(name: str | None) -> PoolingChoice | None:
    """Return the name of a pooling.

    Raises:
        ConfigError: the name is unknown; the nearest one is suggested.
    """
    known = get_args(PoolingChoice)
    if name is not None and name not in known:
        raise ConfigError(
            f"pooling: expected {', '.join(known)}, got {name[:80]!r}{suggest_nearest(name, known)}"
        )
    return cast("PoolingChoice | None", name)


def choose_pooling(folder: Path, has_pooler: bool) -> PoolingChoice:
    """Return what sentence-transformers does with a checkpoint; else the pooler, if there is one.

    Raises:
        FolderError: a pooling that ours does not have.
    """
    path = folder / FILE
    if not path.exists():
        return "pooled" if has_pooler else "mean"
    values = read_values(path)
    if "pooling_mode" in values:  # newer versions name it
        modes = [_NAMES[n] for n in [values["pooling_mode"]] if isinstance(n, str) and n in _NAMES]
    else:
        chosen = [k for k, on in values.items() if k.startswith("pooling_mode") and on is True]
        modes = [MODES[key] for key in chosen if key in MODES]
        modes = modes if len(chosen) == 1 else []
    if len(modes) != 1:
        raise FolderError(
            f"{path}: the pooling is not one of cls, mean and max; choose one with --pooling"
        )
    return modes[0]

"""Load a baseline of any kind from its folder."""

from pathlib import Path

from munjang.baselines.baseline import CONFIG
from munjang.baselines.classes import ClassBaseline
from munjang.baselines.pairs import PairBaseline
from munjang.errors import FolderError
from munjang.sealed import SealedFolder, as_folder_errors, open_sealed

KINDS: dict[str, type[ClassBaseline] | type[PairBaseline]] = {
    ClassBaseline.kind: ClassBaseline,
    PairBaseline.kind: PairBaseline,
}


def load_baseline(folder: str | Path | SealedFolder) -> ClassBaseline | PairBaseline:
    """Return the baseline that a comparison saved in `folder`.

    Raises:
        FolderError: the folder is missing, unfinished or altered, or holds another model.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        path = sealed.path / CONFIG
        if CONFIG not in sealed.seals:
            raise FolderError(f"{sealed.path}: expected a baseline, but there is no {CONFIG}")
        config = sealed.json(CONFIG)
        kind = config.pop("kind", None) if isinstance(config, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise FolderError(f"{path}: kind: expected one of {', '.join(KINDS)}")
        return KINDS[kind].read(sealed, config)

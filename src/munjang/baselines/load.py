"""Load a baseline of any kind from its folder."""

from importlib import import_module
from pathlib import Path

from munjang.baselines.baseline import CONFIG, Baseline
from munjang.errors import FolderError
from munjang.folder.sealed import SealedFolder, as_folder_errors, open_sealed

# Imported when a folder asks for it.
KINDS: dict[str, str] = {
    "classes": "munjang.baselines.classes:ClassBaseline",
    "pairs": "munjang.baselines.pairs:PairBaseline",
    "linear": "munjang.baselines.linear:LinearBaseline",
    "two_texts": "munjang.baselines.two_texts:TwoTextsBaseline",
    "images": "munjang.baselines.images:ImageBaseline",
    "masked_tokens": "munjang.baselines.masked_tokens:MaskedBaseline",
    "running_text": "munjang.baselines.running_text:RunningTextBaseline",
}


def load_baseline(folder: str | Path | SealedFolder) -> Baseline:
    """Return the baseline that a comparison saved in `folder`.

    Raises:
        FolderError: the folder is missing, unfinished or altered, or holds another model.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        path = sealed.path / CONFIG
        if CONFIG not in sealed.seals:
            raise FolderError(f"{sealed.path}: expected a baseline, but there is no {CONFIG}")
        config = sealed.read_json(CONFIG)
        kind = config.pop("kind", None) if isinstance(config, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise FolderError(f"{path}: kind: expected one of {', '.join(KINDS)}")
        module, _, name = KINDS[kind].partition(":")
        baseline: Baseline = getattr(import_module(module), name).read(sealed, config)
        return baseline

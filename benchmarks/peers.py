"""Peers that are measured where they are installed, and named in one line where they are not."""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

# What each peer imports, and what `pip install` calls that.
PACKAGES = {
    "keras": {"keras": "keras"},
    "jax": {"keras": "keras", "jax": "jax"},
    "tensorflow": {"keras": "keras", "tensorflow": "tensorflow-cpu"},
    "fasttext": {"fasttext": "fasttext-numpy2"},
    "sacremoses": {"sacremoses": "sacremoses"},
    "rouge-score": {"rouge_score": "rouge-score"},
    "morphemes": {"kiwipiepy": "kiwipiepy"},
    "gensim": {"gensim": "gensim"},
    "captum": {"captum": "captum"},
    "transformers": {"transformers": "transformers", "accelerate": "accelerate"},
    "fastapi": {"fastapi": "fastapi"},
    "sentence-transformers": {"sentence_transformers": "sentence-transformers"},
}


def missing(peer: str) -> list[str]:
    """Arguments of `pip install` that install this peer."""
    packages = PACKAGES.get(peer, {})
    return [package for module, package in packages.items() if find_spec(module) is None]


def present(peers: Iterable[str]) -> list[str]:
    """Those of `peers` that can be measured here; each other one is named in a line."""
    result = []
    for peer in peers:
        if packages := missing(peer):
            print(f"left out: {peer}; pip install {' '.join(packages)}\n", flush=True)
        else:
            result.append(peer)
    return result


def need_data(path: Path) -> Path:
    """`path` itself; without it, end in a line that says where it was looked for."""
    if not path.exists():
        sys.exit(f"no {path}: give --data, or set MUNJANG_DATA to the folder of the corpora")
    return path

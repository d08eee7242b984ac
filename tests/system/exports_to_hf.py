"""Exports for transformers, loaded in a process without munjang."""

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import munjang
from munjang.model import Model

WORKER = Path(__file__).parent / "transformers_worker.py"

# Alone, empty, in NFD, with emoji, spelled special tokens, of many lengths, and very long.
ASKED = [
    "정말 재미있는 영화였다!!",
    "",
    "a",
    "한글과 영어 NASA, 재미",
    "👍🏽 ❤️ 최고의 film :-) don't",
    "<pad> [MASK] </s> ##는 ▁영화 <⇧>",
    "the film is long " * 40,
    "지루하고 재미없다. " * 60,
    "ΟΔΥΣΣΕΥΣ İstanbul\tcafé\n둘째 줄",
]


def train_small(data: Any, settings: dict[str, Any], **arguments: Any) -> Model:
    """A model of one epoch whose weights are larger than trained ones, so that errors show."""
    config = {**settings, "training": {"epochs": 1, "batch_size": 32}}
    model = munjang.train(data, config=config, seed=3, progress=False, **arguments).model
    assert isinstance(model, Model)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.mul_(2.0)
            if weight.ndim == 1:
                weight.add_(torch.randn_like(weight) * 0.3)
    return model


def load_elsewhere(jobs: Sequence[dict[str, Any]], scratch: Path) -> list[dict[str, Any]]:
    """The results of `transformers_worker` for some jobs."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"HF_HOME": str(scratch / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, WORKER, scratch / "results"],
        input=pickle.dumps(list(jobs)),
        env=environment,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return list(pickle.loads((scratch / "results").read_bytes()))

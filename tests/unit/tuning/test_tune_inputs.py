"""A search on pairs and on images: the task's own space and metric, and the same trials resumed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.api import load
from munjang.errors import ConfigError
from munjang.inputs.image import ImageInput
from munjang.inputs.parallel import ParallelInput
from munjang.model import Model
from munjang.tuning import runners
from munjang.tuning.results import Tuned
from munjang.tuning.run import tune

pytest.importorskip("optuna", reason="optuna (extra tune)")
pytestmark = pytest.mark.usefixtures("one_thread")

Search = Callable[..., Tuned]


def tune_pairs(out: Path, trials: int, **more: Any) -> Tuned:
    words = ["one", "two", "three", "four", "five"]
    rows = [[words[(k + n) % 5] for n in range(2 + k % 3)] for k in range(40)]
    sources = [" ".join([str(number), *row]) for number, row in enumerate(rows)]
    targets = [" ".join(reversed(row)) for row in rows]
    fixed = {
        "model": {"dim": 8, "hidden_dim": 8, "layers": 1},
        "training": {"threads": 1, "epochs": 1},
        "decoding": {"max_length": 4},
        "translate": {"validation_rows": 4},
    }
    options = {"task": "translate", "model": "seq2seq", "overrides": fixed, **more}
    return tune((sources, targets), out=out, trials=trials, seed=2, **options)


def tune_images(out: Path, trials: int, **more: Any) -> Tuned:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 99, (40, 8, 8)).astype(np.uint8)
    labels = [("left", "right")[row % 2] for row in range(40)]
    pixels[0::2, :, :4] += 100
    pixels[1::2, :, 4:] += 100
    fixed = {"model": {"filters": [4], "pool_size": 2}, "training": {"threads": 1, "epochs": 1}}
    options = {"task": "images", "overrides": fixed, **more}
    return tune((list(pixels), labels), out=out, trials=trials, seed=2, **options)


def trial_tuples(tuned: Tuned) -> list[tuple[Any, ...]]:
    return [(row.number, row.ended, row.value, row.settings, row.steps) for row in tuned.trials]


class KilledError(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize(
    ("search", "kind", "metric", "key"),
    [
        (tune_pairs, ParallelInput, "chrf", "model.reverse_source"),
        (tune_images, ImageInput, "log_loss", "model.final_pooling"),
    ],
)
def test_killed_search_resumes_to_same_trials(
    search: Search,
    kind: type,
    metric: str,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = search(tmp_path / "whole", 3)
    assert whole.metric == metric
    assert key in whole.space
    assert "model.dim" not in whole.space
    best = whole.best
    assert best is not None
    model = load(whole.folder / "best")
    assert isinstance(model, Model)
    assert isinstance(model.input, kind)
    assert model.metrics["validation"][metric] == best.value
    for name, value in best.settings.items():
        section, setting = name.split(".")
        assert getattr(getattr(model.recipe, section), setting) == pytest.approx(value)

    real = runners.attempt

    def dies(prepared: Any, trial: Any, seconds: Any) -> Any:
        if trial.number == 2:
            raise KilledError
        return real(prepared, trial, seconds)

    with monkeypatch.context() as patched:
        patched.setattr(runners, "attempt", dies)
        with pytest.raises(KilledError):
            search(tmp_path / "out", 3)
    assert trial_tuples(search(tmp_path / "out", 3, resume=True)) == trial_tuples(whole)


@pytest.mark.parametrize(
    ("search", "settings", "message"),
    [
        (tune_pairs, {"model": "cnn"}, "model cnn reads the input text"),
        (tune_images, {"model": "cnn"}, "the input image takes image_cnn"),
        (
            tune_images,
            {"vectors": "words.vec"},
            "word vectors go with the input text; the input is image",
        ),
        (tune_pairs, {"space": {"model.dmi": [8, 16]}}, "did you mean 'dim'"),
        (tune_pairs, {"task": "translat"}, "did you mean 'translate'"),
    ],
)
def test_errors_leave_no_folder(
    search: Search, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        search(tmp_path / "out", 1, **settings)
    assert not (tmp_path / "out").exists()

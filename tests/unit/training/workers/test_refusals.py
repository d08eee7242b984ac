"""Trainings that several workers cannot share."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from munjang.api import make_loop
from munjang.errors import ConfigError
from munjang.preparation import prepare
from munjang.reporting import discard
from munjang.training.workers import Workers
from munjang.training.workers.joining import find_place
from tests.synthetic import make_corpus

TEXTS, LABELS = make_corpus(60)
TABLE = pl.DataFrame({"text": TEXTS, "label": LABELS})
PAIRS = pl.DataFrame({"first": TEXTS, "second": TEXTS[::-1]})


class Two(Workers):
    count = 2


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (
            TABLE,
            {"task": "classify", "model": {"name": "mean", "ensemble_size": 3}},
            "workers: training.ensemble_leave_out: every member leaves out other rows",
        ),
        (
            PAIRS,
            {
                "task": "similarity",
                "model": {"name": "mean", "dim": 4},
                "similarity": {"loss": "in_batch_negatives"},
            },
            "workers: similarity.loss: in_batch_negatives compares each pair with all others",
        ),
    ],
)
def test_what_is_no_sum_over_rows_is_refused(
    data: Any, settings: dict[str, Any], message: str
) -> None:
    prepared = prepare(data, None, settings, discard)
    with pytest.raises(ConfigError, match=message):
        make_loop(prepared, Two())


@pytest.mark.parametrize(
    ("engine", "message"),
    [("munjang", "the task vectors trains in one process"), ("gensim", "the engine gensim")],
)
def test_word_vectors_are_refused(tmp_path: Path, engine: str, message: str) -> None:
    if engine == "gensim":
        pytest.importorskip("gensim")
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(TEXTS), "utf-8")
    model = {"dim": 4, "subword_ngrams": 0}
    settings = {"task": "vectors", "model": model, "training": {"engine": engine}}
    prepared = prepare(str(path), None, settings, discard)
    with pytest.raises(ConfigError, match=f"workers: {message}"):
        make_loop(prepared, Two())


def test_place_is_read_from_the_environment_of_torchrun() -> None:
    place = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    assert find_place({}) is None
    assert find_place(place) is None  # of another launcher: there is no address
    found = find_place({**place, "MASTER_ADDR": "10.0.0.1"})
    assert found is not None
    assert (found.rank, found.count, found.local_rank, found.local_count) == (3, 4, 1, 2)
    assert find_place({"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "::1"}) is None
    with pytest.raises(ConfigError, match="RANK: expected the whole number"):
        find_place({**place, "RANK": "-1", "MASTER_ADDR": "::1"})

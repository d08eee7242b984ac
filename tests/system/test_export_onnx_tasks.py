"""Exports of every task, whose runner answers as munjang does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.export.onnx.exporting import export_onnx, load_runner
from munjang.model import Model
from tests.system.exported_cases import ASKED, CASES, train_case

pytestmark = pytest.mark.usefixtures("one_thread")


def almost(value: Any) -> Any:
    """JSON values whose floats are compared to four digits."""
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-4)
    if isinstance(value, dict):
        return {key: almost(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [almost(part) for part in value]
    return value


@pytest.mark.parametrize("name", list(CASES))
def test_the_runner_answers_as_the_model(name: str, tmp_path: Path) -> None:
    model, asked = train_case(name, tmp_path)
    export_onnx(model, tmp_path / "out")
    runner = load_runner(tmp_path / "out", threads=1)
    expected = [answer.to_json() for answer in model.predict(asked)]
    assert runner.predict(asked) == almost(expected)
    assert runner.predict(asked[0]) == almost(expected[:1])
    check_more(model, runner)


def check_more(model: Model, runner: Any) -> None:
    """What a runner has besides `predict`."""
    for pooling in (None, *runner.card["poolings"]) if "poolings" in runner.card else ():
        for normalize in (False, True):
            expected = model.embed(ASKED, pooling=pooling, normalize=normalize)
            found = runner.embed(ASKED, pooling=pooling, normalize=normalize)
            np.testing.assert_allclose(found, expected, atol=1e-4)
    if hasattr(runner, "generate"):
        greedy = model.with_decoding({"method": "greedy"})
        for prompt in ("", "영화\n배우", "재미있다 영화 배우 이 그 " * 3):
            written = "".join(greedy.generate(prompt, length=40))
            assert runner.generate(prompt, length=40, greedy=True) == written
        assert runner.generate("영화", length=30, seed=4) == "".join(
            model.generate("영화", length=30, seed=4)
        )

"""Images and shapes by the command line: train, evaluate, predict, look at the arithmetic."""

import json
from pathlib import Path

import pytest

from tests.system.commands import CommandResult, call, invoke, run

QUICK = ("--set", "training.epochs=4", "--set", "training.threads=1", "--quiet")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of PNG files that `munjang data get digits` writes."""
    from munjang.data.samples.images import write_image_folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUNJANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        return write_image_folder("digits")


@pytest.fixture(scope="module")
def model(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the part train, made by a command."""
    folder = tmp_path_factory.mktemp("models") / "m"
    result = invoke("train", digits / "train", "--task", "images", "--out", folder, *QUICK)
    assert result.code == 0, result.err
    assert "images/s" in result.out
    assert "IMAGE.png" in result.out
    return folder


def test_image_model_is_evaluated_and_predicts(
    digits: Path, model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    result = call(capsys, "evaluate", model, digits / "test", "--json")
    assert json.loads(result.out)["accuracy"] > 0.9
    paths = sorted((digits / "test" / "4").glob("*.png"))[:3]
    lines = call(capsys, "predict", model, *paths).out.splitlines()
    assert [line.split("\t")[2] for line in lines] == [str(path) for path in paths]
    assert any(line.startswith("4\t") for line in lines)
    piped = run("predict", model, stdin="\n".join(map(str, paths)))
    assert piped.out.splitlines() == lines
    bad = tmp_path / "no.png"
    bad.write_text("text")
    result = call(capsys, "predict", model, bad, paths[0])
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert f"{bad}: expected an image" in result.err
    result = call(capsys, "predict", model, bad, paths[0], "--json", "--skip-bad-rows")
    assert json.loads(result.out)["row"] == 2
    assert "skipped 1 row" in result.err


def test_digits_sample_is_found_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "digits  (train, test)" in call(capsys, "data", "list").out
    options = ("--task", "images", "--model", "image_cnn", "--out", tmp_path / "m")
    result = call(capsys, "train", "digits", *options, "--set", "training.epochs=1")
    assert result.code == 0
    assert "read 1,797 images of digits" in result.err
    assert "size: 8x8, height x width (inferred: all images have it)" in result.err
    assert "mode: gray (inferred: no pixel has a color)" in result.err


def refusal_message(result: CommandResult) -> str:
    """The one line of a command that refused."""
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1, result.err
    return result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("train", "digits", "--input", "text", "--model", "image_cnn"),
            "image_cnn reads the input image",
        ),
        (("train", "digits", "--task", "images", "--model", "lstm"), "lstm reads the input text"),
        (("train", "digit", "--task", "images"), "did you mean 'digits'?"),
        (("train", "digits", "--task", "images", "--text-column", "x"), "'data.text_column'"),
    ],
)
def test_errors_are_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refusal_message(call(capsys, *arguments, "--out", tmp_path / "m"))


def test_shapes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    bare = (
        "--set",
        "model.filters=400",
        "--set",
        "model.kernel_size=8",
        "--set",
        "model.padding=valid",
    )
    result = call(capsys, "shapes", "image_cnn", "--input", "96x96", *bare)
    for expected in ("89x89x400", "3,168,400", "(96 - 8) / 1 + 1 = 89", "44x44x400", "89 / 2 ↓ 44"):
        assert expected in result.out
    result = call(capsys, "shapes", "cnn", "--input", "5", "--json")
    assert json.loads(result.out)["input"] == [5]
    result = call(capsys, "shapes", "image_cnn", "--input", "7x7", *bare)
    assert "convolution 1 has filters of 8x8" in refusal_message(result)
    assert "3,168,400" in call(capsys, "shapes", "--help").out

"""`munjang export onnx` as a person uses it, and the runner that it leaves."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import munjang
from munjang.export.onnx import exporting, kinds
from munjang.export.onnx.exporting import export_onnx, load_runner
from munjang.export.onnx.samples import _TEXTS as HOSTILE
from munjang.layers.ngram_rows import COUNT_CELLS
from tests.synthetic import make_corpus
from tests.system.commands import CommandResult, environment, invoke

pytestmark = pytest.mark.usefixtures("one_thread")

FILES = {"README.md", "model.onnx", "munjang.json", "munjang_onnx.py", "vocabulary.json"}
# A module of this name before the real one makes an import of it fail.
STUB = "raise ImportError('not to be imported here')\n"


def run_alone(folder: Path, stdin: str, *arguments: str) -> CommandResult:
    """Run the runner of a folder in a process that can import neither torch nor munjang."""
    stubs = folder.parent / "stubs"
    stubs.mkdir(exist_ok=True)
    for name in ("torch", "munjang"):
        (stubs / f"{name}.py").write_text(STUB)
    script = (
        f"import runpy, sys; sys.path.insert(0, {str(stubs)!r}); "
        f"sys.argv = ['munjang_onnx.py', {str(folder)!r}, *sys.argv[1:]]; "
        f"runpy.run_path({str(folder / 'munjang_onnx.py')!r}, run_name='__main__')"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", script, *arguments],
        input=stdin.encode(),
        capture_output=True,
        env=environment(),
        timeout=300,
        check=False,
    )
    return CommandResult(found.returncode, found.stdout.decode(), found.stderr.decode())


@pytest.fixture(scope="module")
def exported(
    training: tuple[Path, CommandResult], more_reviews: Path, tmp_path_factory: Any
) -> tuple[Path, CommandResult]:
    """The export of a model of Korean reviews in 8 bits, with scores on other reviews."""
    out = tmp_path_factory.mktemp("export") / "an export"
    columns = ("--text-column", "document", "--label-column", "label")
    given = ("--int8", "--data", more_reviews, *columns)
    return out, invoke("export", "onnx", training[0], out, *given)


def test_an_export_says_what_it_compared_and_wrote(exported: tuple[Path, CommandResult]) -> None:
    out, result = exported
    assert result.code == 0, result.err
    assert {path.name for path in out.iterdir()} == FILES
    assert "outputs equal PyTorch's on 1" in result.err
    assert result.out.startswith(f"exported to {out}: ")
    for name in ("float: accuracy 0.", "int8: accuracy 0.", "munjang_onnx.py"):
        assert name in result.out
    card = (out / "README.md").read_text()
    for part in ("| accuracy | 0.", "test.tsv, 400 rows, int8", "| int8 |", "onnxruntime, int8"):
        assert part in card
    onnx.checker.check_model(out / "model.onnx")


def test_int8_is_small_and_answers_like_floats(
    exported: tuple[Path, CommandResult],
    training: tuple[Path, CommandResult],
    more_reviews: Path,
    tmp_path: Path,
) -> None:
    result = export_onnx(training[0], tmp_path / "float")
    small = (exported[0] / "model.onnx").stat().st_size
    bits = COUNT_CELLS // 8  # which n-grams are frequent: of the same size in both files
    # 16 numbers and a scale per row
    assert small - bits <= 0.32 * (result.bytes - bits)
    texts = [line.split("\t")[1] for line in more_reviews.read_text().splitlines()[1:]]
    model = munjang.load(training[0])
    expected = model.predict(texts)
    floats = load_runner(tmp_path / "float").predict(texts)
    # on a validation part of real data all labels are those of munjang
    assert [answer["label"] for answer in floats] == [answer.label for answer in expected]
    assert [answer["truncated"] for answer in floats] == [a.truncated for a in expected]
    probabilities = [answer["probability"] for answer in floats]
    np.testing.assert_allclose(probabilities, [a.probability for a in expected], atol=1e-5)
    runner = load_runner(exported[0])
    whole = runner.predict(texts)
    same = [a["label"] == b.label for a, b in zip(whole, expected, strict=True)]
    assert np.mean(same) > 0.98
    for place in (0, 7, 399):  # alone as in a batch
        alone = runner.predict(texts[place])[0]["probability"]
        assert alone == pytest.approx(whole[place]["probability"], abs=1e-6)


def test_the_runner_answers_without_torch(
    exported: tuple[Path, CommandResult], training: tuple[Path, CommandResult]
) -> None:
    out, _ = exported
    texts = [text for text in HOSTILE if not set(text) & set("\n\r\x0b\x0c\x85\u2028\u2029")]
    result = run_alone(out, "\n".join(texts) + "\n")
    assert result.code == 0, result.err
    answers = [json.loads(line) for line in result.out.splitlines()]
    model = munjang.load(training[0])
    runner = load_runner(out)
    assert [a["label"] for a in answers] == [a["label"] for a in runner.predict(texts)]
    assert len(answers) == len(model.predict(texts)) == len(texts)
    assert answers[0].keys() == {"label", "probability", "probabilities", "truncated"}


def test_mistakes_with_the_runner_are_one_line(
    exported: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    out, _ = exported
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in FILES:  # not Python's cache beside the runner
        (moved / name).write_bytes((out / name).read_bytes())
    card = json.loads((moved / "munjang.json").read_text())
    (moved / "munjang.json").write_text(json.dumps({**card, "format": 99}))
    result = run_alone(moved, "a\n")
    assert result.code == 2
    assert "expected format 2, got 99; take munjang_onnx.py from the same folder" in result.err
    assert "Traceback" not in result.err
    runner = load_runner(out)
    for wrong in ([3], ["a\ud800"], [None]):
        with pytest.raises(ValueError, match=r"expected a string|surrogate"):
            runner.predict(wrong)
    assert runner.predict([]) == []


def test_a_folder_is_replaced_only_if_asked(
    exported: tuple[Path, CommandResult], training: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    out, _ = exported
    before = {name: (out / name).read_bytes() for name in FILES}
    result = invoke("export", "onnx", training[0], out)
    assert result.code == 2
    assert "this folder holds an earlier export; choose an empty one, or --overwrite" in result.err
    other = tmp_path / "notes"
    other.mkdir()
    for name in ("mine.txt", "README.md"):
        (other / name).write_text("mine")
        result = invoke("export", "onnx", training[0], other, "--overwrite")
        assert result.code == 2
        assert f"holds other files ({name})" in result.err
        (other / name).unlink()
    assert {name: (out / name).read_bytes() for name in FILES} == before
    again = tmp_path / "again"
    assert invoke("export", "onnx", training[0], again, "--int8", "--quiet").code == 0
    assert invoke("export", "onnx", training[0], again, "--int8", "--overwrite").code == 0
    # the same files from run to run, but for the times on the card
    for name in FILES - {"README.md"}:
        assert (again / name).read_bytes() == before[name], name


def test_a_graph_that_differs_is_not_written(
    training: tuple[Path, CommandResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = kinds.LOGITS.expected
    wrong = replace(kinds.LOGITS, expected=lambda model, values: expected(model, values) + 1e-3)
    monkeypatch.setattr(exporting, "find_kind", lambda network: wrong)
    with pytest.raises(munjang.MunjangError, match=r"differs by 0\.001, and rounding explains"):
        export_onnx(training[0], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_export(
    exported: tuple[Path, CommandResult],
    training: tuple[Path, CommandResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object) -> str:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out"
    export_onnx(training[0], out)
    before = {name: (out / name).read_bytes() for name in FILES}
    monkeypatch.setattr(exporting, "write_card", fail)
    with pytest.raises(OSError, match="No space left"):
        export_onnx(training[0], out, overwrite=True)
    assert {name: (out / name).read_bytes() for name in FILES} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_missing_package_names_the_extra(
    training: tuple[Path, CommandResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "munjang.export.package.find_spec",
        lambda name: None if name == "onnx" else find_spec(name),
    )
    result = invoke("export", "onnx", training[0], tmp_path / "out")
    assert result.code == 2
    assert 'needs the package onnx; install it with: pip install "munjang[export]"' in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokenizer": "morphemes"}, "tokenizer morphemes needs more than the package tokenizers"),
        (
            {
                "tokenizer": "words",
                "config": {"model": {"subword_ngrams": 4, "subword_scheme": "fasttext"}},
            },
            "model.subword_scheme: export onnx writes the character n-grams of the scheme sum",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused(
    arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    if arguments["tokenizer"] == "morphemes":
        pytest.importorskip("kiwipiepy")
    texts, labels = make_corpus(60, korean=True)
    config = {**arguments.pop("config", {}), "training": {"epochs": 1}}
    trained = munjang.train((texts, labels), model="mean", config=config,
                            **arguments)  # fmt: skip
    with pytest.raises(munjang.MunjangError, match=message):
        export_onnx(trained.model, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []

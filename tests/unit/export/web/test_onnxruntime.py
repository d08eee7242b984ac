"""Pages that compute with onnxruntime-web, as files; a made-up package stands for the real one."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.errors import ConfigError
from munjang.export.web import write_page
from munjang.export.web.onnxruntime import read_onnxruntime
from munjang.model import Model
from tests.synthetic import make_corpus
from tests.unit.export.web.models import train_small
from tests.web_pages import PACKAGE_PROGRAM, PACKAGE_SCRIPT, make_package, read_part

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the files of the package that a page takes."""
    return make_package(tmp_path)


@pytest.fixture(scope="module")
def cnn() -> Model:
    settings = ("model.bag_dim=0", "model.subword_ngrams=4", "model.subword_buckets=500")
    return train_small(make_corpus(90, korean=True), "cnn", "words", settings)


def read_arrays(source: str) -> list[bytes]:
    """The arrays of a page."""
    content = base64.b64decode(read_part(source, "weights"))
    listed = json.loads(read_part(source, "model"))["arrays"]
    return [content[offset : offset + count] for _, offset, count in listed]


@pytest.mark.parametrize("int8", [False, True])
def test_page_holds_graph_and_package(
    int8: bool, cnn: Model, package: Path, tmp_path: Path
) -> None:
    onnxruntime: Any = pytest.importorskip("onnxruntime", exc_type=ImportError)
    page = write_page(cnn, tmp_path / "a.html", onnxruntime_web=package, int8=int8)
    source = page.path.read_text("utf-8")
    description = json.loads(read_part(source, "model"))
    network, arrays = description["network"], read_arrays(source)
    assert network["kind"] == "onnx"
    assert network["units"] == "letters"
    assert gzip.decompress(arrays[network["program"]]) == PACKAGE_PROGRAM
    graph = arrays[network["graph"]]
    assert page.weights == len(graph)
    session = onnxruntime.InferenceSession(graph)
    assert {each.name for each in session.get_inputs()} == {
        *("ids", "lengths", "word_ids", "word_lengths")
    }
    texts = [check["text"] for check in description["checks"]]
    differences = np.abs(
        cnn.logits(texts).numpy() - np.array([check["logits"] for check in description["checks"]])
    )
    assert differences.max() < (0.05 if int8 else 1e-5)
    assert (page.largest_difference > 0) == int8
    library, script = re.findall(r'<script type="module">(.*?)</script>', source, re.DOTALL)
    assert library.endswith("globalThis.ort={InferenceSession:a,Tensor:b,env:c};\n")
    assert "NETWORKS.onnx = OnnxNetwork;" in script
    digests = [hashlib.sha256(each.encode()).digest() for each in (script, library)]
    hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    assert f"script-src {' '.join(hashes)} 'wasm-unsafe-eval'; style-src" in source
    assert "onnxruntime-web 1.30.0" in source


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            PACKAGE_SCRIPT.replace("env", "other"),
            "expected a module that exports InferenceSession, Tensor",
        ),
        ("var a;", "expected a module that exports"),
        (PACKAGE_SCRIPT.replace("made up", "</SCRIPT>"), "expected a module that exports"),
        (None, "there is no dist/ort.wasm.bundle.min.mjs; expected the folder of the npm package"),
    ],
)
def test_other_packages_are_refused(script: str | None, reason: str, package: Path) -> None:
    file = package / "dist" / "ort.wasm.bundle.min.mjs"
    file.unlink()
    if script is not None:
        file.write_text(script)
    with pytest.raises(ConfigError, match=reason) as raised:
        read_onnxruntime(package)
    assert "\n" not in str(raised.value)


def test_too_large_files_are_refused(
    cnn: Model, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.export.web.onnxruntime._MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match=r"simd-threaded.wasm: expected at most 1.00 kB"):
        write_page(cnn, tmp_path / "a.html", onnxruntime_web=package)
    assert not (tmp_path / "a.html").exists()


def test_a_page_without_version_says_the_name_alone(package: Path) -> None:
    for content in ("[]", "{", '{"version": 3}'):
        (package / "package.json").write_text(content)
        assert read_onnxruntime(package).version == ""

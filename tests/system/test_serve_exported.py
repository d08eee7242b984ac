"""`munjang serve` on exported folders, in a process that can import neither torch nor Polars."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

import munjang
from munjang.client.requests import ServerError
from munjang.export.onnx.exporting import export_onnx
from tests.run_folders import write_comparison, write_search, write_training
from tests.system.commands import environment, run
from tests.system.exported_cases import ASKED, train_case
from tests.system.servers import Server, serving, train_classifier

NAMES = {
    "words": "classify words out of vocabulary",
    "capitals": "classify capitals",
    "jamo": "classify jamo",
    "pieces": "classify pieces",
    "number": "regress",
    "labels": "multilabel",
    "pairs": "pairs apart",
    "similar": "similarity",
    "masks": "masked tokens between pieces",
    "language": "language, recurrent",
    "windows": "language, windows",
    "translator": "translate greedily by words",
}
CLASSIFIERS = ("words", "capitals", "jamo", "pieces", "labels", "pairs")
# Hangul in NFC and NFD, emoji, invisible, blank and long texts
TEXTS = [
    *ASKED,
    " ",
    "\u200b",
    "한글 " + "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "👩‍👩‍👧 🇰🇷",
    "NASA Hubble\x00\x07",
    "좋" * 5000,
    "영화 재미있다 " * 700,
]
# A module of this name before the real one makes an import of it fail.
REFUSED = ("torch", "polars", "pyarrow", "sklearn", "scipy")


@dataclass(frozen=True)
class Both:
    """A server of model folders, and one of their exports without torch."""

    trained: Server
    exported: Server
    values: dict[str, list[Any]]

    def ask(self, path: str, body: Any) -> tuple[httpx2.Response, httpx2.Response]:
        """Return the responses of both to a request."""
        found, expected = (
            httpx2.post(f"{server.url}{path}", json=body, timeout=60)
            for server in (self.exported, self.trained)
        )
        return found, expected


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a process that can import none of `REFUSED`."""
    folder = tmp_path_factory.mktemp("stubs")
    for name in REFUSED:
        error = f"ModuleNotFoundError('{name} is refused here', name='{name}')"
        (folder / f"{name}.py").write_text(f"raise {error}\n")
    known = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), known)))}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, stubs: dict[str, str]) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("exported")
    trained, exported, values = [], [], {}
    for name, case in NAMES.items():
        model, values[name] = train_case(case, folder)
        trained.append(f"{name}={model.save(folder / name)}")
        exported.append(f"{name}={export_onnx(model, folder / f'{name}-onnx').folder}")
    with serving(*trained) as one, serving(*exported, variables=stubs) as other:
        yield Both(one, other, values)


def almost(value: Any) -> Any:
    """JSON values whose floats are compared to four digits."""
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-4)
    if isinstance(value, dict):
        return {key: almost(part) for key, part in value.items()}
    return [almost(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_those_of_the_model_folder(both: Both, name: str) -> None:
    values = both.values[name]
    values = [*values, *TEXTS] if isinstance(values[0], str) and name != "masks" else values
    for inputs in (values, *values[:3]):
        found, expected = both.ask("/predict", {"inputs": inputs, "model": name})
        assert found.status_code == expected.status_code == 200, found.text
        assert found.json() == almost(expected.json())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classes_in_the_shape_of_others(both: Both, name: str) -> None:
    values = both.values[name]
    found, expected = both.ask("/classify", {"input": values, "model": name})
    assert found.json()["data"] == almost(expected.json()["data"])
    assert found.json()["usage"] == expected.json()["usage"]


@pytest.mark.parametrize("name", NAMES)
def test_tensors_of_kserve(both: Both, name: str) -> None:
    values = both.values[name][:3]
    sides = list(zip(*values, strict=True)) if isinstance(values[0], tuple) else [values]
    names = ("first", "second") if len(sides) == 2 else ("text",)
    tensors = [
        {"name": side, "shape": [3], "datatype": "BYTES", "data": list(texts)}
        for side, texts in zip(names, sides, strict=True)
    ]
    found, expected = both.ask(f"/v2/models/{name}/infer", {"inputs": tensors})
    answers, wanted = found.json()["outputs"], expected.json()["outputs"]
    if "probability" in wanted[0]["data"][0]:  # JSON of the likeliest tokens
        assert list(map(json.loads, answers[0]["data"])) == almost(
            list(map(json.loads, wanted[0]["data"]))
        )
    else:
        assert answers == almost(wanted)


@pytest.mark.parametrize("name", [*CLASSIFIERS, "number", "similar", "masks"])
def test_vectors(both: Both, name: str) -> None:
    for options in ({}, {"normalize": True}, {"pooling": "pooled"}):
        body = {"inputs": TEXTS, "model": name, **options}
        found, expected = both.ask("/embed", body)
        assert found.status_code == 200, found.text
        assert found.json() == almost(expected.json())


@pytest.mark.parametrize("name", ["language", "windows"])
def test_texts_are_continued_as_by_the_model_folder(both: Both, name: str) -> None:
    drawn = [{"seed": 5}, {"seed": 6, "temperature": 0.8, "top_k": 9}, {"seed": 1, "top_p": 0.7}]
    for prompt in ("", "영화", "재미있다 영화\n배우", "\u1112\u1161"):
        for options in ({"temperature": 0}, *drawn):
            parameters = {"max_new_tokens": 30, **options}
            body = {"inputs": prompt, "model": name, "parameters": parameters}
            found, expected = both.ask("/generate", body)
            assert found.json() == expected.json()
    parameters = {"max_new_tokens": 60, "seed": 2, "stop": [" "]}
    body = {"inputs": "영화", "model": name, "parameters": parameters, "stream": True}
    found, expected = both.ask("/generate", body)
    assert found.text == expected.text
    assert found.text.endswith("data: [DONE]\n\n")


def test_completions(both: Both) -> None:
    body = {"model": "language", "prompt": "영화", "max_tokens": 20, "seed": 3}
    found, expected = both.ask("/v1/completions", body)
    assert found.json()["choices"] == expected.json()["choices"]
    assert found.json()["usage"] == expected.json()["usage"]


def test_translations(both: Both) -> None:
    for options in ({}, {"beam": 4}, {"beam": 3, "nbest": 3}):
        changed = {"inputs": TEXTS[:9], "model": "translator", **options}
        found, expected = both.ask("/translate", changed)
        assert found.status_code == expected.status_code, found.text
        assert found.json() == almost(expected.json())
    for text in TEXTS[:9]:
        found, expected = both.ask(
            "/translate", {"inputs": text, "model": "translator", "stream": True}
        )
        assert found.text == expected.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", {"inputs": "x", "model": "nobody"}),
        ("/predict", {"inputs": ["x"] * 300, "model": "words"}),
        ("/predict", {"inputs": "x" * 200_000, "model": "words"}),
        ("/predict", {"inputs": "x", "model": "pairs"}),
        ("/predict", {"inputs": [["a", "b"]], "model": "words"}),
        ("/predict", {"inputs": "no mark", "model": "masks"}),
        ("/predict", {"inputs": "x", "abstain": 0.05, "model": "words"}),
        ("/predict", {"inputs": "x", "abstain": 0.05, "model": "number"}),
        ("/generate", {"inputs": "x", "model": "words"}),
        ("/translate", {"inputs": "x", "model": "language"}),
        ("/translate", {"inputs": "x", "model": "translator", "nbest": 9}),
        ("/classify", {"input": "x", "model": "translator"}),
        ("/embed", {"inputs": "x", "model": "language"}),
        ("/embed", {"inputs": "x", "model": "words", "pooling": "max"}),
        ("/v2/models/nobody/infer", {"inputs": []}),
    ],
)
def test_mistakes_have_the_status_of_the_model_folder(both: Both, path: str, body: Any) -> None:
    found, expected = both.ask(path, body)
    assert found.status_code == expected.status_code >= 400
    assert found.json()["error"]["type"] == expected.json()["error"]["type"]
    message = found.json()["error"]["message"]
    assert 10 < len(message) < 400
    assert "\n" not in message


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/explain", {"inputs": "x", "model": "words"}, "can be explained, as those of model"),
        ("/explain", {"inputs": "x"}, "can be explained, as those of model folders can"),
        ("/neighbors", {"inputs": "x", "model": "words"}, "with an embedding of tokens, as those"),
        ("/translate", {"inputs": "x", "model": "translator", "alignment": True}, "alignment: "),
        ("/predict", {"inputs": "x", "model": "words", "abstain": 0.1}, "abstain: an exported"),
    ],
)
def test_what_an_export_cannot_do_is_told(both: Both, path: str, body: Any, words: str) -> None:
    found, _ = both.ask(path, body)
    assert found.status_code == 422
    assert words in found.json()["error"]["message"]


def test_models_are_described_alike_but_for_their_skills(both: Both) -> None:
    found, expected = (
        httpx2.get(f"{server.url}/models").json()["models"]
        for server in (both.exported, both.trained)
    )
    for one, other in zip(found, expected, strict=True):
        skills = set(other["skills"]) - set(one["skills"])
        writes = one["task"] in ("language", "translate")
        assert skills == {"explain", "neighbors", *(["embed"] if writes else [])}
        for key in ("name", "task", "input", "architecture", "parameters", "labels"):
            assert one[key] == other[key]
        assert one["sha256"] != other["sha256"]
    assert httpx2.get(f"{both.exported.url}/").status_code == 200
    for path in ("/readyz", "/v2/health/ready", "/metrics", "/openapi.json", "/main.js"):
        assert httpx2.get(f"{both.exported.url}{path}").status_code == 200
    described = httpx2.get(f"{both.exported.url}/v2/models/pairs").json()
    assert [tensor["name"] for tensor in described["inputs"]] == ["first", "second"]


_ASK = """
import asyncio, sys
from munjang.serving.run import make_app
from munjang.serving.settings import ServerSettings
from munjang.serving.works import predicting

async def ask():
    service = make_app(ServerSettings(folders=(sys.argv[1],))).service
    service.start()
    answers = await service.run(predicting(service.store.find(None)), ["재미있다"])
    await service.stop()
    return answers[0].label

print(asyncio.run(ask()), *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a classifier, beside its model folder."""
    folder = tmp_path_factory.mktemp("one")
    return export_onnx(train_classifier(folder / "m"), folder / "m-onnx").folder


def test_no_module_of_torch_is_imported(exported: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _ASK, exported],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    label, *modules = result.stdout.split()
    assert label in ("good", "bad", "so-so")
    assert not {*REFUSED, "safetensors", "tokenizers"} & set(modules)
    assert {"onnxruntime", "numpy"} <= set(modules)


def test_exported_folders_are_served_beside_model_folders(exported: Path) -> None:
    with serving(exported, exported.with_name("m")) as server:
        models = httpx2.get(f"{server.url}/models").json()["models"]
        assert [model["name"] for model in models] == ["m-onnx", "m"]
        answers = []
        for name in ("m", "m-onnx"):
            with munjang.Client(server.url, model=name) as client:
                answers.append(client.predict("a good text"))
        assert answers[0] == almost(answers[1])
        with munjang.Client(server.url) as client:  # the first one that can
            assert client.explain("a good text")["answer"] == almost(answers[0])


def test_runs_are_shown_without_torch(
    exported: Path, tmp_path: Path, stubs: dict[str, str]
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(exported.with_name("m"), runs / "model")
    shutil.copytree(exported, runs / "exported 문장")
    write_training(runs / "training")
    write_comparison(runs / "compared")
    write_comparison(runs / "stopped", is_finished=False)
    write_search(runs / "tuned")
    with serving(exported, runs, variables=stubs) as server:
        listed = {run["name"]: run for run in httpx2.get(f"{server.url}/runs").json()["runs"]}
        assert {name: run["state"] for name, run in listed.items()} == {
            "model": "finished",
            "exported 문장": "finished",
            "training": "stopped",
            "compared": "finished",
            "stopped": "stopped",
            "tuned": "finished",
        }
        assert "torch" in listed["model"]["problem"]
        found = listed["exported 문장"]
        assert (found["kind"], found["task"], found["served"]) == ("export", "classify", True)
        for name in listed:
            assert httpx2.get(f"{server.url}/runs/{name}").json()["run"]["state"] != "damaged"
        with (
            munjang.Client(server.url) as client,
            munjang.Client(server.url, model="exported 문장") as of_run,
        ):
            assert of_run.predict("a good text") == client.predict("a good text")


def test_new_export_answers_and_a_damaged_one_does_not(
    exported: Path, tmp_path: Path, stubs: dict[str, str]
) -> None:
    folder, text = tmp_path / "m", "a text that both know 17"
    shutil.copytree(exported, folder)
    with serving(folder, variables=stubs) as server, munjang.Client(server.url) as client:
        before = client.predict(text)
        assert server.memory() < 150  # MB
        load = f"{server.url}/v2/repository/models/m/load"
        assert httpx2.post(load).json()["changed"] is False
        model = munjang.load(train_classifier(tmp_path / "new", seed=1))
        export_onnx(model, folder, overwrite=True)
        assert httpx2.post(load).json()["changed"] is True
        assert client.predict(text)[0]["score"] == pytest.approx(
            model.predict(text)[0].probability, abs=1e-5
        )
        export_onnx(exported.with_name("m"), folder, overwrite=True)
        os.kill(server.process.pid, signal.SIGHUP)
        until = time.monotonic() + 60
        while client.predict(text) != before:
            assert time.monotonic() < until
        damage(folder / "model.onnx")
        (folder / "munjang.json").write_text((folder / "munjang.json").read_text() + "\n")
        response = httpx2.post(load)
        assert response.status_code == 409
        assert "checksum differs" in response.json()["error"]["message"]
        assert client.predict(text) == before
        with pytest.raises(ServerError, match="can be explained"):
            client.explain(text)


def damage(path: Path) -> None:
    """Change a byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_settings(folder: Path, **changed: Any) -> None:
    path = folder / "munjang.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.parametrize(
    ("folder", "package", "install"),
    [("m", "torch", "munjang[serve]"), ("m-onnx", "onnxruntime", "pip install onnxruntime")],
)
def test_missing_packages_are_named(
    exported: Path, folder: str, package: str, install: str
) -> None:
    script = "import sys; sys.modules[sys.argv.pop()] = None; from munjang.cli import main; main()"
    command = [sys.executable, "-c", script, "serve", exported.with_name(folder), package]
    result = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert result.returncode == 2
    assert f"needs the package {package}; install it with: " in result.stderr
    assert install in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: damage(folder / "model.onnx"), "its checksum differs"),
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx: this file is missing"),
        (lambda folder: (folder / "vocabulary.json").write_text("[]"), "its checksum differs"),
        (lambda folder: (folder / "munjang.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "munjang.json").write_text("[]"), "found []"),
        (lambda folder: (folder / "munjang.json").unlink(), "expected a folder of munjang export"),
        (lambda folder: change_settings(folder, task="tag"), "of this version; export the model"),
        (lambda folder: change_settings(folder, format=1), "expected format 2, got 1"),
        (lambda folder: change_settings(folder, sha256={"../m": "x"}), "has no hash"),
        (lambda folder: change_settings(folder, reads=None), "of this version; export the model"),
        (lambda folder: change_settings(folder, graphs={}), "of this version; export the model"),
        (lambda folder: change_settings(folder, sha256=None), "of this version; export the model"),
        (lambda folder: change_settings(folder, graphs={"x": "/dev/null"}), "has no hash"),
    ],
)
def test_damaged_folders_are_one_line(
    exported: Path, tmp_path: Path, change: Any, words: str
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(exported, folder)
    change(folder)
    result = run("serve", folder, "--port", 0)
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err

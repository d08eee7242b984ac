"""`munjang serve RUNS` over HTTP: what is listed and served, and what is refused."""

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import munjang
from tests.run_folders import write_comparison, write_search, write_training
from tests.system.commands import TIMEOUT, invoke
from tests.system.servers import Server, serving, train_classifier

NAME = "리뷰 <b>😀"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a damaged one, and a run of every other kind."""
    folder = tmp_path_factory.mktemp("outside") / "runs"
    train_classifier(folder / NAME)
    (folder / NAME / "report.html").write_text("<style>p{}</style><script>alert(1)</script>")
    broken = train_classifier(folder / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    write_training(folder / "training")
    write_comparison(folder / "compared")
    write_search(folder / "tuned")
    (folder / "half").mkdir()
    (folder / "half" / "tune.json").write_text('{"metric"')
    write_training(folder.parent / "secret")
    (folder / "link").symlink_to(folder.parent / "secret")
    return folder


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[Server]:
    with serving(runs) as started:
        yield started


def get(server: Server, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(server.url + path, timeout=60, headers=headers)


def listed(server: Server) -> dict[str, dict[str, Any]]:
    response = get(server, "/runs")
    assert response.status_code == 200, response.text
    return {run["name"]: run for run in response.json()["runs"]}


def get_raw(server: Server, path: str) -> tuple[int, str]:
    """Ask for a path as it is: other clients would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("GET", path)
    connection.endheaders()
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_every_run_is_listed_with_its_state(server: Server) -> None:
    found = listed(server)
    states = {name: (run["kind"], run["state"], run["served"]) for name, run in found.items()}
    assert states == {
        NAME: ("model", "finished", True),
        "broken": ("model", "finished", False),
        "training": ("model", "stopped", False),
        "compared": ("comparison", "finished", False),
        "tuned": ("search", "finished", False),
        "half": ("search", "damaged", False),
        "link": ("unknown", "damaged", False),
    }
    assert found["broken"]["problem"].startswith("not served: ")
    assert "damaged" in found["half"]["problem"]


def test_models_of_the_folder_answer(server: Server, runs: Path) -> None:
    reply = get(server, "/models").json()
    assert reply["has_runs"] is True
    assert [each["name"] for each in reply["models"]] == [NAME]
    expected = munjang.load(runs / NAME).predict("a good text")[0]
    with munjang.Client(server.url, model=NAME) as client:
        [best, *_] = client.predict("a good text")
        assert best["label"] == expected.label
    with munjang.Client(server.url) as client:
        near = client.neighbors(["good", "text"], k=3)
    words = munjang.load_words(runs / NAME).neighbors(["good", "text"], k=3)
    assert [[each["word"] for each in row] for row in near] == [
        [each.word for each in row] for row in words
    ]


def test_run_has_curves(server: Server) -> None:
    shown = get(server, "/runs/training").json()
    curves = {(curve["part"], curve["name"]): curve for curve in shown["curves"]}
    assert curves["valid", "macro_f1"]["x"] == [10, 20, 30, 40, 50]
    assert curves["valid", "macro_f1"]["y"] == [0.7, 0.8, 0.7, 0.7, 0.7]
    assert shown["run"]["best"] == {"metric": "macro_f1", "value": 0.8, "at": "20"}


def test_report_is_shown_apart_from_everything(server: Server) -> None:
    response = get(server, f"/runs/{NAME}/pages/report")
    assert response.status_code == 200
    assert "alert(1)" in response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policies = response.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert policies[0].startswith("sandbox; default-src 'none'")
    assert "allow" not in policies[0]
    assert "script-src" not in policies[0]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..",
        "/runs/../secret",
        "/runs/%2e%2e",
        "/runs/..%2fsecret",
        "/runs/%2e%2e%2fsecret",
        "/runs/..%5csecret",
        "/runs/%00",
        "/runs/a%00b",
        "/runs/%ff",
        "/runs/" + "x" * 3000,
        "/runs/nobody",
        "/runs/tuned/pages/report",
        "/runs/tuned/pages/..%2f..%2fsecret%2fconfig.yaml",
        "/runs/training/pages/config.yaml",
        "/runs/link/pages/report",
        "/runs//",
    ],
)
def test_nothing_else_can_be_read(server: Server, path: str) -> None:
    status, text = get_raw(server, path)
    assert status == 404
    assert "macro_f1" not in text
    assert json.loads(text)["error"]["type"] == "not_found"


def test_link_out_of_the_folder_shows_nothing(server: Server) -> None:
    shown = get(server, "/runs/link").json()
    assert shown["curves"] == []
    assert "leads out" in shown["run"]["problem"]


def test_description_has_the_runs(server: Server) -> None:
    paths = get(server, "/openapi.json").json()["paths"]
    schema = paths["/runs/{name}"]["get"]["responses"]["200"]["content"]["application/json"]
    assert schema["schema"] == {"$ref": "#/components/schemas/RunResponse"}
    assert "/neighbors" in paths


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"inputs": " "}, 422, "blank"),
        ({"inputs": "good", "k": 0}, 422, "k"),
        ({"inputs": "good", "k": 101}, 422, "k"),
        ({"inputs": [["a", "b"]]}, 422, "inputs"),
        ({"inputs": "good", "model": "training"}, 404, "expected one of"),
    ],
)
def test_mistakes_of_neighbors(server: Server, body: Any, status: int, words: str) -> None:
    response = httpx2.post(server.url + "/neighbors", json=body, timeout=60)
    assert response.status_code == status, response.text
    assert words in response.json()["error"]["message"]


def test_server_without_runs_has_none(runs: Path) -> None:
    with serving(f"reviews={runs / NAME}") as server:
        assert get(server, "/models").json()["has_runs"] is False
        assert get(server, "/runs").json() == {"folder": None, "runs": [], "left_out": 0}
        assert get(server, "/runs/training").status_code == 404


def test_empty_folder_is_served_and_a_model_that_appears_is_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    key = tmp_path / "key"
    key.write_text("a-key-of-many-letters\n")
    headers = {"Authorization": "Bearer a-key-of-many-letters"}
    with serving(folder, options=["--api-key-file", key]) as server:
        assert get(server, "/runs").status_code == 401
        assert get(server, "/runs", **headers).json()["runs"] == []
        assert get(server, "/readyz").status_code == 200
        with munjang.Client(server.url, key=headers["Authorization"][7:]) as client:
            with pytest.raises(munjang.errors.MunjangError, match="no model is served yet"):
                client.predict("x")
            train_classifier(folder / "first")
            train_classifier(folder / "second")
            path = "/v2/repository/models/first/load"
            loaded = httpx2.post(server.url + path, headers=headers, json={}, timeout=60)
            assert loaded.json()["changed"] is True
            assert client.predict("x")
            assert [each["name"] for each in client.models()] == ["first"]
            os.kill(server.process.pid, signal.SIGHUP)
            until = time.monotonic() + TIMEOUT
            while len(client.models()) < 2:
                assert time.monotonic() < until
                time.sleep(0.05)
        assert 'munjang_model_info{name="second"' in get(server, "/metrics", **headers).text


def test_model_whose_name_is_taken_is_not_served(runs: Path) -> None:
    with serving(f"broken={runs / NAME}", runs) as server:
        found = listed(server)
        assert (found[NAME]["served"], found[NAME]["loadable"]) == (True, True)
        assert (found["broken"]["served"], found["broken"]["loadable"]) == (False, False)
        assert "another model has this name" in found["broken"]["problem"]


def test_limit_of_models_is_told(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in ("a", "b"):
        train_classifier(folder / name)
    with serving(folder, options=["--set", "limits.models=1"]) as server:
        found = listed(server)
        assert (found["a"]["served"], found["b"]["served"]) == (True, False)
        assert "limits.models" in found["b"]["problem"]


def test_mistakes_at_the_start(runs: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = invoke("serve", runs, empty)
    assert result.code == 2
    assert "expected one folder of runs, got two" in result.err
    result = invoke("serve", runs / "training")
    assert result.code == 2
    assert f"serve the folder that it is in: {runs}" in result.err
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "reviews.tsv").write_text("text\tlabel\n")
    result = invoke("serve", tmp_path / "texts")
    assert result.code == 2
    assert "or a model folder of munjang train" in result.err

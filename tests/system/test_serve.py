"""`munjang serve` with real clients: endpoints, limits, many clients, new models, stops."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import munjang
from munjang.client.requests import ServerError
from munjang.errors import MunjangError
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, invoke
from tests.system.servers import (
    QUICK,
    SENTENCES,
    Server,
    serving,
    serving_processes,
    train_classifier,
    train_language_model,
    train_pairs,
    train_translator,
)

KEY = "a-key-of-many-letters"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
UGLY = [
    "",
    " ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "👩‍👩‍👧 🇰🇷",
    "\u202eabc",
    "a\x00b\x07",
    "좋" * 5000,
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("served")
    return {
        "classifier": train_classifier(folder / "classifier"),
        "language": train_language_model(folder / "language"),
        "translator": train_translator(folder / "translator"),
        "pairs": train_pairs(folder / "pairs"),
    }


@pytest.fixture(scope="module")
def server(folders: dict[str, Path]) -> Iterator[Server]:
    with serving(*folders.values()) as started:
        yield started


@pytest.fixture(scope="module")
def strict(folders: dict[str, Path]) -> Iterator[Server]:
    """A server with a key and low limits."""
    key = folders["classifier"].with_name("key")
    key.write_text(f"{KEY}\n")
    limits = {"receive_seconds": 0.5, "header_bytes": 2048, "streams": 1, "queue_tokens": 40}
    options = [
        part for name, value in limits.items() for part in ("--set", f"limits.{name}={value}")
    ]
    models = (folders["classifier"], folders["language"])
    with serving(*models, options=[*options, "--api-key-file", key]) as started:
        yield started


def ask(server: Server, path: str, body: Any = None, **headers: str) -> httpx2.Response:
    method = "GET" if body is None else "POST"
    return httpx2.request(method, server.url + path, json=body, headers=headers, timeout=60)


def is_close(answer: list[dict[str, Any]], expected: Any) -> bool:
    scores = {each["label"]: each["score"] for each in answer}
    return answer[0]["label"] == expected.label and all(
        abs(scores[label] - value) < 1e-5 for label, value in expected.probabilities.items()
    )


def test_answers_are_those_of_the_model(server: Server, folders: dict[str, Path]) -> None:
    texts = [*make_corpus(60)[0], *UGLY]
    expected = munjang.load(folders["classifier"]).predict(texts)
    with munjang.Client(server.url) as client:
        together = client.predict(texts)
        alone = [client.predict(text) for text in texts]
    for answer, single, wanted in zip(together, alone, expected, strict=True):
        assert is_close(answer, wanted)
        assert is_close(single, wanted)


def test_answers_of_many_clients_are_never_mixed_up(
    server: Server, folders: dict[str, Path]
) -> None:
    texts = make_corpus(600, seed=3)[0]
    expected = munjang.load(folders["classifier"]).predict(texts)

    async def ask_all() -> list[Any]:
        async with munjang.AsyncClient(server.url) as client:
            room = asyncio.Semaphore(64)

            async def ask_one(text: str) -> Any:
                async with room:
                    return await client.predict(text)

            return await asyncio.gather(*map(ask_one, texts))

    found = asyncio.run(ask_all())
    assert all(map(is_close, found, expected))


def test_every_other_shape(server: Server, folders: dict[str, Path]) -> None:
    classifier = munjang.load(folders["classifier"])
    text = make_corpus(3)[0][1]
    [expected] = classifier.predict([text])
    data = ask(server, "/classify", {"input": [text, text]}).json()["data"]
    assert [each["label"] for each in data] == [expected.label] * 2
    assert len(data[0]["probs"]) == data[0]["num_classes"] == 3
    body = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}]}
    inferred = ask(server, "/v2/models/classifier/infer", {**body, "id": "7"}).json()
    assert inferred["id"] == "7"
    assert inferred["outputs"][0]["data"] == [expected.label]
    assert inferred["outputs"][1]["shape"] == [1, 3]
    explained = ask(server, "/explain", {"inputs": text}).json()
    assert explained["answer"][0]["label"] == expected.label
    assert explained["explanation"] == classifier.why(text).to_json()
    vectors = ask(server, "/embed", {"inputs": [text], "normalize": True}).json()
    assert vectors[0] == pytest.approx(
        classifier.embed([text], normalize=True)[0].tolist(), abs=1e-6
    )
    first = ask(server, "/predict", {"inputs": text, "top_k": 1}).json()
    assert len(first) == 1


def test_pairs_are_read_as_pairs(server: Server, folders: dict[str, Path]) -> None:
    pair = ("a text", "another one")
    [expected] = munjang.load(folders["pairs"]).predict([pair])
    with munjang.Client(server.url, model="pairs") as client:
        assert is_close(client.predict(pair), expected)
        assert is_close(client.predict([pair, pair])[1], expected)
        for wrong in ("one text", ["one"], [["a", "b", "c"]], ["a", "b", "c"]):
            with pytest.raises(ServerError, match="two texts"):
                client.predict(wrong)
    body = {
        "inputs": [
            {"name": name, "shape": [1], "datatype": "BYTES", "data": [text]}
            for name, text in zip(("second", "first"), pair[::-1], strict=True)
        ]
    }
    inferred = ask(server, "/v2/models/pairs/infer", body).json()
    assert inferred["outputs"][0]["data"] == [expected.label]


def test_language_model_streams_what_it_generates(server: Server, folders: dict[str, Path]) -> None:
    model = munjang.load(folders["language"])
    whole = "".join(model.generate("가나", length=40, seed=3))
    with munjang.Client(server.url, model="language") as client:
        text = client.generate("가나", max_new_tokens=40, seed=3)
        parts = list(client.stream("가나", max_new_tokens=40, seed=3))
    assert "가나" + text == whole
    assert "".join(parts) == text
    assert len(parts) > 10
    body = {"model": "language", "prompt": "가나", "max_tokens": 40, "seed": 3, "n": 1, "user": "x"}
    completed = ask(server, "/v1/completions", body).json()
    assert completed["choices"][0]["text"] == text
    assert completed["choices"][0]["finish_reason"] == "length"
    streamed = ask(server, "/v1/completions", {**body, "stream": True, "stop": "\n"}).text
    events = [line.removeprefix("data: ") for line in streamed.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    joined = "".join(json.loads(event)["choices"][0]["text"] for event in events[:-1])
    assert joined == text.partition("\n")[0]


@pytest.mark.parametrize("temperature", [5e-324, 1e-173])
def test_lowest_temperatures_take_the_likeliest_token(server: Server, temperature: float) -> None:
    texts = []
    for value in (0, temperature):
        body = {"model": "language", "prompt": "가나", "temperature": value, "seed": 1}
        response = ask(server, "/v1/completions", body)
        assert response.status_code == 200, response.text
        texts.append(response.json()["choices"][0]["text"])
    assert texts[0] == texts[1]


def test_streams_that_run_together_are_those_of_single_clients(server: Server) -> None:
    prompts = ["가나", "아자", "", "타파", "가", "나다 라", "카", "하"]

    async def write_all() -> list[str]:
        async with munjang.AsyncClient(server.url, model="language") as client:

            async def write(number: int, prompt: str) -> str:
                parts = client.stream(prompt, max_new_tokens=60, seed=number, temperature=0.8)
                return "".join([part async for part in parts])

            return await asyncio.gather(*(write(n, p) for n, p in enumerate(prompts)))

    together = asyncio.run(write_all())
    with munjang.Client(server.url, model="language") as client:
        for number, prompt in enumerate(prompts):
            options = {"max_new_tokens": 60, "seed": number, "temperature": 0.8}
            assert client.generate(prompt, **options) == together[number]


def test_translations(server: Server, folders: dict[str, Path]) -> None:
    model = munjang.load(folders["translator"])
    expected = [answer.text for answer in model.predict(SENTENCES)]
    with munjang.Client(server.url, model="translator") as client:
        assert client.translate(SENTENCES) == expected
    greedy = model.with_decoding({"method": "greedy", "beam": 1}).predict(SENTENCES[:1])[0].text
    body = {"inputs": SENTENCES[0], "model": "translator", "stream": True}
    lines = [line for line in ask(server, "/translate", body).text.split("\n\n") if line]
    parts = [json.loads(line.removeprefix("data: "))["token"]["text"] for line in lines[:-1]]
    assert "".join(parts) == greedy


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/predict", {"inputs": "x", "model": "nobody"}, 404, "expected one of classifier"),
        ("/predict", {"input": "x"}, 422, "unknown field"),
        ("/predict", {}, 422, "inputs"),
        ("/predict", {"inputs": ["x"] * 300}, 413, "at most 256 texts"),
        ("/predict", {"inputs": "x" * 200_000}, 413, "characters"),
        ("/predict", {"inputs": [["a", "b"]]}, 422, "model of two texts"),
        ("/predict", {"inputs": "x", "abstain": 0.05}, 422, "calibrat"),
        ("/predict", {"inputs": "x" * 2_000_000}, 413, "bytes"),
        ("/generate", {"inputs": "x", "model": "pairs"}, 422, "task language"),
        ("/translate", {"inputs": "x", "model": "language"}, 422, "task translate"),
        ("/classify", {"input": "x", "model": "translator"}, 422, "probabilities"),
        ("/explain", {"inputs": ["x", "y"]}, 422, "one text"),
        ("/explain", {"inputs": "x", "label": "nothing"}, 422, "unknown class"),
        ("/embed", {"inputs": "x", "pooling": "wrong"}, 422, "pooling"),
        ("/nothing", {}, 404, "openapi"),
        ("/v2/models/nobody/infer", {"inputs": []}, 404, "expected one of"),
        ("/v2/repository/models/nobody/load", {}, 404, "expected one of"),
    ],
)
def test_mistakes_are_told_in_one_line(
    server: Server, path: str, body: Any, status: int, words: str
) -> None:
    response = ask(server, path, body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert words in error["message"]
    assert "\n" not in error["message"]
    assert "Traceback" not in response.text


def test_bodies_that_are_no_json_are_refused(server: Server) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'"x"', b"nan"):
        response = httpx2.post(server.url + "/predict", content=content, headers=headers)
        assert response.status_code in (400, 422), content
    form = httpx2.post(server.url + "/predict", data={"inputs": "x"})
    assert form.status_code == 415
    assert httpx2.get(server.url + "/predict").headers["allow"] == "POST"


def test_head_of_a_response_forbids_other_sites(server: Server) -> None:
    response = ask(server, "/healthz")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "server" not in response.headers
    assert ask(server, "/predict", {"inputs": "x"}, host="evil.example").status_code == 403
    assert ask(server, "/predict", {"inputs": "x"}, origin="http://evil.example").status_code == 403


def test_state_and_metrics(server: Server) -> None:
    assert ask(server, "/readyz").json() == {"status": "ready"}
    names = [each["name"] for each in ask(server, "/models").json()["models"]]
    assert names == ["classifier", "language", "translator", "pairs"]
    assert [each["id"] for each in ask(server, "/v1/models").json()["data"]] == names
    text = ask(server, "/metrics").text
    for name in ("requests_total", "batch_texts_bucket", "queue_tokens", "model_info"):
        assert f"munjang_{name}" in text
    document = ask(server, "/openapi.json").json()
    assert "/predict" in document["paths"]


def test_random_requests_get_what_the_description_says(server: Server) -> None:
    """schemathesis makes requests from /openapi.json, valid ones and others."""
    command = Path(sys.executable).with_name("st")
    # whether a valid body can be answered depends on the model: an empty text has no reasons
    options = ("--max-examples", "3", "--exclude-checks", "positive_data_acceptance", "--no-color")
    result = subprocess.run(
        [command, "run", f"{server.url}/openapi.json", *options, "--suppress-health-check", "all"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        cwd=tempfile.gettempdir(),
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-1000:]


def send_slowly(port: int, parts: list[bytes], pause: float) -> bytes:
    """Send bytes with pauses, and return what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        received = b""
        try:
            while data := connection.recv(65536):
                received += data
        except OSError:
            pass
        return received


def test_slow_clients_are_cut_and_others_are_answered(strict: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
    slow_head = [head] + [b"X-Slow: yes\r\n"] * 30
    body = b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    authorization = f"Authorization: Bearer {KEY}\r\n".encode()
    slow_body = [head + authorization + body] + [b"x"] * 30
    for parts in (slow_head, slow_body, [b""]):
        result: list[bytes] = []

        def send(parts: list[bytes] = parts, result: list[bytes] = result) -> None:
            result.append(send_slowly(strict.port, parts, 0.05))

        thread = threading.Thread(target=send)
        thread.start()
        while thread.is_alive():
            assert ask(strict, "/predict", {"inputs": "x"}, **AUTHORIZED).status_code == 200
        assert b" 408 " in result[0]
    endless = send_slowly(strict.port, [head + b"X: " + b"y" * 4000 + b"\r\n\r\n"], 0)
    assert b" 413 " in endless
    assert b'"head_too_large"' in endless
    assert b" 400 " in send_slowly(strict.port, [b"\x16\x03\x01 no http\r\n\r\n"], 0)


def test_key_is_needed_where_there_is_one(strict: Server) -> None:
    assert ask(strict, "/healthz").status_code == 200
    response = ask(strict, "/predict", {"inputs": "x"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    with munjang.Client(strict.url, key=KEY) as client:
        assert client.predict("x")
    with (
        munjang.Client(strict.url, key="another-key-of-letters") as client,
        pytest.raises(ServerError) as raised,
    ):
        client.predict("x")
    assert raised.value.status == 401


def test_client_that_leaves_frees_its_place(strict: Server) -> None:
    with munjang.Client(strict.url, key=KEY, model="language") as client:
        for _ in range(4):
            parts = client.stream("가", max_new_tokens=2048, seed=1)
            next(parts)
            parts.close()
        assert client.generate("가", max_new_tokens=3)
    assert "munjang_abandoned_total 4.0" in ask(strict, "/metrics", **AUTHORIZED).text


def test_overloaded_server_says_when_to_come_again(strict: Server) -> None:
    async def ask_many() -> list[int]:
        async with httpx2.AsyncClient(
            base_url=strict.url, timeout=60, headers=AUTHORIZED
        ) as client:
            body = {"inputs": ["a text of some length"] * 200}
            posts = (client.post("/predict", json=body) for _ in range(60))
            responses = await asyncio.gather(*posts)
        for response in responses:
            if response.status_code == 503:
                assert int(response.headers["retry-after"]) >= 1
                assert response.json()["error"]["type"] == "overloaded"
            else:
                assert len(response.json()) == 200
        return [response.status_code for response in responses]

    assert set(asyncio.run(ask_many())) == {200, 503}
    assert ask(strict, "/predict", {"inputs": "x"}, **AUTHORIZED).status_code == 200


def test_new_model_answers_without_a_lost_request(tmp_path: Path) -> None:
    folder = train_classifier(tmp_path / "m", seed=0)
    old = munjang.load(folder)
    text = "a text that both know 17"
    with serving(folder) as server, munjang.Client(server.url) as client:
        assert client.predict(text)[0]["score"] == pytest.approx(old.predict(text)[0].probability)
        found: list[Any] = []
        is_done = threading.Event()

        def keep_asking() -> None:
            with munjang.Client(server.url) as other:
                while not is_done.is_set():
                    found.append(other.predict(text))

        threads = [threading.Thread(target=keep_asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        train_classifier(folder, seed=1, overwrite=True)
        assert ask(server, "/v2/repository/models/m/load", {}).json()["changed"] is True
        is_done.set()
        for thread in threads:
            thread.join()
        new = munjang.load(folder)
        assert client.predict(text)[0]["score"] == pytest.approx(new.predict(text)[0].probability)
        both = {round(model.predict(text)[0].probability, 5) for model in (old, new)}
        assert {round(answer[0]["score"], 5) for answer in found} <= both
        train_classifier(folder, seed=2, overwrite=True)
        os.kill(server.process.pid, signal.SIGHUP)
        newest = munjang.load(folder).predict(text)[0].probability
        until = time.monotonic() + 60
        while client.predict(text)[0]["score"] != pytest.approx(newest):
            assert time.monotonic() < until
        shutil.rmtree(folder)
        assert ask(server, "/v2/repository/models/m/load", {}).status_code == 409
        assert client.predict(text)


def test_stop_answers_accepted_requests(folders: dict[str, Path]) -> None:
    with serving(folders["language"]) as server:
        with munjang.Client(server.url) as client:
            parts = client.stream("가", max_new_tokens=600, seed=1)
            text = next(parts)
            server.process.terminate()
            text += "".join(parts)
        assert server.process.wait(60) == 128 + signal.SIGTERM
    whole = "".join(munjang.load(folders["language"]).generate("가", length=600, seed=1))
    assert "가" + text == whole


def test_several_processes_share_a_port(folders: dict[str, Path]) -> None:
    expected = munjang.load(folders["classifier"]).predict("a good text")[0]
    port = free_port()
    with serving_processes(port, folders["classifier"], "--workers", 2) as server:
        for _ in range(20):
            assert is_close(ask(server, "/predict", {"inputs": "a good text"}).json(), expected)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere"),
        (["{model}", "{model}"], "two models have the name"),
        (["{model}", "--port", "70000"], "port"),
        (["{model}", "--host", "999.1.1.1"], "cannot listen"),
        (["{model}", "--api-key-file", "nowhere"], "--api-key-file"),
        (["{model}", "--set", "limits.text=3"], "did you mean 'texts'"),
    ],
)
def test_mistakes_at_the_start(arguments: list[str], words: str, folders: dict[str, Path]) -> None:
    given = [part.format(model=folders["classifier"]) for part in arguments]
    result = invoke("serve", *given)
    assert result.code == 2
    assert words in result.err


def test_shrunk_model_with_ngrams_of_words_answers_as_before(tmp_path: Path) -> None:
    more = ["model.subword_ngrams=4", "model.subword_buckets=20000"]
    munjang.train(
        make_corpus(150), model="mean", overrides=[*QUICK, *more], out=tmp_path / "m", seed=0
    )
    munjang.shrink(tmp_path / "m", "300kB", out=tmp_path / "s")
    texts = [*make_corpus(20)[0], *UGLY]
    expected = munjang.load(tmp_path / "s").predict(texts)
    with serving(tmp_path / "s") as server, munjang.Client(server.url) as client:
        assert all(map(is_close, client.predict(texts), expected))


def test_client_says_that_nobody_answers() -> None:
    with (
        munjang.Client(f"http://127.0.0.1:{free_port()}") as client,
        pytest.raises(MunjangError, match="is munjang serve running"),
    ):
        client.predict("x")

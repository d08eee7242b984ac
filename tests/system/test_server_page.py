"""The page of `munjang serve` in a real browser: every view, errors, keyboard, input methods."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from importlib import resources
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import munjang.serving
from munjang.export.onnx.exporting import export_onnx
from munjang.tasks.metric_table import METRICS
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, invoke, start, write_table
from tests.system.devtools import Devtools, Tab, find_violations, open_devtools

KEY = "a-long-enough-key-for-a-server"
HOSTILE = "<img src=x onerror=alert(1)>"
LINES = ["가나다 라마바사 아자차카 타파하", "타파하 아자차카 가나다", "라마바사 가나다 타파하"]
SMALL = (
    *("--set", "model.dim=8", "--set", "training.epochs=2", "--set", "training.threads=1"),
    *("--set", "training.batch_size=32", "--quiet"),
)
WORDS = ("--tokenizer", "words", "--set", "model.ngram_buckets=512")
# Name, file of `tables` and options of each model.
MODELS = {
    "reviews": ("reviews", "--model", "cnn", *WORDS, "--set", "model.filters=4"),
    "other": ("reviews", "--model", "mean", *WORDS),
    "pairs": ("pairs", "--model", "mean", *WORDS),
    "distance": ("numbers", "--task", "regress", "--model", "mean", *WORDS),
    "similar": ("numbers", "--task", "similarity", "--model", "mean", *WORDS),
    "topics": ("topics", "--task", "multilabel", "--model", "mean", *WORDS),
    "masked": ("lines", "--task", "masked_lm", "--set", "model.layers=1", "--set", "model.heads=2"),
    "writer": ("lines", "--task", "language", "--set", "model.hidden_dim=8"),
    "words": ("lines", "--task", "vectors", "--set", "vectors.sample=1"),
    "german": ("translations", "--task", "translate", "--model", "seq2seq"),
}
KOREAN = "정말 영화가 지루하다 but the end is good 😀"
EXPLAINED = "document.querySelector('.why .shaded') && document.getElementById('stop').hidden"


def write_tables(folder: Path) -> dict[str, Path]:
    texts, labels = make_corpus(90, korean=True)
    named = [label.replace("so-so", HOSTILE) for label in labels]
    pairs = list(pairwise(texts))
    lines = folder / "lines.txt"
    lines.write_text("\n".join(LINES * 60) + "\n", "utf-8")
    paired = [(*pair, str(number % 2)) for number, pair in enumerate(pairs)]
    numbered = [(*pair, str(number % 6)) for number, pair in enumerate(pairs)]
    topics = [(text, "food|price" if n % 2 else "food") for n, text in enumerate(texts)]
    return {
        "reviews": write_table(folder / "reviews.csv", zip(texts, named, strict=True)),
        "pairs": write_table(folder / "pairs.csv", paired, header="question1,question2,label"),
        "numbers": write_table(folder / "n.csv", numbered, header="sentence1,sentence2,score"),
        "topics": write_table(folder / "topics.csv", topics, header="text,labels"),
        "translations": write_table(folder / "t.csv", pairs, header="source,target"),
        "lines": lines,
    }


@pytest.fixture(scope="module")
def folders(browser: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder per task, by name; without a browser none is trained."""
    folder = tmp_path_factory.mktemp("served")
    tables = write_tables(folder)
    for name, (table, *options) in MODELS.items():
        result = invoke("train", tables[table], "--out", folder / name, *options, *SMALL)
        assert result.code == 0, result.err
    return {name: folder / name for name in MODELS}


@contextmanager
def serving(*arguments: object) -> Iterator[str]:
    """A server in a process of its own, by its address."""
    process = start("serve", *arguments, "--port", 0, stdout=subprocess.DEVNULL)
    try:
        for line in process.stderr or ():
            if place := re.search(r"on (http://\S+)", line.decode()):
                yield place[1]
                return
        pytest.fail("the server did not start")
    finally:
        process.terminate()
        process.wait(TIMEOUT)


@pytest.fixture(scope="module")
def address(folders: dict[str, Path]) -> Iterator[str]:
    """A server of all models."""
    with serving(*(f"{name}={folder}" for name, folder in folders.items())) as place:
        yield place


@pytest.fixture(scope="module")
def guarded(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a key, which generates one text at a time, of any length."""
    key = tmp_path_factory.mktemp("key") / "key.txt"
    key.write_text(KEY, "utf-8")
    limits = ("--set", "limits.streams=1", "--set", "limits.new_tokens=1000000")
    with serving(folders["writer"], "--api-key-file", key, *limits) as place:
        yield place


@pytest.fixture(scope="module")
def devtools(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devtools]:
    with open_devtools(browser, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def tab(devtools: Devtools, address: str) -> Iterator[Tab]:
    """The page, ready to be asked, whose requests and console are checked in the end."""
    opened = Tab(devtools)
    open_page(opened, address)
    yield opened
    assert {urlsplit(each["url"]).netloc for each in opened.requests} == {urlsplit(address).netloc}
    opened.close()


def open_page(tab: Tab, address: str) -> None:
    tab.open(address)
    tab.wait_for("!document.getElementById('ask').hidden")


def choose(tab: Tab, field: str, name: str) -> None:
    tab.run(
        f"(() => {{ const field = document.getElementById({field!r}); field.value = {name!r};"
        "field.dispatchEvent(new Event('change')); })()"
    )


def ask(tab: Tab, *texts: str, until: str = EXPLAINED) -> str:
    """Type texts, press Enter, and return the first panel as text when `until` is true."""
    for number, text in enumerate(texts):
        tab.run(f"document.querySelectorAll('textarea')[{number}].select()")
        tab.type(text)
    tab.enter()
    tab.wait_for(until)
    return read_panel(tab)


def read_panel(tab: Tab) -> str:
    text: str = tab.run("document.querySelector('.panel').innerText")
    return text


def click(tab: Tab, selector: str) -> None:
    tab.run(f"document.querySelector({selector!r}).click()")


def sent(tab: Tab, path: str) -> list[dict[str, object]]:
    """Bodies of the requests to a path."""
    return [
        json.loads(each["postData"])
        for each in tab.requests
        if urlsplit(each["url"]).path == path and each["method"] == "POST"
    ]


def test_classification_has_probabilities_and_reasons(tab: Tab) -> None:
    text = ask(tab, KOREAN)
    [classified] = sent(tab, "/classify")
    assert classified == {"model": "reviews", "input": KOREAN}
    assert "classification, cnn" in text
    assert re.search(r"Answer: .+ \d+\.\d %", text)
    probabilities = [float(number) for number in re.findall(r"^(0\.\d{4})$", text, re.MULTILINE)]
    assert len(probabilities) == 3
    assert sum(probabilities) == pytest.approx(1, abs=2e-4)
    assert probabilities == sorted(probabilities, reverse=True)
    shaded = tab.run("[...document.querySelectorAll('.shaded')].map((p) => p.textContent)")
    assert shaded == [KOREAN]
    words = tab.run(
        "[...document.querySelectorAll('.tables th[scope=row]')].map((w) => w.innerText)"
    )
    assert {"정말", "지루하다", "😀", "base", "score"} <= set(words)
    assert tab.run("document.querySelectorAll('.shaded .up, .shaded .down').length") > 0
    assert tab.console == []
    assert find_violations(tab) == []


def test_an_exported_folder_answers_without_reasons(
    devtools: Devtools, folders: dict[str, Path], tmp_path: Path
) -> None:
    with serving(export_onnx(folders["reviews"], tmp_path / "out").folder) as place:
        opened = Tab(devtools)
        open_page(opened, place)
        idle = "!document.querySelector('.panel').hasAttribute('aria-busy')"
        text = ask(opened, KOREAN, until=f"document.querySelector('.panel table') && {idle}")
        assert "classification, cnn" in text
        assert re.search(r"Answer: .+ \d+\.\d %", text)
        assert sent(opened, "/explain") == []
        assert not opened.run(
            "[...document.querySelectorAll('h3')].some((h) => h.checkVisibility())"
        )
        assert opened.console == []
        opened.close()


def test_labels_and_texts_are_inert(tab: Tab) -> None:
    text = ask(tab, f"{HOSTILE} <script>alert(1)</script> \u202e 지루하다")
    assert HOSTILE in text
    assert "⟨U+202E⟩" in text
    assert tab.run("document.querySelectorAll('main img, main script').length") == 0
    assert tab.console == []


def test_two_models_answer_side_by_side(tab: Tab) -> None:
    choose(tab, "beside", "other")
    ask(tab, "정말 재미있다", until="document.querySelectorAll('.why .shaded').length === 2")
    assert {body["model"] for body in sent(tab, "/classify")} == {"reviews", "other"}
    places = tab.run(
        "[...document.querySelectorAll('.panel')].map((p) => p.getBoundingClientRect().x)"
    )
    assert places[0] < places[1]
    assert find_violations(tab) == []
    assert tab.console == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pairs", r"Answer: .+ \d+\.\d %"),
        ("distance", r"number\s+-?\d+\.\d{4}"),
        ("similar", r"cosine of the vectors\s+-?\d+\.\d{4}"),
    ],
)
def test_models_of_two_texts_have_two_boxes(tab: Tab, name: str, expected: str) -> None:
    choose(tab, "model", name)
    assert re.search(expected, ask(tab, "정말 재미있다", "별로다"))
    [explained] = sent(tab, "/explain")
    assert explained["inputs"] == ["정말 재미있다", "별로다"]
    shaded = tab.run("[...document.querySelectorAll('.shaded')].map((p) => p.textContent)")
    assert shaded == ["정말 재미있다", "별로다"]
    assert tab.console == []


def test_several_labels(tab: Tab) -> None:
    choose(tab, "model", "topics")
    text = ask(tab, "영화 배우")
    assert "Answer:" in text
    assert "Probabilities" in text
    assert tab.console == []


def test_masks_are_filled_and_explained_on_request(tab: Tab) -> None:
    choose(tab, "model", "masked")
    tab.run("document.querySelector('textarea').focus()")
    tab.type("가나다 ")
    click(tab, "#boxes button")
    assert tab.run("document.querySelector('textarea').value") == "가나다 [MASK]"
    tab.enter()
    tab.wait_for("document.querySelector('.why button')")
    text = read_panel(tab)
    assert "Tokens for [MASK] 1" in text
    assert len(re.findall(r"^\S*\d\.\d", text, re.MULTILINE)) >= 5
    assert sent(tab, "/explain") == []
    click(tab, ".why button")
    tab.wait_for(EXPLAINED)
    assert tab.run("document.activeElement.tagName") == "SUMMARY"
    assert find_violations(tab) == []
    assert tab.console == []


def test_neighbors_of_a_word_of_the_text(tab: Tab) -> None:
    ask(tab, f"{KOREAN} {HOSTILE}")
    words = tab.run("[...document.querySelectorAll('.words button')].map((b) => b.innerText)")
    assert words[:3] == ["정말", "영화가", "지루하다"]
    assert len(words) == len(set(words))
    tab.run("document.querySelector('.words button').focus()")
    tab.press(" ", 32, " ")
    tab.wait_for("document.querySelector('.words ~ div td')")
    assert tab.run("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert "Words nearest to 정말" in read_panel(tab)
    click(tab, ".words button:nth-child(3)")
    tab.wait_for("document.querySelector('.panel').innerText.includes('nearest to 지루하다')")
    asked = [(body["inputs"], body["k"]) for body in sent(tab, "/neighbors")]
    assert asked == [("정말", 10), ("지루하다", 10)]
    cosines = tab.run(
        "[...document.querySelectorAll('.words ~ div td')].map((c) => Number(c.innerText))"
    )
    assert len(cosines) == 10
    assert cosines == sorted(cosines, reverse=True)
    assert tab.run("document.querySelectorAll('.words [aria-pressed=true]').length") == 1
    assert find_violations(tab) == []
    assert tab.console == []


def test_neighbors_are_offered_for_both_texts_and_for_word_vectors(tab: Tab) -> None:
    choose(tab, "model", "pairs")
    ask(tab, "정말 재미있다", "별로다")
    assert "별로다" in tab.run("document.querySelector('.words').innerText")
    choose(tab, "model", "words")
    ask(tab, "가나다 zzz", until="document.querySelector('.words button')")
    click(tab, ".words button:nth-child(2)")
    tab.wait_for("document.querySelector('.words ~ .status .wrong, .words ~ div td')")


def test_nearest_words(tab: Tab) -> None:
    choose(tab, "model", "words")
    text = ask(tab, "가나다", until="document.querySelector('td')")
    assert "Nearest words" in text
    assert "Why" not in text
    ask(tab, "zzz", until="!document.querySelector('td')")
    assert tab.console == []


def test_translation_whole_and_streamed(tab: Tab) -> None:
    choose(tab, "model", "german")
    text = ask(tab, "정말 영화", until="document.querySelector('td')")
    assert "Candidates" in text
    click(tab, "#setting-stream")
    text = ask(tab, "정말 영화", until="document.querySelector('.written')?.innerText")
    tab.wait_for("document.getElementById('stop').hidden")
    assert re.search(r"(complete|Reached the limit): [\d,]+ tokens", read_panel(tab))
    assert [body.get("stream") for body in sent(tab, "/translate")] == [None, True]
    assert tab.console == []


def test_generation_streams_with_settings(tab: Tab) -> None:
    choose(tab, "model", "writer")
    for name, value in {"tokens": 12, "temperature": 0.5, "seed": 7}.items():
        tab.run(f"document.getElementById('setting-{name}').value = {value}")
    done = "document.getElementById('stop').hidden && document.querySelector('.status p')"
    first = ask(tab, "가나다 ", until=done)
    [body] = sent(tab, "/generate")
    assert body["parameters"] == {"max_new_tokens": 12, "temperature": 0.5, "seed": 7}
    assert re.search(r"(complete|Reached the limit): \d+ tokens in", first)
    written = "document.querySelector('.written').textContent"
    text = tab.run(written)
    assert text.startswith("가나다 ")
    tab.enter()
    tab.wait_for(done)
    assert tab.run(written) == text
    assert find_violations(tab) == []
    assert tab.console == []


def test_generation_stops(tab: Tab) -> None:
    choose(tab, "model", "writer")
    tab.run("document.getElementById('setting-tokens').value = 2048")
    ask(tab, "", until="document.querySelector('.written')?.innerText.length > 3")
    tab.run("document.getElementById('stop').focus()")
    tab.press(" ", 32, " ")
    tab.wait_for("document.getElementById('stop').hidden")
    assert "Stopped." in read_panel(tab)
    assert len(tab.run("document.querySelector('.written').innerText")) > 3
    assert tab.run("document.activeElement.id") == "submit"


def test_nothing_is_sent_while_hangul_is_composed(tab: Tab) -> None:
    for syllable in ("ㅎ", "하", "한"):
        tab.compose(syllable)
    assert tab.run("document.querySelector('textarea').value") == "한"
    tab.press("Enter", 13)
    click(tab, "#submit")
    tab.run("new Promise((done) => setTimeout(done, 100))")
    assert sent(tab, "/classify") == []
    tab.type("한")  # the input method commits the syllable
    tab.wait_for(EXPLAINED)
    assert [body["input"] for body in sent(tab, "/classify")] == ["한"]


def test_shift_and_enter_begins_a_line(tab: Tab) -> None:
    tab.type("하나")
    tab.enter(modifiers=8)
    tab.type("둘")
    tab.enter()
    tab.wait_for(EXPLAINED)
    assert [body["input"] for body in sent(tab, "/classify")] == ["하나\n둘"]


def test_refused_request_is_shown(tab: Tab) -> None:
    tab.run(f"document.querySelector('textarea').value = 'a'.repeat({100_001})")
    tab.enter()
    tab.wait_for("document.querySelector('.panel .wrong')")
    assert "expected at most 100,000 characters, got 100,001" in read_panel(tab)
    assert find_violations(tab) == []


def test_server_that_is_gone_is_shown_and_asked_again(tab: Tab) -> None:
    tab.set_offline(True)
    ask(tab, "정말", until="document.querySelector('.panel .wrong')")
    assert "cannot be reached" in read_panel(tab)
    tab.set_offline(False)
    click(tab, ".panel .wrong button")
    tab.wait_for(EXPLAINED)


def test_key_is_asked_for_and_kept_in_memory_only(devtools: Devtools, guarded: str) -> None:
    tab = Tab(devtools)
    tab.open(guarded)
    tab.wait_for("!document.getElementById('key-form').hidden")
    assert tab.run("document.activeElement.id") == "key"
    assert "answers only with its key" in tab.run("document.body.innerText")
    assert find_violations(tab) == []
    enter_key(tab, "wrong")
    tab.wait_for("document.body.innerText.includes('does not accept this key')")
    enter_key(tab, KEY)
    tab.wait_for("!document.getElementById('ask').hidden")
    assert tab.run("document.getElementById('key-form').hidden")
    assert tab.run("document.cookie + localStorage.length + sessionStorage.length") == "00"
    tab.close()


def enter_key(tab: Tab, key: str) -> None:
    tab.run("document.getElementById('key').select()")
    tab.type(key)
    tab.enter()


@contextmanager
def endless_texts(address: str, *, is_overloaded: bool) -> Iterator[None]:
    """Keep a server busy with a text; if overloaded, also with those that wait for its end."""
    with ExitStack() as connections:
        status = request_endless_text(address, connections, TIMEOUT)
        while is_overloaded and status != 503:
            status = request_endless_text(address, connections, 2)
        yield


def request_endless_text(address: str, connections: ExitStack, seconds: float) -> int | None:
    """Return the status of the response, or None if the text waits for its turn."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=seconds)
    connections.callback(connection.close)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    body = {"parameters": {"max_new_tokens": 1_000_000, "temperature": 1}, "stream": True}
    connection.request("POST", "/generate", json.dumps(body), headers)
    try:
        return connection.getresponse().status
    except TimeoutError:
        return None


def open_with_key(devtools: Devtools, address: str) -> Tab:
    tab = Tab(devtools)
    tab.open(address)
    tab.wait_for("!document.getElementById('key-form').hidden")
    enter_key(tab, KEY)
    tab.wait_for("!document.getElementById('ask').hidden")
    return tab


def test_slow_answer_has_a_sign_and_can_be_stopped(devtools: Devtools, guarded: str) -> None:
    tab = open_with_key(devtools, guarded)
    with endless_texts(guarded, is_overloaded=False):  # the next text waits for its end
        ask(tab, "가나다", until="document.querySelector('[role=status] .waiting .spinner')")
        assert "Waiting for the answer" in read_panel(tab)
        tab.wait_for("/, [2-9] s/.test(document.querySelector('.waiting').innerText)")
        assert find_violations(tab) == []
        click(tab, "#stop")
        tab.wait_for("document.getElementById('stop').hidden")
        assert "Stopped." in read_panel(tab)
    tab.close()


def test_overloaded_server_says_when_to_try_again(devtools: Devtools, guarded: str) -> None:
    tab = open_with_key(devtools, guarded)
    with endless_texts(guarded, is_overloaded=True):
        ask(tab, "가나다", until="document.querySelector('.panel .wrong')")
        assert "Too many requests are waiting. Try again in 2 s." in read_panel(tab)
        assert find_violations(tab) == []
    # the server may need a moment to see that the others have left
    until = time.monotonic() + TIMEOUT
    while not tab.run("/(complete|Reached)/.test(document.querySelector('.panel').innerText)"):
        assert time.monotonic() < until, read_panel(tab)
        if tab.run("Boolean(document.querySelector('.panel .wrong button'))"):
            click(tab, ".panel .wrong button")
        time.sleep(0.2)
    tab.close()


@pytest.mark.parametrize("name", ["reviews", "writer"])
@pytest.mark.parametrize(
    ("scheme", "width", "language"), [("dark", 1100, "en"), ("light", 360, "ko")]
)
def test_dark_and_narrow_and_korean(
    devtools: Devtools, address: str, name: str, scheme: str, width: int, language: str
) -> None:
    tab = Tab(devtools, width=width, language=language)
    tab.prefer(scheme)
    open_page(tab, address)
    choose(tab, "model", name)
    ask(
        tab,
        "가나다 " + "아주긴단어" * 30,
        until="document.getElementById('stop').hidden && document.querySelector('.status p')",
    )
    assert tab.run("document.documentElement.lang") == language
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    ground = tab.run("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(21, 23, 28)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert find_violations(tab) == []
    assert tab.console == []
    tab.close()


def test_language_can_be_switched(tab: Tab) -> None:
    ask(tab, "정말")
    choose(tab, "language", "ko")
    text = tab.run("document.body.innerText")
    assert "이 답의 이유" in text
    assert not re.search("Answer|Probabilities|Why this", text)
    choose(tab, "language", "en")
    assert "Why this answer" in tab.run("document.body.innerText")


def test_page_is_small() -> None:
    page = resources.files(munjang.serving) / "page"
    with resources.as_file(page) as folder:
        files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    assert not any(re.search(rb"https?://(?!www\.w3\.org)", path.read_bytes()) for path in files)


def test_every_text_of_the_page_is_in_both_languages() -> None:
    page = Path(str(resources.files(munjang.serving) / "page"))
    table = (page / "words.js").read_text("utf-8")
    rows = re.findall(r'^  "([\w.]+)": \[\s*"(.+?)",\s*"(.+?)",?\s*\],$', table, re.MULTILINE)
    assert len(rows) == len(re.findall(r'^  "[\w.]+": \[', table, re.MULTILINE))
    for _, english, korean in rows:
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", korean))
    files = [path for path in page.rglob("*") if path.suffix in (".js", ".html")]
    source = "\n".join(path.read_text("utf-8") for path in files if path.name != "words.js")
    groups = "|".join({key.partition(".")[0] for key, *_ in rows if "." in key})
    used = {
        *re.findall(r'phrase\(\s*"\w+",\s*"([\w.]+)"', source),
        *re.findall(r'data-words="([\w.]+)"', source),
        *re.findall(rf'"((?:{groups})\.\w+)"', source),
    }
    keys = {key for key, *_ in rows}
    assert used - keys == set()
    named_elsewhere = ("written.", "metric.")
    assert {key for key in keys - used if not key.startswith(named_elsewhere)} == set()
    assert {f"metric.{name}" for name in METRICS} <= keys

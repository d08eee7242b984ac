"""The runs on the page of `munjang serve`, in a real browser, also while one is trained."""

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.run_folders import (
    append_records,
    comparison_results,
    search_results,
    write_comparison,
    write_search,
    write_training,
)
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, start, write_table
from tests.system.devtools import Devtools, Tab, find_violations, open_devtools
from tests.system.servers import Server, serving, train_classifier

HOSTILE = "<img src=x onerror=alert(1)>\u202e"
# As the name of a folder, which has no slash.
HOSTILE_NAME = "<b onclick=alert(1)>가\u202e#?%41&"
KEY = "a-key-of-many-letters"
LISTED = "document.querySelector('table.runs tbody tr')"
DRAWN = "document.querySelector('.plot polyline')"


@pytest.fixture(scope="module")
def runs(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, some of which are hostile."""
    folder = tmp_path_factory.mktemp("served") / "runs"
    model = train_classifier(folder / "reviews")
    (model / "report.html").write_text("<title>The report</title><p id=x>it</p>")
    write_training(folder / "training", steps=400)
    write_training(folder / HOSTILE_NAME)
    write_comparison(folder / "compared")
    (folder / "compared" / "compare.html").write_text("<p>all of it</p>")
    write_comparison(folder / "stopped", is_finished=False)
    write_search(folder / "tuned", trials=12)
    write_hostile_runs(folder)
    (folder / "half").mkdir()
    (folder / "half" / "tune.json").write_text('{"metric"')
    return folder


def write_hostile_runs(folder: Path) -> None:
    """Write a comparison and a search whose texts would like to be HTML."""
    results = comparison_results()
    for row in results["standings"]:
        row |= {"name": HOSTILE, "verdict": HOSTILE, "reasons": [HOSTILE], "runs": 1}
    results |= {"metric": HOSTILE, "machine": HOSTILE, "choice": {"name": HOSTILE, "why": HOSTILE}}
    results["curves"][0]["name"] = HOSTILE
    path = write_comparison(folder / "hostile comparison") / "compare.json"
    path.write_text(json.dumps(results))
    found = search_results(4)
    for trial in found["trials"]:
        trial |= {"settings": {HOSTILE: HOSTILE}, "note": HOSTILE, "ended": HOSTILE}
    found |= {"metric": HOSTILE, "task": HOSTILE, "best": found["trials"][1]}
    (write_search(folder / "hostile search") / "tune.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[Server]:
    with serving(runs) as started:
        yield started


@pytest.fixture(scope="module")
def devtools(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devtools]:
    with open_devtools(browser, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def tab(devtools: Devtools, server: Server) -> Iterator[Tab]:
    """A page, whose requests and console are checked in the end."""
    opened = Tab(devtools)
    yield opened
    assert {urlsplit(each["url"]).netloc for each in opened.requests} == {
        urlsplit(server.url).netloc
    }
    assert opened.console == []
    opened.close()


def open_run(tab: Tab, server: Server, name: str, until: str = DRAWN) -> str:
    """Open the page of a run, and return it as text when `until` is true."""
    tab.open(f"{server.url}/#runs/{quote(name, safe='')}")
    tab.wait_for(until)
    return read(tab)


def read(tab: Tab) -> str:
    text: str = tab.run("document.body.innerText")
    return text


def row_of(tab: Tab, name: str) -> list[str]:
    """Texts of the cells of a run in the list."""
    cells: list[str] = tab.run(
        "[...document.querySelectorAll('table.runs tbody tr')].map((row) =>"
        "[...row.children].map((cell) => cell.innerText))"
        f".find(([first]) => first.startsWith({name!r}))"
    )
    return cells


def click(tab: Tab, selector: str) -> None:
    tab.run(f"document.querySelector({selector!r}).click()")


def test_list_tells_of_every_run(tab: Tab, server: Server, runs: Path) -> None:
    tab.open(f"{server.url}/")
    tab.wait_for("!document.getElementById('views').hidden")
    assert tab.run("!document.getElementById('ask').hidden")
    click(tab, "#views a[href='#runs']")
    tab.wait_for(LISTED)
    assert tab.run("document.activeElement.id") == "title"
    assert tab.run("document.title") == "Runs – Munjang"
    assert tab.run("document.getElementById('try').hidden")
    kinds = {name: row_of(tab, name)[1:5] for name in ("reviews", "training", "compared", "tuned")}
    assert kinds["training"] == ["model", "stopped", "step 400", "macro F1 0.8000"]
    assert kinds["compared"] == ["comparison", "finished", "3 models", "accuracy 0.9000"]
    assert kinds["tuned"] == ["search", "finished", "12 trials", "accuracy 0.9000"]
    assert kinds["reviews"][:2] == ["model", "finished"]
    assert "is damaged" in row_of(tab, "half")[0]
    assert row_of(tab, "stopped")[3] == "1/4 runs"
    assert find_violations(tab) == []


def test_focus_stays_while_the_list_is_refreshed(tab: Tab, server: Server, runs: Path) -> None:
    tab.open(f"{server.url}/#runs")
    tab.wait_for(LISTED)
    tab.run("document.querySelector('table.runs a[href=\"#runs/training\"]').focus()")
    append_records(runs / "training", [{"step": 410, "part": "train", "loss": 0.1}])
    tab.wait_for("document.body.innerText.includes('step 410')")
    assert tab.run("document.activeElement.hash") == "#runs/training"
    assert tab.run("document.querySelector('table.runs tbody tr a').hash") == "#runs/training"
    tab.enter()
    tab.wait_for(DRAWN)
    assert tab.run("document.querySelector('h1').innerText") == "training"


def test_curves_have_a_mark_and_a_table(tab: Tab, server: Server) -> None:
    text = open_run(tab, server, "training")
    titles = tab.run("[...document.querySelectorAll('figcaption b')].map((b) => b.innerText)")
    assert titles == ["loss", "macro F1", "log loss", "learning rate"]
    assert "best macro F1 0.8000 at step 20" in text
    assert "900 tokens/s" in text
    assert find_violations(tab) == []
    tab.run("document.querySelector('.mark input').focus()")
    tab.press("Home", 36)
    assert tab.run("document.querySelector('.mark output').innerText") == "10"
    tab.press("ArrowRight", 39)
    spoken = tab.run("document.querySelector('.mark input').getAttribute('aria-valuetext')")
    assert spoken == "20; loss 0.2500; macro F1 0.8000; log loss 1.0000; learning rate 0.0010"
    assert tab.run("document.querySelectorAll('.plot .marked').length") == 4
    about = tab.run("document.querySelector('.plot title').textContent")
    assert about.startswith("loss: ")
    click(tab, "details summary")
    tab.wait_for("document.querySelector('.points td')")
    rows = tab.run("[...document.querySelectorAll('.points tbody tr')].map((row) => row.innerText)")
    assert rows[1].split() == ["20", "0.2500", "0.8000", "1.0000", "0.0010"]
    assert find_violations(tab) == []


def test_charts_follow_the_pointer(tab: Tab, server: Server) -> None:
    open_run(tab, server, "training")
    box = tab.run("JSON.stringify(document.querySelector('.plot svg').getBoundingClientRect())")
    box = json.loads(box)
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 40}
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", **at)
    tab.wait_for("document.querySelector('.mark output').innerText !== '410'")
    assert 150 < int(tab.run("document.querySelector('.mark output').innerText")) < 250


def test_comparison_has_its_table_and_curves(tab: Tab, server: Server) -> None:
    text = open_run(tab, server, "compared")
    assert "Choice: cnn (it is the best)" in text
    cells = tab.run("[...document.querySelectorAll('tbody tr')].map((row) => row.innerText)")
    assert cells[0].split("\t")[:3] == ["cnn", "0.9000", "0.880–0.920"]
    assert "worse as trained" in cells[1]
    assert cells[2].startswith("rnn (0/2)")
    assert "out of memory" in cells[2]
    assert "The whole comparison" in text
    assert find_violations(tab) == []


def test_comparison_that_was_stopped_has_its_runs(tab: Tab, server: Server) -> None:
    text = open_run(tab, server, "stopped", until="document.querySelector('tbody td')")
    assert "1/4 runs" in text
    assert "failed" in text
    assert text.count("waiting") == 3
    assert find_violations(tab) == []


def test_search_has_settings_and_trials(tab: Tab, server: Server) -> None:
    text = open_run(tab, server, "tuned")
    assert "best accuracy 0.9000 in trial 2" in text
    settings, *_, trials = tab.run(
        "[...document.querySelectorAll('table')].map((table) => table.innerText)"
    )
    assert "75.0 %" in settings
    assert "model.widths=[2, 3]" in trials
    assert "pruned" in trials
    assert find_violations(tab) == []


@pytest.mark.parametrize("name", ["hostile comparison", "hostile search", HOSTILE_NAME])
def test_hostile_names_and_texts_are_inert(tab: Tab, server: Server, name: str) -> None:
    tab.open(f"{server.url}/#runs")
    tab.wait_for(LISTED)
    assert "<b onclick=alert(1)>가⟨U+202E⟩#?%41&" in read(tab)
    is_drawn = DRAWN if name != "hostile search" else "document.querySelector('.points td')"
    text = open_run(tab, server, name, until=is_drawn)
    assert "⟨U+202E⟩" in text
    assert "\u202e" not in text
    made = "document.querySelectorAll('main img, main script, main b[onclick]').length"
    assert tab.run(made) == 0
    if name != "hostile search":
        click(tab, "details summary")
        tab.wait_for("document.querySelector('.points td')")
    assert tab.run(made) == 0
    assert find_violations(tab) == []


def test_damaged_run_says_why(tab: Tab, server: Server) -> None:
    text = open_run(tab, server, "half", until="document.querySelector('.status .wrong')")
    assert "tune.json is damaged" in text
    assert find_violations(tab) == []


def test_report_opens_apart(tab: Tab, devtools: Devtools, server: Server) -> None:
    open_run(tab, server, "reviews")
    link = tab.run("document.querySelector('#runs a').href")
    assert link == f"{server.url}/runs/reviews/pages/report"
    assert tab.run("document.querySelector('#runs a').rel") == "noopener"
    report = Tab(devtools)
    report.open(link)
    assert report.run("document.title + document.getElementById('x').innerText") == "The reportit"
    assert report.run("origin") == "null"
    report.close()


def test_model_of_a_run_can_be_tried(tab: Tab, server: Server) -> None:
    open_run(tab, server, "reviews")
    click(tab, "#runs button")
    tab.wait_for("!document.getElementById('try').hidden")
    assert tab.run("document.getElementById('model').value") == "reviews"
    assert tab.run("document.activeElement.tagName") == "TEXTAREA"


def test_unknown_run_is_refused(devtools: Devtools, server: Server) -> None:
    tab = Tab(devtools)
    text = open_run(tab, server, "nobody", until="document.querySelector('.status .wrong')")
    assert "no run 'nobody' in this folder" in text
    tab.open(f"{server.url}/#runs/%E0%A4%A")  # no valid address: the list
    tab.wait_for(LISTED)
    tab.close()


@pytest.mark.parametrize("name", ["", "training", "compared", "tuned", "stopped", HOSTILE_NAME])
@pytest.mark.parametrize(
    ("scheme", "width", "language"), [("dark", 1100, "en"), ("light", 360, "ko")]
)
def test_dark_and_narrow_and_korean(
    devtools: Devtools, server: Server, name: str, scheme: str, width: int, language: str
) -> None:
    tab = Tab(devtools, width=width, language=language)
    tab.prefer(scheme)
    has_curves = name not in ("", "stopped")
    open_run(tab, server, name, until=DRAWN if has_curves else "document.querySelector('#runs td')")
    assert tab.run("document.documentElement.lang") == language
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    widths = tab.run("[...document.querySelectorAll('.plot svg')].map((s) => s.clientWidth)")
    assert all(200 < each < width for each in widths)
    assert find_violations(tab) == []
    assert tab.console == []
    tab.close()


def test_language_can_be_switched_in_any_view(tab: Tab, server: Server) -> None:
    open_run(tab, server, "training")
    tab.run(
        "(() => { const field = document.getElementById('language'); field.value = 'ko';"
        "field.dispatchEvent(new Event('change')); })()"
    )
    text = read(tab)
    assert "학습률" in text
    assert "macro" not in text
    click(tab, "#views a[href='#runs']")
    tab.wait_for(LISTED)
    assert "최고 점수" in read(tab)
    assert "best score" not in read(tab)
    assert tab.run("document.title") == "실행 기록 – Munjang"


def test_server_that_is_gone_is_told_and_found_again(devtools: Devtools, server: Server) -> None:
    tab = Tab(devtools)
    open_run(tab, server, "training")
    tab.set_offline(True)
    tab.wait_for("document.querySelector('.status .wrong')")
    assert "cannot be reached" in read(tab)
    assert tab.run(f"Boolean({DRAWN})")
    tab.set_offline(False)
    tab.wait_for("!document.querySelector('.status .wrong')")
    tab.close()


def test_training_that_goes_on_while_one_looks(devtools: Devtools, tmp_path: Path) -> None:
    """From an empty folder to a model that answers, without a reload of the page."""
    texts, labels = make_corpus(400, korean=True)
    data = write_table(tmp_path / "data.csv", zip(texts, labels, strict=True))
    folder = tmp_path / "runs"
    folder.mkdir()
    small = ("--set", "model.dim=8", "--set", "training.threads=1")
    endless = (*small, "--set", "training.epochs=5000", "--set", "training.batch_size=16")
    with serving(folder) as server:
        tab = Tab(devtools)
        tab.open(server.url)
        tab.wait_for("document.body.innerText.includes('Nothing has been trained')")
        assert tab.run("location.hash") == "#runs"
        assert find_violations(tab) == []
        out = folder / "학습"
        process = start("train", data, "--model", "mean", "--out", out, *endless, "--quiet")
        tab.wait_for(f"{LISTED} && document.querySelector('.state.running')")
        click(tab, "table.runs a")
        tab.wait_for(DRAWN)
        step = "Number(document.querySelector('.mark output').innerText.replace(',', ''))"
        before = tab.run(step)
        tab.wait_for(f"{step} > {before}")
        assert "training" in tab.run("document.querySelector('.facts').innerText")
        tab.run("document.querySelector('.mark input').focus()")
        tab.press("Home", 36)
        first = tab.run(step)
        points = "document.querySelector('.mark input').max"
        count = int(tab.run(points))
        tab.wait_for(f"Number({points}) > {count}")
        assert tab.run(step) == first
        assert tab.run("document.activeElement.type") == "range"
        click(tab, "#views a[href='#runs']")
        tab.wait_for(LISTED)
        process.send_signal(signal.SIGINT)
        process.communicate()
        tab.wait_for("document.querySelector('.state.stopped')")
        shutil.rmtree(out)
        process = start("train", data, "--model", "mean", "--out", out, *small, "--quiet")
        process.communicate()
        assert process.returncode == 0
        tab.wait_for("document.querySelector('.state.finished')")
        click(tab, "table.runs a")
        tab.wait_for("document.querySelector('#runs button')")
        click(tab, "#runs button")
        tab.wait_for("document.getElementById('model').value === '학습'")
        tab.wait_for("document.activeElement.tagName === 'TEXTAREA'")
        tab.type("정말 재미있다")
        tab.enter()
        tab.wait_for("document.querySelector('.panel td')")
        assert tab.console == []
        tab.close()


def test_key_is_needed_for_the_runs(devtools: Devtools, runs: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    key.write_text(KEY)
    with serving(runs, options=["--api-key-file", key]) as server:
        tab = Tab(devtools)
        tab.save_downloads(tmp_path)
        tab.open(f"{server.url}/#runs/reviews")
        tab.wait_for("!document.getElementById('key-form').hidden")
        assert tab.run("document.getElementById('runs').hidden")
        tab.run("document.getElementById('key').select()")
        tab.type(KEY)
        tab.enter()
        tab.wait_for(DRAWN)
        click(tab, "#runs a")  # a link cannot carry the key: the report is saved
        saved = tmp_path / "report.html"
        until = time.monotonic() + TIMEOUT
        while not saved.exists():
            assert time.monotonic() < until, read(tab)
            time.sleep(0.05)
        assert "The report" in saved.read_text()
        assert urlsplit(tab.run("location.href")).fragment == "runs/reviews"
        assert "unauthorized" not in read(tab)
        tab.close()


def test_first_view_needs_few_requests(devtools: Devtools, server: Server) -> None:
    tab = Tab(devtools)
    tab.open(f"{server.url}/#runs")
    tab.wait_for(LISTED)
    asked = [urlsplit(each["url"]).path for each in tab.requests]
    assert [path for path in asked if not path.endswith((".js", ".css", ".svg"))][:3] == [
        "/",
        "/models",
        "/runs",
    ]
    tab.close()

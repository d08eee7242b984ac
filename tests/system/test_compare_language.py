"""`munjang compare` on running text: table, page, files, baselines, tokenizers, resuming."""

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.system.browsers import Page
from tests.system.commands import call
from tests.system.comparisons import HOSTILE, SMALL, compare_here, read_standings

MODELS = ("lstm", "transformer", "kneser-ney", "character-frequencies")
OPTIONS = (
    *("--task", "language", "--seeds", 1, "--budget", "20k tokens"),
    *("--set", "training.batch_size=8", "--set", "data.window=16", *SMALL),
)
FIGURES = ("bits_per_character", "bits_per_byte", "cross_entropy", "perplexity")


def make_lines(count: int) -> list[str]:
    """Lines of a few words that follow each other, with a blank one after each third."""
    random = np.random.default_rng(0)
    words = (["영희는", "Anna", "철수는"], ["밥을", "책을"], ["먹는다.", "읽는다.", "reads"])
    lines = [" ".join(random.choice(few) for few in words) for _ in range(count)]
    return [line for n, one in enumerate(lines) for line in ([one, ""] if n % 3 == 2 else [one])]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    lines = make_lines(300)
    lines[-40] = HOSTILE
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def compared(text: Path) -> Path:
    out = text.with_name("compared")
    result = compare_here("compare", text, "--models", ",".join(MODELS), "--out", out, *OPTIONS)
    assert result.code == 0, result.err
    assert "compare models of the same tokens only" in " ".join(result.out.split())
    return out


def test_parts_are_the_text_in_its_order(text: Path, compared: Path) -> None:
    parts = [
        pl.read_parquet(compared / f"data/{name}.parquet") for name in ("train", "valid", "test")
    ]
    lines = pl.concat(parts)["text"].to_list()
    assert "\n".join(lines) + "\n" == text.read_text("utf-8")
    assert all(len(part) > 20 for part in parts)


def test_standings_have_figures_of_networks_and_baselines(compared: Path) -> None:
    rows = read_standings(compared)
    assert set(rows) == set(MODELS)
    for row in rows.values():
        assert set(row["figures"]) == set(FIGURES)
        assert (
            row["score"] == row["figures"]["bits_per_character"] > row["figures"]["bits_per_byte"]
        )
        assert row["over_rows"]["low"] <= row["score"] <= row["over_rows"]["high"]
        assert 0 < row["p50"] <= row["p99"]
    ngrams, constant = rows["kneser-ney"], rows["character-frequencies"]
    assert ngrams["score"] < constant["score"] - 1
    assert [row["is_constant"] for row in (ngrams, constant)] == [False, True]
    assert constant["verdict"] in ("constant", "worse")
    assert rows["lstm"]["tokens_per_second"] > 0
    with (compared / "compare.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            assert float(line["score"]) == rows[line["name"]]["score"]


@pytest.mark.parametrize("model", MODELS)
def test_models_are_used_like_any_other(
    model: str, compared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = compared / f"runs/{model}/seed-0/model"
    scores = json.loads(
        call(capsys, "evaluate", folder, compared / "data/test.parquet", "--json").out
    )
    figures = read_standings(compared)[model]["figures"]
    for name in FIGURES:
        # an evaluation does not score the first token of the text
        assert figures[name] == pytest.approx(scores[name], rel=0.1)
    written = call(capsys, "generate", folder, "--prompt", "영희는", "--length", 20)
    assert written.out.startswith("영희는")
    assert call(capsys, "predict", folder, "영희").out.count("\n") == 5
    explained = call(capsys, "explain", folder, "영희는 밥을")
    assert "bits per character" in explained.out


def test_page_shows_continuations_and_lines_as_text(compared: Path) -> None:
    source = (compared / "compare.html").read_text("utf-8")
    page = Page(source)
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "What the models write" in page.words
    assert "Where the models differ most" in page.words
    assert "<script>" not in source
    details = json.loads((compared / "compare.json").read_text("utf-8"))
    assert [one["name"] for one in details["continuations"]] == list(MODELS)
    assert all(len(one["text"]) == 200 for one in details["continuations"])
    lines = pl.read_parquet(compared / "data/test.parquet")["text"].to_list()
    assert details["prompt"] == next(line for line in lines if line) + "\n"
    for example in details["examples"]:
        assert lines[example["line"] - 1] == example["text"]
        assert set(example["bits_per_character"]) == set(MODELS[:3])


def test_finished_runs_are_kept_and_damaged_ones_named(
    text: Path, compared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("compare", text, "--models", ",".join(MODELS), "--out", compared, *OPTIONS)
    again = call(capsys, *command, "--resume")
    assert again.code == 0, again.err
    assert "..." not in again.err
    other = call(capsys, *command, "--set", "model.dim=16", "--resume")
    assert (other.code, other.out) == (2, "")
    assert "another set of settings" in other.err
    bits = compared / "runs/kneser-ney/seed-0/bits.safetensors"
    kept = bits.read_bytes()
    bits.write_bytes(kept[:20])
    damaged = call(capsys, *command, "--resume")
    bits.write_bytes(kept)
    assert damaged.code == 2
    assert damaged.err.splitlines()[-1].startswith(f"munjang: {bits}: ")


def test_tokenizers_are_crossed(text: Path, tmp_path: Path) -> None:
    crossed = ("--models", "gru,character-frequencies", "--tokenizers", "jamo,bytes")
    result = compare_here("compare", text, *crossed, "--out", tmp_path / "out", *OPTIONS)
    assert result.code == 0, result.err
    rows = read_standings(tmp_path / "out")
    assert set(rows) == {"gru on jamo", "gru on bytes", "character-frequencies"}
    sizes = [rows[name]["figures"] for name in ("gru on jamo", "gru on bytes")]
    ratios = [one["bits_per_character"] / one["bits_per_byte"] for one in sizes]
    assert ratios[0] == pytest.approx(ratios[1]), "of one text, whatever the tokens"


ERRORS: dict[str, tuple[tuple[object, ...], str]] = {
    "a metric per token": (
        ("--metric", "cross_entropy"),
        "expected bits_per_character, bits_per_by",
    ),
    "a tokenizer that loses text": (
        ("--models", "lstm", "--tokenizers", "words"),
        "give the text back",
    ),
    "a model of other data": (("--models", "cnn"), "cnn goes with --task classify"),
    "no place for the parts": (("--set", "data.validation_split=0.5"), "nothing to train on"),
    "a beam": (("--set", "decoding.method=beam"), "set sample or greedy"),
    "labels": (("--set", "labels=[a, b]"), "has no labels"),
    "a folder without a language model": (("--from", "other"), "there is no such model folder"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_before_anything_is_written(
    case: str,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more, expected = ERRORS[case]
    monkeypatch.chdir(tmp_path)
    result = call(capsys, "compare", text, "--task", "language", "--out", "out", *more)
    assert (result.code, result.out) == (2, ""), result
    last = result.err.splitlines()[-1]
    assert last.startswith("munjang: ")
    assert expected in last
    assert not (tmp_path / "out").exists()


def test_a_language_model_goes_on_beside_one_from_scratch(
    text: Path, compared: Path, tmp_path: Path
) -> None:
    folder, out = compared / "runs/lstm/seed-0/model", tmp_path / "out"
    result = compare_here(
        *("compare", text, "--models", "lstm", "--from", folder, "--out", out, "--json"),
        *OPTIONS,
        *("--budget", "4k tokens"),
    )
    assert result.code == 0, result.err
    assert set(read_standings(out)) == {"lstm", f"lstm from {folder}"}


def test_given_parts_are_read_as_they_are_and_a_failing_run_stays_alone(
    text: Path, tmp_path: Path
) -> None:
    valid, test, out = tmp_path / "valid.txt", tmp_path / "test.txt", tmp_path / "out"
    valid.write_text("영희는 밥을 먹는다.\n\nAnna\n", "utf-8")
    lines = ["Anna 책을 읽는다.", "", "", "철수는"]
    test.write_text("\n".join(lines) + "\n", "utf-8")
    given = ("--valid", valid, "--test", test, "--set", "training.device=cuda:99")
    result = compare_here(
        "compare", text, "--models", "lstm,kneser-ney", *given, "--out", out, *OPTIONS
    )
    assert result.code == 0, result.err
    assert pl.read_parquet(out / "data/test.parquet")["text"].to_list() == lines
    assert len(pl.read_parquet(out / "data/train.parquet")) == 400
    rows = read_standings(out)
    assert [rows[name]["runs"] for name in ("lstm", "kneser-ney")] == [0, 1]
    assert "training.device: expected" in rows["lstm"]["reasons"][0]

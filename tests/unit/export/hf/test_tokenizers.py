"""Tokenizers as transformers loads them: the ids are those of munjang."""

import json
import sys
import unicodedata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from munjang.export.hf.character_classes import class_ranges
from munjang.export.hf.fast.build import build_fast
from munjang.export.hf.reading import Reading
from munjang.export.hf.tokenizers import describe_tokenizer
from munjang.text.characters import CharacterTokenizer
from munjang.text.huggingface.bert_wordpiece import BertWordPieceTokenizer
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.jamo import JamoTokenizer
from munjang.text.plain.blank import is_blank
from munjang.text.subwords.tokenizers import BpeTokenizer, UnigramTokenizer, WordPieceTokenizer
from munjang.text.tokenizer import Tokenizer
from munjang.text.utf8_bytes import ByteTokenizer
from munjang.text.vocabulary import EOS, GO
from munjang.text.words import WordTokenizer
from tests.huggingface_tokenizers import train_tokenizer

FAST: dict[str, Any] = {
    "words": WordTokenizer,
    "words with case": lambda: WordTokenizer(lower=False),
    "words as given": lambda: WordTokenizer(nfc=False, lower=False),
    "keras": lambda: WordTokenizer(split="keras"),
    "characters": CharacterTokenizer,
    "bytes": ByteTokenizer,
    "bpe": BpeTokenizer,
    "unigram": UnigramTokenizer,
    "wordpiece": WordPieceTokenizer,
    "bert_wordpiece": BertWordPieceTokenizer,
}
SLOW: dict[str, Any] = {
    "jamo": JamoTokenizer,
    "words with signs": lambda: WordTokenizer(capitals=True),
    "characters in lower case": lambda: CharacterTokenizer(lower=True),
}
LIBRARY = ("bert", "byte_level", "unigram")
HOSTILE = [
    "",
    " ",
    "\u200b\u3164",
    "a",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 정규화 가\u0301",
    "It's NOT bad -- I LOVED it. IT'S A B.",
    "İstanbul ΟΔΥΣΣΕΥΣ ΟΔΟΣ. Σ ΑΣ'Α ΑΣ' ǅ ﬁn ß",
    "Café déjà vu, 漢字かな交じり文 العربية हिन्दी",
    "👍🏽 👨‍👩‍👧‍👦 🇰🇷 ❤️ :-) 🏽🏽 \u200d👍",
    "\u0301\u0302 marks first \ufe0f",
    "<pad> <oov> <go> <eos> [CLS] [SEP] [MASK] <unk> <s> </s>",
    "<⇧> <⇪> ▁ ▁▁a ## ##는 ▁영화  #",
    "  two  spaces  ",
    "tab\tand\nline\r\nbreaks\x00\x07\n",
    'a.b,c!d?e(f)g"h/i#j$k%l&m\\n',
    "1234567890 3.14 ①②③ Ⅷ ½",
    "ㅋ" * 300,
    "가나다라마바사아자차카타파하" * 40,
    "e" + "\u0301" * 200,
    "supercalifragilisticexpialidocious" * 30,
    "\ufdd0\ufdd1 \U0010ffff",
]


@pytest.fixture(scope="module")
def texts(data_folder: Path) -> list[str]:
    """Reviews in Korean and in English."""
    korean = (data_folder / "nsmc" / "train.tsv").read_text("utf-8").splitlines()[1:400]
    english = (data_folder / "sst2" / "train.tsv").read_text("utf-8").splitlines()[1:400]
    return [line.split("\t")[1] for line in korean] + [line.split("\t")[0] for line in english]


@pytest.fixture(scope="module")
def fitted(texts: list[str]) -> dict[str, Tokenizer]:
    """All tokenizers, fitted."""
    column, found = pl.Series(texts), {}
    for name, make in {**FAST, **SLOW}.items():
        tokenizer = make()
        has_pieces = name in ("bpe", "unigram", "wordpiece", "bert_wordpiece")
        found[name] = tokenizer.fit(column, max_size=900 if has_pieces else None)
    for kind in LIBRARY:
        found[f"library {kind}"] = HuggingFaceTokenizer.from_tokenizer(
            train_tokenizer(kind, texts, 3000)
        ).fit(column)
    return found


def expected_row(reading: Reading, text: str) -> list[int]:
    """The row of a text as munjang reads it."""
    text = "" if is_blank(text) else text
    lines = text.split("\n") if reading.line_breaks else [text]
    ids: list[int] = []
    for line in lines:
        ids += [EOS] * reading.line_breaks + reading.tokenizer.encode_text(line).tolist()
    if reading.max_length is not None:
        ids = ids[: reading.max_length + reading.line_breaks]
    return [GO, *ids, EOS] if reading.add_go_eos else ids


def differing(reading: Reading, encode: Any, some: list[str]) -> list[Any]:
    """Texts that a tokenizer reads in another way."""
    return [
        (t, encode(t), expected_row(reading, t))
        for t in some
        if encode(t) != expected_row(reading, t)
    ]


@pytest.mark.parametrize("name", [*FAST, "library bert", "library byte_level"])
@pytest.mark.parametrize("ends", [True, False])
def test_a_fast_tokenizer_has_the_ids_of_munjang(
    name: str, ends: bool, fitted: dict[str, Tokenizer], texts: list[str]
) -> None:
    reading = Reading(fitted[name], max_length=60, add_go_eos=ends)
    library = build_fast(reading)
    assert library is not None
    library.encode_special_tokens = True
    some = [*HOSTILE, *texts[::4]]
    assert not differing(reading, lambda text: library.encode(text).ids, some)


@pytest.mark.parametrize("name", [n for n in FAST if n not in ("bytes", "bert_wordpiece")])
def test_lines_begin_with_eos(name: str, fitted: dict[str, Tokenizer], texts: list[str]) -> None:
    reading = Reading(fitted[name], line_breaks=True)
    library = build_fast(reading)
    assert library is not None
    library.encode_special_tokens = True
    joined = ["\n".join(texts[n : n + 3]) for n in range(0, 90, 3)]
    some = [*HOSTILE, *joined, "a\n\nb", "\na", "a\n", "\n", " \na\n "]
    assert not differing(reading, lambda text: library.encode(text).ids, some)


@pytest.mark.parametrize("name", ["words", "characters", "wordpiece"])
def test_characters_of_all_scripts_are_read_alike(name: str, fitted: dict[str, Tokenizer]) -> None:
    """Only letters that are younger than Python's Unicode may differ: the library lowers them."""
    reading = Reading(fitted[name])
    library = build_fast(reading)
    assert library is not None
    points = [*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)]
    known = [chr(point) for point in points if unicodedata.category(chr(point)) != "Cn"]
    some = [
        " ".join(f"a{character}가" for character in known[start : start + 200])
        for start in range(0, len(known), 200)
    ]
    expected = reading.tokenizer.encode(pl.Series(some)).to_pylist()
    found = [encoding.ids for encoding in library.encode_batch(some)]
    assert [t for t, a, b in zip(some, found, expected, strict=True) if a != b] == []


def import_tokenizer(folder: Path, name: str) -> Any:
    """The class of a tokenization file."""
    spec = spec_from_file_location(
        f"tokenization_{folder.name}", folder / "tokenization_munjang.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def write_slow(reading: Reading, folder: Path) -> Any:
    """A tokenizer with a file of its own, loaded by transformers."""
    described = describe_tokenizer(reading, slow=True)
    assert described.class_name is not None
    for name, text in described.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return import_tokenizer(folder, described.class_name).from_pretrained(folder)


@pytest.mark.parametrize("name", [*FAST, *SLOW, *(f"library {kind}" for kind in LIBRARY)])
def test_a_slow_tokenizer_has_the_ids_of_munjang(
    name: str, fitted: dict[str, Tokenizer], texts: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    reading = Reading(fitted[name], max_length=10**6, add_go_eos=True)
    slow = write_slow(reading, tmp_path)
    some = [*HOSTILE, *texts[::9]]
    assert not differing(reading, lambda text: slow(text).input_ids, some)
    batch = slow(some[:6], padding=True, return_tensors="pt")
    assert batch["attention_mask"].sum(1).tolist() == [
        len(expected_row(reading, t)) for t in some[:6]
    ]
    plain = [text for text in texts[:5] if is_known(reading.tokenizer, text)]
    decoded = reading.tokenizer.decode(reading.tokenizer.encode(pl.Series(plain))).to_list()
    assert slow.batch_decode([slow(text).input_ids for text in plain]) == decoded


def is_known(tokenizer: Tokenizer, text: str) -> bool:
    """Whether all tokens of a text are in the vocabulary."""
    return 1 not in tokenizer.encode_text(text).tolist()


@pytest.mark.parametrize("name", ["characters", "bytes", "bpe", "unigram", "wordpiece"])
def test_texts_are_decoded_as_by_munjang(
    name: str, fitted: dict[str, Tokenizer], texts: list[str]
) -> None:
    library = build_fast(Reading(fitted[name]))
    assert library is not None
    some = [text for text in texts[::5] if is_known(fitted[name], text)]
    assert len(some) > 10
    assert library.decode_batch([library.encode(text).ids for text in some]) == some


def test_capitals_and_letters_need_a_slow_tokenizer(fitted: dict[str, Tokenizer]) -> None:
    assert build_fast(Reading(fitted["words with signs"])) is None
    assert build_fast(Reading(fitted["words"], spelled_words="letters")) is None
    assert build_fast(Reading(fitted["jamo"])) is None


def test_special_tokens_that_a_text_can_spell_need_a_slow_tokenizer(
    fitted: dict[str, Tokenizer],
) -> None:
    assert build_fast(Reading(fitted["library unigram"])) is None


@pytest.mark.parametrize("longest", [9, 10])
def test_pairs_share_the_room_as_in_munjang(longest: int, fitted: dict[str, Tokenizer]) -> None:
    reading = Reading(fitted["characters"], "two_texts", longest, add_go_eos=True)
    assert (build_fast(reading) is None) == (longest == 9)
    described = describe_tokenizer(reading)
    config = json.loads(described.files["tokenizer_config.json"])
    assert config["model_max_length"] == longest + 3


def test_classes_cover_every_character_once() -> None:
    ranges = class_ranges(lambda character: "a" if character < "가" else "b")
    assert ranges == {"a": "\\x{0}-\\x{ABFF}", "b": "\\x{AC00}-\\x{D7FF}\\x{E000}-\\x{10FFFF}"}

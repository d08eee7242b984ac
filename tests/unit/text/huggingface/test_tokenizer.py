"""A Hugging Face tokenizer as it is: pieces, offsets and ids are the library's own."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from munjang.errors import ConfigError, DataError, FolderError, NotFittedError
from munjang.text.columns import token_column
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.registry import make_tokenizer, tokenizer_from_json
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary
from tests.huggingface_tokenizers import KINDS, train_and_save_tokenizer, train_tokenizer

TEXTS = ["이 영화 정말 재미있다!! 최고", "café naïve 👍🏽 e\u0301", "The <pad> [CLS] film"] * 5
every_kind = pytest.mark.parametrize("kind", KINDS)


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def load_tokenizer(kind: str, **settings: Any) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer.from_tokenizer(train_tokenizer(kind, TEXTS), **settings)


def tokens_and_slices(tokenizer: HuggingFaceTokenizer, text: str) -> list[tuple[str, str]]:
    """Return each token with the slice of the text that it covers."""
    result = tokenizer.encode_with_offsets(to_series([text]))
    (ids,), (starts,), (ends,) = (c.to_pylist() for c in (result.ids, result.starts, result.ends))
    names = tokenizer.vocabulary.tokens
    return [(names[i], text[a:b]) for i, a, b in zip(ids, starts, ends, strict=True)]


def test_wordpiece_tokens_and_offsets() -> None:
    assert tokens_and_slices(load_tokenizer("bert"), "The CAFÉ, e\u0301!") == [
        ("the", "The"),
        ("café", "CAFÉ"),
        ("<oov>", ","),
        ("é", "e\u0301"),
        ("!", "!"),
    ]


def test_byte_level_tokens_and_offsets() -> None:
    assert tokens_and_slices(load_tokenizer("byte_level"), "뷁 film") == [
        ("ë", "뷁"),
        ("·", "뷁"),
        ("ģ", "뷁"),
        ("Ġfilm", "film"),
    ]


def test_unigram_tokens_and_offsets() -> None:
    library = Tokenizer(
        models.Unigram([("<unk>", 0.0), ("▁", -3.0), ("▁ab", -1.0), ("c", -1.0)], 0)
    )
    library.normalizer = normalizers.NFKC()
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    assert tokens_and_slices(tokenizer, "abc ｃ뷁") == [
        ("▁ab", "ab"),
        ("c", "c"),
        ("▁", " "),
        ("c", "ｃ"),
        ("<oov>", "뷁"),
    ]


@every_kind
@pytest.mark.parametrize("post_process", [False, True])
def test_ids_equal_library_ids(kind: str, post_process: bool) -> None:
    library = train_tokenizer(kind, TEXTS)
    library.no_truncation()
    library.no_padding()
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library, post_process=post_process)
    for text in ("이 영화 최고", "The film, 뷁 café", ""):
        theirs = library.encode(text, add_special_tokens=post_process).ids
        ours = tokenizer.encode_text(text)
        assert tokenizer.huggingface_ids[ours].tolist() == theirs


@every_kind
def test_truncation_and_padding_of_the_file_are_ignored(kind: str) -> None:
    long = " ".join(["영화"] * 50)
    for texts in ([long], [long, "film"]):
        lengths = [len(ids) for ids in load_tokenizer(kind).encode(to_series(texts)).to_pylist()]
        assert lengths[0] >= 50
        assert lengths[1:] in ([], [len(load_tokenizer(kind).encode_text("film"))])


def test_post_process_applies_post_processor() -> None:
    assert [name for name, _ in tokens_and_slices(load_tokenizer("bert"), "the film")] == [
        "the",
        "film",
    ]
    processed = tokens_and_slices(load_tokenizer("bert", post_process=True), "the film")
    assert processed == [("<go>", ""), ("the", "the"), ("film", "film"), ("<eos>", "")]


@every_kind
def test_special_token_spelled_in_text_is_text(kind: str) -> None:
    tokenizer = load_tokenizer(kind, post_process=True)
    text = "<pad> [PAD] </s> [SEP] <s> [CLS] <go> <eos> <|endoftext|>"
    ids = tokenizer.encode(to_series([text])).to_pylist()[0]
    text_ids = ids if kind == "byte_level" else ids[1:-1]
    assert not {0, 2, 3} & set(text_ids)
    assert ids == tokenizer.encode_text(text).tolist()


def test_special_piece_in_text_is_oov() -> None:
    library = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "film": 2}, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    assert tokenizer.encode_text("[PAD] film <pad>").tolist() == [OOV, 4, OOV]


def test_dropout_is_disabled() -> None:
    library = train_tokenizer("byte_level", TEXTS)
    library.model.dropout = 0.9
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    result = {tuple(tokenizer.encode_text(TEXTS[0]).tolist()) for _ in range(20)}
    assert len(result) == 1


def test_decode_skips_special_tokens() -> None:
    tokenizer = load_tokenizer("bert", post_process=True)
    mask = tokenizer.vocabulary.id_of("[MASK]")
    the, film = (tokenizer.vocabulary.id_of(word) for word in ("the", "film"))
    ids = token_column([2, the, mask, film, OOV, 3, 0], [0, 7])
    assert tokenizer.decode(ids).to_list() == ["the film \ufffd"]


def test_fit_reads_file_or_folder(tmp_path: Path) -> None:
    path = train_and_save_tokenizer(tmp_path, "bert", TEXTS)
    path.rename(tmp_path / "tokenizer.json")
    whole = make_tokenizer("huggingface", file=str(tmp_path / "tokenizer.json"))
    with pytest.raises(NotFittedError, match="fit"):
        whole.encode_text("영화")
    whole.fit(to_series(TEXTS))
    in_folder = make_tokenizer("huggingface", file=str(tmp_path)).fit(to_series(TEXTS))
    assert in_folder.to_json() == whole.to_json()
    counts = dict(zip(whole.vocabulary.tokens, whole.vocabulary.counts.tolist(), strict=True))
    assert counts["film"] == 5
    assert counts["<pad>"] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "tokenizer.settings.file=FILE"),
        ({"file": "nowhere.json"}, r"nowhere\.json: there is no such file"),
        ({"file": "."}, r"holds no tokenizer\.json"),
    ],
)
def test_missing_file_says_what_to_do(
    settings: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        make_tokenizer("huggingface", **settings).fit(to_series(["영화"]))


@pytest.mark.parametrize("limits", [{"min_frequency": 2}, {"max_size": 100}])
def test_vocabulary_limits_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="leave out"):
        load_tokenizer("bert").fit(to_series(TEXTS), **limits)


def test_library_object_is_copied_and_other_objects_are_refused() -> None:
    library = train_tokenizer("bert", TEXTS)
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    assert library.truncation is not None
    library.add_tokens(["재미있다!!"])
    assert tokenizer.vocabulary.id_of("재미있다!!") == OOV

    class Fast:
        backend_tokenizer = library

    assert HuggingFaceTokenizer.from_tokenizer(Fast()).vocabulary.id_of("재미있다!!") != OOV
    with pytest.raises(ConfigError, match="got str"):
        HuggingFaceTokenizer.from_tokenizer("bert-base-uncased")


def test_python_component_is_refused() -> None:
    class Own:
        def pre_tokenize(self, text: object) -> None: ...

    library = train_tokenizer("bert", TEXTS)
    library.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(Own())  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="cannot be saved"):
        HuggingFaceTokenizer.from_tokenizer(library)


@every_kind
def test_state_with_another_vocabulary_is_refused(kind: str) -> None:
    tokenizer = load_tokenizer(kind)
    state = json.loads(json.dumps(tokenizer.to_json()))
    other = Vocabulary((*RESERVED, "가"), tokenizer.vocabulary.counts[:5])
    with pytest.raises(FolderError, match="same tokens"):
        tokenizer_from_json(state, other)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("special_tokens", {"<pad>": "nowhere"}),
        ("special_tokens", {"<pad>": ["[PAD]"]}),
        ("special_tokens", {"pad": "[PAD]"}),
        ("special_tokens", []),
        ("tokenizer", {}),
        ("tokenizer", {"model": {"type": "BPE", "vocab": {}, "merges": []}}),
        ("tokenizer", None),
        ("post_process", 1),
        ("more", 1),
    ],
)
def test_damaged_state_is_refused(key: str, value: object) -> None:
    tokenizer = load_tokenizer("bert")
    state = {**json.loads(json.dumps(tokenizer.to_json())), key: value}
    with pytest.raises(FolderError, match=r"tokenizer\.json"):
        tokenizer_from_json(state, tokenizer.vocabulary)


def test_library_failure_is_one_line() -> None:
    library = Tokenizer(models.Unigram([("a", -1.0)], None))
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    for encode in (
        lambda: tokenizer.encode_text("ab"),
        lambda: tokenizer.encode(to_series(["ab"])),
    ):
        with pytest.raises(DataError, match="fails on a text") as raised:
            encode()
        assert "\n" not in str(raised.value)

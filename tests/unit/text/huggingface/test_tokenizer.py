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
from tests.made_tokenizers import KINDS, made_tokenizer, saved_tokenizer

TEXTS = ["이 영화 정말 재미있다!! 최고", "café naïve 👍🏽 e\u0301", "The <pad> [CLS] film"] * 5
every_kind = pytest.mark.parametrize("kind", KINDS)


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def taken(kind: str, **settings: Any) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer.from_tokenizer(made_tokenizer(kind, TEXTS), **settings)


def pieces(tokenizer: HuggingFaceTokenizer, text: str) -> list[tuple[str, str]]:
    """Return each token with the slice of the text that it covers."""
    found = tokenizer.encode_with_offsets(column([text]))
    (ids,), (starts,), (ends,) = (c.to_pylist() for c in (found.ids, found.starts, found.ends))
    names = tokenizer.vocabulary.tokens
    return [(names[i], text[a:b]) for i, a, b in zip(ids, starts, ends, strict=True)]


def test_pieces_of_wordpiece_and_what_they_cover() -> None:
    assert pieces(taken("bert"), "The CAFÉ, e\u0301!") == [
        ("the", "The"),
        ("café", "CAFÉ"),
        ("<oov>", ","),
        ("é", "e\u0301"),
        ("!", "!"),
    ]


def test_pieces_of_bytes_cover_the_characters_that_they_are_part_of() -> None:
    assert pieces(taken("byte_level"), "뷁 film") == [
        ("ë", "뷁"),
        ("·", "뷁"),
        ("ģ", "뷁"),
        ("Ġfilm", "film"),
    ]


def test_pieces_of_unigram_and_what_they_cover() -> None:
    library = Tokenizer(
        models.Unigram([("<unk>", 0.0), ("▁", -3.0), ("▁ab", -1.0), ("c", -1.0)], 0)
    )
    library.normalizer = normalizers.NFKC()
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    assert pieces(tokenizer, "abc ｃ뷁") == [
        ("▁ab", "ab"),
        ("c", "c"),
        ("▁", " "),
        ("c", "ｃ"),
        ("<oov>", "뷁"),
    ]


@every_kind
@pytest.mark.parametrize("post_process", [False, True])
def test_its_ids_are_those_of_the_library_translated(kind: str, post_process: bool) -> None:
    library = made_tokenizer(kind, TEXTS)
    library.no_truncation()
    library.no_padding()
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library, post_process=post_process)
    for text in ("이 영화 최고", "The film, 뷁 café", ""):
        theirs = library.encode(text, add_special_tokens=post_process).ids
        ours = tokenizer.encode_text(text)
        assert tokenizer.huggingface_ids[ours].tolist() == theirs


@every_kind
def test_truncation_and_padding_of_the_file_are_off(kind: str) -> None:
    long = " ".join(["영화"] * 50)
    for texts in ([long], [long, "film"]):
        lengths = [len(ids) for ids in taken(kind).encode(column(texts)).to_pylist()]
        assert lengths[0] >= 50
        assert lengths[1:] in ([], [len(taken(kind).encode_text("film"))])


def test_the_post_processor_is_applied_where_it_is_asked_for() -> None:
    assert [name for name, _ in pieces(taken("bert"), "the film")] == ["the", "film"]
    asked = pieces(taken("bert", post_process=True), "the film")
    assert asked == [("<go>", ""), ("the", "the"), ("film", "film"), ("<eos>", "")]


@every_kind
def test_a_text_that_spells_a_special_token_is_text(kind: str) -> None:
    tokenizer = taken(kind, post_process=True)
    spelled = "<pad> [PAD] </s> [SEP] <s> [CLS] <go> <eos> <|endoftext|>"
    ids = tokenizer.encode(column([spelled])).to_pylist()[0]
    inner = ids if kind == "byte_level" else ids[1:-1]
    assert not {0, 2, 3} & set(inner)
    assert ids == tokenizer.encode_text(spelled).tolist()


def test_a_piece_that_is_a_special_token_is_out_of_vocabulary_in_a_text() -> None:
    library = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "film": 2}, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    assert tokenizer.encode_text("[PAD] film <pad>").tolist() == [OOV, 4, OOV]


def test_dropout_is_off() -> None:
    library = made_tokenizer("byte_level", TEXTS)
    library.model.dropout = 0.9
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    found = {tuple(tokenizer.encode_text(TEXTS[0]).tolist()) for _ in range(20)}
    assert len(found) == 1


def test_decoding_leaves_special_tokens_out() -> None:
    tokenizer = taken("bert", post_process=True)
    mask = tokenizer.vocabulary.id_of("[MASK]")
    the, film = (tokenizer.vocabulary.id_of(word) for word in ("the", "film"))
    ids = token_column([2, the, mask, film, OOV, 3, 0], [0, 7])
    assert tokenizer.decode(ids).to_list() == ["the film \ufffd"]


def test_a_file_and_a_folder_that_holds_it_are_read_by_fit(tmp_path: Path) -> None:
    path = saved_tokenizer(tmp_path, "bert", TEXTS)
    path.rename(tmp_path / "tokenizer.json")
    whole = make_tokenizer("huggingface", file=str(tmp_path / "tokenizer.json"))
    with pytest.raises(NotFittedError, match="fit"):
        whole.encode_text("영화")
    whole.fit(column(TEXTS))
    in_folder = make_tokenizer("huggingface", file=str(tmp_path)).fit(column(TEXTS))
    assert in_folder.to_json() == whole.to_json()
    counts = dict(zip(whole.vocabulary.tokens, whole.vocabulary.counts.tolist(), strict=True))
    assert counts["film"] == 5
    assert counts["<pad>"] == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "tokenizer.settings.file=FILE"),
        ({"file": "nowhere.json"}, r"nowhere\.json: there is no such file"),
        ({"file": "."}, r"holds no tokenizer\.json"),
    ],
)
def test_without_a_file_it_says_what_to_do(
    settings: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=said):
        make_tokenizer("huggingface", **settings).fit(column(["영화"]))


@pytest.mark.parametrize("asked", [{"min_frequency": 2}, {"max_size": 100}])
def test_its_vocabulary_is_not_cut(asked: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="leave out"):
        taken("bert").fit(column(TEXTS), **asked)


def test_an_object_is_copied_and_one_of_another_kind_refused() -> None:
    library = made_tokenizer("bert", TEXTS)
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    assert library.truncation is not None
    library.add_tokens(["재미있다!!"])
    assert tokenizer.vocabulary.id_of("재미있다!!") == OOV

    class Fast:
        backend_tokenizer = library

    assert HuggingFaceTokenizer.from_tokenizer(Fast()).vocabulary.id_of("재미있다!!") != OOV
    with pytest.raises(ConfigError, match="got str"):
        HuggingFaceTokenizer.from_tokenizer("bert-base-uncased")


def test_a_part_written_in_python_cannot_be_kept() -> None:
    class Own:
        def pre_tokenize(self, text: object) -> None: ...

    library = made_tokenizer("bert", TEXTS)
    library.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(Own())  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="cannot be saved"):
        HuggingFaceTokenizer.from_tokenizer(library)


@every_kind
def test_a_state_with_another_vocabulary_is_refused(kind: str) -> None:
    tokenizer = taken(kind)
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
def test_a_damaged_state_is_refused(key: str, value: object) -> None:
    tokenizer = taken("bert")
    state = {**json.loads(json.dumps(tokenizer.to_json())), key: value}
    with pytest.raises(FolderError, match=r"tokenizer\.json"):
        tokenizer_from_json(state, tokenizer.vocabulary)


def test_a_text_that_the_library_fails_on_is_one_line() -> None:
    library = Tokenizer(models.Unigram([("a", -1.0)], None))
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    for encode in (lambda: tokenizer.encode_text("ab"), lambda: tokenizer.encode(column(["ab"]))):
        with pytest.raises(DataError, match="fails on a text") as raised:
            encode()
        assert "\n" not in str(raised.value)

"""Parts of the runner, held against what they repeat."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munjang.data.collection import collect_texts
from munjang.data.token_rows import encode_rows
from munjang.export.compose import join_modules
from munjang.export.onnx.runner import compose_runner
from munjang.export.onnx.samples import _TEXTS as HOSTILE
from munjang.export.tokenizers import describe_tokenizer
from munjang.runners import pairs, rows
from munjang.runners import tokenizer as base
from munjang.runners.classes import INPUTS, TASKS, TOKENIZERS, import_classes
from munjang.runners.onnx import model
from munjang.text.plain import ids
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import RESERVED
from tests.synthetic import make_corpus

TRAINED = [*make_corpus(60, korean=True)[0], *HOSTILE, "NASA Hubble NASA Hubble"]
CASES: list[tuple[str, dict[str, Any]]] = [
    ("words", {}),
    ("words", {"capitals": True}),
    ("words", {"lower": False, "nfc": False}),
    ("words", {"split": "keras"}),
    ("characters", {}),
    ("characters", {"lower": True}),
    ("jamo", {}),
    ("bytes", {}),
    ("bpe", {}),
    ("unigram", {}),
    ("wordpiece", {}),
    ("bert_wordpiece", {}),
]
texts = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("한글ㅋ각\u1112\u1161\u11ab\u0301 aAßİΣ#▁\u200d👍🏽❤️12.,!\n\t"),
    ),
    max_size=40,
)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tokenizer, base.Tokenizer]:
    """A tokenizer, and the one of the runner that repeats it."""
    name, given_settings = request.param
    sizes = {} if name in ("words", "characters", "jamo", "bytes") else {"max_size": 250}
    fitted = make_tokenizer(name, **given_settings).fit(pl.Series(TRAINED), **sizes)
    return fitted, reopen(fitted, tmp_path_factory.mktemp("tokenizer"))


def reopen(fitted: Tokenizer, folder: Path) -> base.Tokenizer:
    """Return the tokenizer of the runner from the files of an export."""
    import_classes(TOKENIZERS.values())
    described = describe_tokenizer(fitted)
    for file, content in described.files().items():
        (folder / file).write_text(content, encoding="utf-8")
    return base.open_tokenizer(described.settings, folder)


@settings(max_examples=60)
@given(given_text=texts)
@example(given_text="")
@example(given_text="한" * 70 + " " + "e" + "\u0301" * 1200)
def test_ids_are_those_of_the_tokenizer(
    both: tuple[Tokenizer, base.Tokenizer], given_text: str
) -> None:
    tokenizer, encoder = both
    for written in (given_text, *HOSTILE[3:18]):
        assert encoder.encode(written) == tokenizer.encode_text(written).tolist()


def test_ids_become_the_text_that_the_tokenizer_writes(
    both: tuple[Tokenizer, base.Tokenizer],
) -> None:
    tokenizer, encoder = both
    column = tokenizer.encode(pl.Series(TRAINED))
    rows_of_ids = [row.as_py() for row in column]
    assert [encoder.decode(row) for row in rows_of_ids] == tokenizer.decode(column).to_list()


@settings(max_examples=40)
@given(
    written=st.lists(st.sampled_from(["NASA", "Hubble", "nasa", "영화", "?", "x"]), max_size=12),
    max_length=st.integers(1, 8),
    max_tokens=st.one_of(st.none(), st.integers(1, 8)),
    line_breaks=st.booleans(),
)
def test_long_texts_are_cut_as_in_prediction(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[str],
    max_length: int,
    max_tokens: int | None,
    line_breaks: bool,
) -> None:
    tokenizer, encoder = _with_capitals(tmp_path_factory)
    options: dict[str, Any] = {
        "max_length": max_length,
        "max_tokens": max_tokens,
        "add_go_eos": True,
        "line_breaks": line_breaks,
    }
    line = " ".join(written).replace("x", "\n" if line_breaks else "x")
    # a text of white space alone is read as an empty one, as by `Model.predict`
    expected = encode_rows(tokenizer, collect_texts([line]), **options)
    (found,), is_cut = rows.Reader(encoder, options).row(line)
    assert found == expected.rows.values.tolist()
    assert is_cut == bool(expected.truncated[0])


_CAPITALS: list[Any] = []


def _with_capitals(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not _CAPITALS:
        fitted = make_tokenizer("words", capitals=True).fit(pl.Series(TRAINED))
        _CAPITALS.extend([fitted, reopen(fitted, tmp_path_factory.mktemp("capitals"))])
    return _CAPITALS


def test_texts_are_checked_as_munjang_does() -> None:
    for written in HOSTILE:
        assert [base.check_text(written)] == collect_texts([written])
    for wrong, message in ((7, "expected a string, got int"), ("a\ud800", "surrogate pair")):
        with pytest.raises(ValueError, match=message):
            base.check_text(wrong)
    for wrong in ("ab", ("a",), ("a", "b", "c")):
        with pytest.raises(ValueError, match="expected two texts"):
            pairs.check_pair(wrong)


def test_rows_are_padded_to_one_column_at_least() -> None:
    padded, lengths = model.pad([[], []])
    assert padded.shape == (2, 1)
    assert lengths.tolist() == [0, 0]
    assert model.pad([[4, 5], [6]])[0].tolist() == [[4, 5], [6, 0]]
    assert tuple(range(len(RESERVED))) == (ids.PAD, ids.OOV, ids.GO, ids.EOS)
    assert np.array_equal(model.pad([])[1], [])


def test_a_composed_runner_has_what_a_model_needs_and_imports_nothing_else() -> None:
    settings = {"tokenizer": {"name": "jamo"}, "input": {"kind": "text"}, "task": "classify"}
    source = compose_runner(settings)
    tree = ast.parse(source)
    imported = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else str(node.module).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= {
        *("argparse", "collections", "itertools", "json", "pathlib", "re", "sys", "typing"),
        *("unicodedata", "numpy", "onnxruntime"),
    }
    assert "class JamoTokenizer" in source
    assert "class WordTokenizer" not in source
    assert "from munjang." not in source


def test_names_of_the_parts_differ() -> None:
    tree = ast.parse(join_modules("", [*TOKENIZERS.values(), *INPUTS.values(), *TASKS.values()]))
    names = [
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ] + [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert len(names) == len(set(names)), sorted(n for n in set(names) if names.count(n) > 1)

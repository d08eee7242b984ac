import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from munjang.errors import ConfigError, FolderError
from munjang.text.registry import (
    TOKENIZERS,
    make_tokenizer,
    tokenizer_class,
    tokenizer_from_json,
)
from munjang.text.vocabulary import Vocabulary
from tests.huggingface_tokenizers import train_and_save_tokenizer

VOCABULARY = Vocabulary.from_counts(["가"], [1])


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_name_equals_its_class_name(name: str) -> None:
    assert tokenizer_class(name).name == name


@pytest.mark.parametrize("name", TOKENIZERS)
def test_state_contains_tokenizer_name(name: str, tmp_path: Path) -> None:
    texts = ["영화가 좋다"]
    file = (
        {"file": str(train_and_save_tokenizer(tmp_path, "bert", texts))}
        if name == "huggingface"
        else {}
    )
    tokenizer = make_tokenizer(name, **file).fit(pl.Series(texts))
    assert tokenizer.to_json()["name"] == name
    repeated = tokenizer_from_json(tokenizer.to_json(), tokenizer.vocabulary)
    assert type(repeated) is type(tokenizer)


def test_unknown_name_suggests_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'caracters'.*did you mean 'characters'"):
        make_tokenizer("caracters")


def test_unknown_setting_suggests_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'lowr'.*did you mean 'lower'"):
        make_tokenizer("characters", lowr=True)
    with pytest.raises(ConfigError, match="known: none"):
        make_tokenizer("jamo", lower=True)


@pytest.mark.parametrize(
    "state",
    [{}, {"name": "letters"}, {"name": None}, {"name": ["jamo"]}, {"name": "characters"}, [], None],
)
def test_invalid_state_is_refused(state: object) -> None:
    with pytest.raises(FolderError, match=r"tokenizer\.json"):
        tokenizer_from_json(state, VOCABULARY)  # type: ignore[arg-type]


def test_only_requested_tokenizer_is_imported() -> None:
    script = (
        "import sys, munjang.text.registry as registry\n"
        "registry.make_tokenizer('characters')\n"
        "print([name for name in ('torch', 'tokenizers', 'kiwipiepy') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"

"""The names of the package: there, and imported no sooner than they are used."""

import subprocess
import sys

import pytest

import munjang

HEAVY = ("torch", "numpy", "polars", "pyarrow", "pydantic", "sklearn", "keras")


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh Python has imported after some code."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import munjang",
        "import munjang; munjang.__version__; dir(munjang)",
        "import munjang.cli",
        "from munjang import MunjangError",
    ],
)
def test_import_loads_nothing_heavy(code: str) -> None:
    assert not modules_after(code) & set(HEAVY)


def test_keras_names_need_neither_torch_nor_keras() -> None:
    loaded = modules_after("from munjang import Tokenizer, pad_sequences, tokenizer_from_json")
    assert not loaded & {"torch", "keras", "sklearn"}


@pytest.mark.parametrize("name", munjang.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert name in dir(munjang)
    value = getattr(munjang, name)
    assert getattr(munjang, name) is value
    if name != "__version__":
        assert value.__name__ == name
        assert value.__doc__


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        munjang.trian  # noqa: B018
    assert not hasattr(munjang, "torch")


def test_submodules_are_importable() -> None:
    import munjang.api

    assert munjang.train is munjang.api.train
    assert munjang.load is munjang.api.load

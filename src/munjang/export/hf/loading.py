"""An export as transformers loads it, in this process."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from munjang.export.hf.outputs import Loaded
from munjang.export.hf.slow_tokenizers import FILE as TOKENIZATION
from munjang.export.package import need_packages

MODELLING = "modeling_munjang"


def has_transformers() -> bool:
    """Return whether the package transformers is installed."""
    return find_spec("transformers") is not None


def need_transformers() -> Any:
    """Return the package transformers.

    Raises:
        ConfigError: it is not installed.
    """
    return need_packages("export hf", "hf", "transformers")[0]


@contextmanager
def loading(folder: Path, model_class: str, tokenizer_class: str | None) -> Iterator[Loaded]:
    """Yield the model and the tokenizer of a folder, whose code is run.

    The folder must be one that this process wrote.

    Args:
        folder: the folder.
        model_class: name of the class in its modelling file.
        tokenizer_class: name of the class in its tokenization file; None for a fast tokenizer.
    """
    transformers = need_transformers()
    with _importing(folder, MODELLING) as modelling, _quiet(transformers):
        model = getattr(modelling, model_class).from_pretrained(folder, local_files_only=True)
        with _tokenizer_classes(transformers, folder, tokenizer_class) as kind:
            tokenizer = kind.from_pretrained(folder, local_files_only=True)
        yield Loaded(model.eval(), tokenizer)


@contextmanager
def loading_native(folder: Path, architecture: str) -> Iterator[Loaded]:
    """Yield the model and the tokenizer of a folder without code.

    Args:
        folder: the folder.
        architecture: a class of transformers.
    """
    transformers = need_transformers()
    with _quiet(transformers):
        more = {"add_pooling_layer": False} if architecture == "BertModel" else {}
        kind = getattr(transformers, architecture)
        model = kind.from_pretrained(folder, local_files_only=True, **more)
        fast = transformers.PreTrainedTokenizerFast
        yield Loaded(model.eval(), fast.from_pretrained(folder, local_files_only=True))


@contextmanager
def _tokenizer_classes(transformers: Any, folder: Path, name: str | None) -> Iterator[Any]:
    if name is None:
        yield transformers.PreTrainedTokenizerFast
        return
    with _importing(folder, TOKENIZATION) as module:
        yield getattr(module, name)


@contextmanager
def _importing(folder: Path, name: str) -> Iterator[Any]:
    """Yield the module of a file, which is known by its name for as long as the block runs."""
    spec = spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Run a block without the messages and the progress bars of transformers."""
    log = transformers.utils.logging
    level, has_bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(logging.CRITICAL)
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if has_bars:
            log.enable_progress_bar()

"""Help texts hold the rows of the registries, and are filled in only when they are shown."""

import subprocess
import sys

import pytest
from typer.main import get_command

from munjang.cli import app
from munjang.cli.lists import fill_lists
from munjang.registry import ARCHITECTURES, INPUTS, TASK_ALIASES, TASKS
from munjang.text.rows import TOKENIZERS


@pytest.mark.parametrize(
    ("placeholder", "names"),
    [
        ("{tasks}", TASKS.names),
        ("{aliases}", TASK_ALIASES),
        ("{inputs}", INPUTS.names),
        ("{models}", ARCHITECTURES.names),
        ("{default_metrics}", [row.metrics[0] for row in TASKS.rows]),
        ("{compared_metrics}", ["accuracy for classify", "bits_per_character for language"]),
        ("{tokenizers}", TOKENIZERS),
    ],
)
def test_every_registry_row_is_listed(placeholder, names):
    text = fill_lists(f"one of {placeholder}.")
    assert "{" not in text
    assert all(name in text for name in names)


def test_other_braces_are_kept():
    assert fill_lists("{low: 0.1, high: 0.6} {x}") == "{low: 0.1, high: 0.6} {x}"


def test_encoders_exclude_encoder_decoders():
    listed = fill_lists("{encoders}")
    assert "image_cnn" in listed
    assert "seq2seq" not in listed


def test_short_help_is_not_truncated():
    commands = get_command(app).commands
    room = 80 - 2 - 6 - max(map(len, commands))
    for command in commands.values():
        assert len(command.help.strip().split("\n")[0]) <= room


def test_list_of_commands_imports_no_registry():
    code = (
        "import sys\nfrom munjang.cli import main\n"
        "try: main(['--help'])\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stderr.split())
    assert "munjang.cli.train" in loaded
    assert not loaded & {"munjang.registry", "importlib.metadata"}

"""Files that are written whole or not at all, and say which one could not be."""

import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from munjang.folder.manifest import name_in_errors, write_atomically, write_whole


def write_half(path: Path, error: BaseException) -> None:
    with write_whole(path) as partial:
        partial.write_text("half")
        raise error


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt(), ValueError("no")])
def test_failed_write_keeps_the_file_and_leaves_no_partial(
    error: BaseException, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    write_atomically(path, "before")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_names_its_target(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    with pytest.raises(OSError, match="No such file") as caught:
        write_atomically(path, "text")
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_disk_full_error_names_the_file() -> None:
    with pytest.raises(OSError, match="No space left") as caught, name_in_errors(Path("log")):
        Path("/dev/full").write_text("x")
    assert caught.value.filename == "log"


def test_safetensors_os_error_is_raised_as_os_error(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    with pytest.raises(OSError, match="No such file") as caught, name_in_errors(path):
        save_file({"a": torch.zeros(1)}, path)
    assert caught.value.filename == str(path)


def test_weights_have_same_permissions_as_other_files(tmp_path: Path) -> None:
    with write_whole(tmp_path / "weights") as partial:
        save_file({"a": torch.zeros(1)}, partial)
    write_atomically(tmp_path / "text", "text")
    weights, text = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("weights", "text"))
    assert weights == text

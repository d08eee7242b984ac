"""The folder of a search: what it refuses, and that a best model stands there at every moment."""

import shutil
from pathlib import Path

import pytest

from munjang.api import load, train
from munjang.errors import FolderError
from munjang.model import Model
from munjang.tuning.folder import (
    BEST,
    PLAN,
    RESULT,
    STUDY,
    TRIALS,
    clear_trials,
    open_folder,
    refuse_occupied,
    save_best,
    trial_folder,
    write_plan,
)
from tests.synthetic import QUICK, make_corpus

PLANNED = {"run": "a", "space": {"model.dim": [8, 16]}, "metric": "accuracy", "seed": 0}


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    short = [*QUICK, "training.epochs=1"]
    first, second = (train(make_corpus(), model="mean", overrides=short, seed=n) for n in (1, 2))
    return first.model, second.model


def test_kill_at_any_moment_leaves_a_complete_model(
    models: tuple[Model, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plan(tmp_path, PLANNED)
    save_best(tmp_path, models[0].save)
    calls = {"rename": 0, "rmtree": 0}

    class KilledError(Exception):
        pass

    def dying(name: str, real: object, at: int) -> object:
        def call(*arguments: object, **options: object) -> object:
            calls[name] += 1
            if calls[name] == at:
                raise KilledError
            return real(*arguments, **options)  # type: ignore[operator]

        return call

    for name, at in (("rmtree", 1), ("rename", 1), ("rename", 2), ("rmtree", 2)):
        calls = {"rename": 0, "rmtree": 0}
        with monkeypatch.context() as patched:
            owner = Path if name == "rename" else shutil
            patched.setattr(owner, name, dying(name, getattr(owner, name), at))
            with pytest.raises(KilledError):
                save_best(tmp_path, models[1].save)
        assert open_folder(tmp_path, PLANNED, resume=True)
        assert load(tmp_path / BEST).recipe.seed in (1, 2)
        assert {path.name for path in tmp_path.iterdir()} == {PLAN, BEST}
    save_best(tmp_path, models[1].save)
    assert load(tmp_path / BEST).recipe.seed == 2


@pytest.mark.parametrize("content", [b"", b'{"run": "', b"[1]", b"\xff", b"[" * 100_000])
def test_damaged_plan_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / PLAN).write_bytes(content)
    with pytest.raises(
        FolderError, match=r"tuning\.json: .*plan of a search.*--overwrite"
    ) as caught:
        open_folder(tmp_path, PLANNED, resume=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", PLANNED)
def test_resume_of_another_search_is_refused(key: str, tmp_path: Path) -> None:
    write_plan(tmp_path, PLANNED)
    assert open_folder(tmp_path, PLANNED, resume=True)
    with pytest.raises(FolderError, match=r"the search there has another .* --overwrite"):
        open_folder(tmp_path, {**PLANNED, key: "other"}, resume=True)


def test_occupied_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="this is a file"):
        refuse_occupied(tmp_path / "file", resume=False, overwrite=True)
    with pytest.raises(FolderError, match=r"holds other files \(file\)"):
        refuse_occupied(tmp_path, resume=False, overwrite=True)
    (tmp_path / "file").unlink()
    (tmp_path / STUDY).write_text("left behind by a search that was killed at once")
    refuse_occupied(tmp_path, resume=False, overwrite=False)
    write_plan(tmp_path, PLANNED)
    with pytest.raises(FolderError, match="holds a search already; --resume"):
        refuse_occupied(tmp_path, resume=False, overwrite=False)
    refuse_occupied(tmp_path, resume=True, overwrite=False)
    assert not open_folder(tmp_path, PLANNED, resume=False)
    assert list(tmp_path.iterdir()) == []


def test_folders_of_stored_trials_are_removed(tmp_path: Path) -> None:
    for number in (1, 2, 3, 10):
        folder = trial_folder(tmp_path, number)
        folder.mkdir(parents=True)
        if number != 2:  # its process crashed
            (folder / RESULT).touch()
    clear_trials(tmp_path, 3)
    assert sorted(path.name for path in (tmp_path / TRIALS).iterdir()) == ["10", "2"]
    (trial_folder(tmp_path, 2) / RESULT).touch()
    clear_trials(tmp_path, 10)
    assert not (tmp_path / TRIALS).exists()
    clear_trials(tmp_path, 10)

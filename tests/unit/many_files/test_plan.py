"""The manifest: what differs is named, and damage is noticed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from munjang.errors import ConfigError, FolderError
from munjang.many_files.layout import MANIFEST
from munjang.many_files.plan import Plan, read_plan, refuse_other, round_up, write_plan
from munjang.many_files.records import PartRecord, Totals
from tests.unit.many_files.works import plan_of


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    for name in ("가.txt", "b.txt"):
        (tmp_path / name).write_text("a\n")
    out = tmp_path / "out"
    out.mkdir()
    made = plan_of([tmp_path / "가.txt", tmp_path / "b.txt"], out)
    write_plan(out, made)
    return made


def test_plan_is_read_as_written(plan: Plan, tmp_path: Path) -> None:
    assert read_plan(tmp_path / "out") == (plan, None)
    write_plan(tmp_path / "out", plan, {"rows": 3})
    assert read_plan(tmp_path / "out") == (plan, {"rows": 3})


def test_differences_are_named(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, second = plan.inputs
    touched = replace(first, modified=1)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"work": "embed"}, "results of munjang capitals, not of munjang embed"),
        ({"model": "other"}, "the model in /model is not the one"),
        ({"rows_per_part": 16}, "parts have 8 rows, not 16"),
        ({"options": {**plan.options, "top": 3}}, "the option top was None, and is 3"),
        ({"inputs": (first,)}, r"b\.txt is missing"),
        ({"inputs": (*plan.inputs, replace(first, path="/c.txt"))}, "/c.txt is not among"),
        ({"inputs": (second, first)}, "in another order"),
    ]
    for change, message in changes:
        with pytest.raises(FolderError, match=f"cannot be resumed: .*{message}"):
            refuse_other(out, plan, replace(plan, **change))
    refuse_other(out, plan, plan)
    # without answers of its own a file may have changed
    refuse_other(out, plan, replace(plan, inputs=(touched, second)))
    (out / first.name).mkdir()
    with pytest.raises(FolderError, match=r"가\.txt has changed; delete .*out.가\.txt to answer"):
        refuse_other(out, plan, replace(plan, inputs=(touched, second)))


def test_bad_rows_may_be_skipped_from_now_on(plan: Plan, tmp_path: Path) -> None:
    skipping = replace(plan, options={**plan.options, "skip_bad_rows": True})
    refuse_other(tmp_path / "out", plan, skipping)
    with pytest.raises(FolderError, match="skip_bad_rows was True, and is False"):
        refuse_other(tmp_path / "out", skipping, plan)


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": [{"path": "/a", "name": "../../a", "bytes": 1, "modified": 1}]},
        {"inputs": [{"path": "/a", "name": "a", "bytes": "1", "modified": 1}]},
        {"inputs": [{"path": "/a", "name": "a", "bytes": 1, "modified": 1}] * 2},
        {"inputs": [{"path": "/a"}]},
        {"inputs": 3},
        {"rows_per_part": 0},
        {"options": []},
        {"done": 3},
        {"format": 99},
    ],
)
def test_damaged_manifests_are_refused(plan: Plan, tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "out" / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(FolderError):
        read_plan(tmp_path / "out")


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="holds no answers"):
        read_plan(tmp_path)


def test_parts_are_whole_blocks() -> None:
    assert [round_up(rows, 1024) for rows in (1, 1024, 1025)] == [1024, 1024, 2048]
    with pytest.raises(ConfigError, match="rows_per_part"):
        round_up(0, 1024)


def test_totals() -> None:
    records = [PartRecord(3, 10, 1, {"a": 1}), PartRecord(2, 5, 0, {"a": 1, "b": 2})]
    totals = Totals().plus(records)
    assert totals == Totals(2, 5, 1, {"a": 2, "b": 2})
    for values in ({"rows": -1, "bytes": 1}, {"rows": 1, "bytes": 1, "skipped": {"a": "b"}}):
        with pytest.raises(TypeError):
            PartRecord.from_json(values)

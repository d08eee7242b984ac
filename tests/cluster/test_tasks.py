"""Functions over items as tasks of a cluster: results, errors, cancelling, and dead nodes."""

import time
from pathlib import Path

import pytest

from munjang.cluster import nodes
from munjang.cluster.connect import connect
from munjang.cluster.nodes import check_nodes, count_slots, require_slots
from munjang.cluster.tasks import Task, run_tasks
from munjang.errors import ConfigError, DataError
from tests.cluster import functions
from tests.cluster.nodes import TestCluster

pytestmark = pytest.mark.slow


def test_items_come_back_with_their_results(whole_cluster: TestCluster) -> None:
    texts = ["재미있다", "재미있다", "👍🏽", "", "long " * 20000]
    items = [{"text": text, "number": number} for number, text in enumerate(texts)]
    with connect(whole_cluster.address):
        results = list(run_tasks(functions.double, items))
    assert sorted(item["number"] for item, _ in results) == [0, 1, 2, 3, 4]
    for item, result in results:
        assert result == {"text": item["text"] * 2, "number": 2 * item["number"]}


def test_error_of_a_task_comes_back_whole_and_is_not_tried_again(
    whole_cluster: TestCluster, tmp_path: Path
) -> None:
    with connect(whole_cluster.address), pytest.raises(DataError) as caught:
        list(run_tasks(functions.fail, [{"folder": str(tmp_path), "row": 7}]))
    assert str(caught.value) == "reviews.tsv, row 7: 재미있다 is no number"
    assert caught.value.row == 7
    assert (tmp_path / "begun").read_text() == "failed\n"


def test_cores_of_a_task_are_its_threads(whole_cluster: TestCluster) -> None:
    with connect(whole_cluster.address):
        assert count_slots(1) == 3
        assert Task(functions.threads, None, cores=1).result() == [1, 1, True]
        with pytest.raises(ConfigError, match=r"cores: 2 are asked for.* has 1"):
            require_slots(2)


def test_what_is_left_is_cancelled_when_the_consumer_stops(
    whole_cluster: TestCluster, tmp_path: Path
) -> None:
    items = [
        {"folder": str(tmp_path), "name": name, "seconds": seconds}
        for name, seconds in (("short", 0.1), ("long", 60), ("longer", 60), ("never", 0.1))
    ]
    with connect(whole_cluster.address):
        tasks = run_tasks(functions.sleep_and_note, items)
        assert next(tasks)[1] == "short"
        tasks.close()
    began = time.monotonic()
    with connect(whole_cluster.address):  # its cores are free again
        list(run_tasks(functions.double, [{"text": "a", "number": 1}] * 3))
    assert time.monotonic() - began < 30
    assert (tmp_path / "ended").read_text() == "short\n"


def test_tasks_of_a_dead_node_run_again(
    whole_cluster: TestCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"task {number}" for number in range(6)]
    items = [{"folder": str(tmp_path), "name": name, "seconds": 1.0} for name in names]
    results = []
    with connect(whole_cluster.address):
        for number, (_, result) in enumerate(run_tasks(functions.sleep_and_note, items)):
            results.append(result)
            if number == 0:
                time.sleep(0.5)  # into the next tasks
                whole_cluster.kill()
    assert sorted(results) == names
    assert capsys.readouterr().out == ""  # where results of commands are


def test_nodes_see_a_shared_folder_only(
    whole_cluster: TestCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(whole_cluster.address):
        check_nodes(tmp_path)
        assert not list(tmp_path.iterdir())
        monkeypatch.setattr(nodes, "_PATIENCE", 0.1)
        with pytest.raises(ConfigError, match=r"node [\d.]+ does not see /none; choose a folder"):
            nodes._check_with(Path("/none/.munjang-1"))
        monkeypatch.setattr(nodes, "__version__", "0.0.7")
        with pytest.raises(
            ConfigError, match=r"node [\d.]+ has munjang .*, and this process 0.0.7"
        ):
            check_nodes(tmp_path)


def test_cluster_of_this_machine_is_found(whole_cluster: TestCluster) -> None:
    with connect("auto"):
        assert count_slots(1) == 3

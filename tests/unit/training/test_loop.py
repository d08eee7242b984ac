"""The loop: its steps, its validation runs, the best checkpoint and the reasons to stop."""

import json
import math
from itertools import chain, repeat
from pathlib import Path

import pytest
import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.errors import ConfigError
from munjang.tasks.classify import Classify, ClassifySettings
from munjang.training.logs import RunLog
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from tests.unit.training.conftest import SmallRun, make_scores

pytestmark = pytest.mark.usefixtures("one_thread")


def copy_weights(loop: Loop) -> dict[str, Tensor]:
    return {name: t.clone() for name, t in loop.state.model.state_dict().items()}


def record_rows(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Return the rows of each step of a run, in order."""
    seen: list[list[int]] = []
    update = Loop._update

    def spy(self: Loop, batch: Batch, factor: float) -> float:
        seen.append(batch.rows.tolist())
        return update(self, batch, factor)

    monkeypatch.setattr(Loop, "_update", spy)
    assert len(list(loop)) == loop.total
    return seen


@pytest.mark.parametrize("per_epoch", [1, 2, 3, 5, 6, 50])
@pytest.mark.parametrize("rows", [3, 4, 20, 24, 28])
def test_validation_runs_are_spread_over_each_epoch(
    small_run: SmallRun, script_scores, per_epoch: int, rows: int
) -> None:
    small_run.rows = rows
    script_scores(repeat(make_scores(0.5)))
    loop = small_run.loop(epochs=2, validations_per_epoch=per_epoch)
    steps_per_epoch = math.ceil(rows / 4)
    steps = list(loop)
    assert [step.number for step in steps] == list(range(1, 2 * steps_per_epoch + 1))
    assert [step.epoch for step in steps] == [1] * steps_per_epoch + [2] * steps_per_epoch
    assert {step.total for step in steps} == {2 * steps_per_epoch}
    validated = [step.number for step in steps if step.scores is not None]
    first = [number for number in validated if number <= steps_per_epoch]
    assert first[-1] == steps_per_epoch
    assert len(first) == min(per_epoch, steps_per_epoch)
    gaps = [b - a for a, b in zip([0, *first], first, strict=False)]
    assert max(gaps) - min(gaps) <= 1
    second = [number - steps_per_epoch for number in validated if number > steps_per_epoch]
    assert second == first


def test_each_epoch_takes_every_row_once_in_another_order(
    small_run: SmallRun, script_scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_scores(repeat(make_scores(0.5)))
    seen = record_rows(small_run.loop(epochs=3), monkeypatch)
    epochs = [list(chain(*seen[start : start + 6])) for start in (0, 6, 12)]
    assert all(sorted(rows) == list(range(24)) for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) == 3


def test_epochs_of_token_batches_take_every_row_once(
    small_run: SmallRun, script_scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_scores(repeat(make_scores(0.5)))
    small_run.rows = 60
    loop = small_run.loop(epochs=12, batch_tokens=18)
    counts = [loop.order.steps(epoch) for epoch in range(12)]
    assert len(set(counts)) > 1, "choose rows whose epochs differ, or this tests nothing"
    left = iter(record_rows(loop, monkeypatch))
    for epoch, count in enumerate(counts):
        rows = [row for _ in range(count) for row in next(left)]
        assert sorted(rows) == list(range(60)), epoch
    assert next(left, None) is None
    assert loop.total == sum(counts)
    assert [record["epoch"] for record in loop.state.counters.history] == list(range(1, 13))


def test_step_describes_its_batch(small_run: SmallRun, script_scores) -> None:
    script_scores(repeat(make_scores(0.5)))
    loop = small_run.loop(epochs=1, warmup=0.5, schedule="linear")
    expected = [int(batch.lengths.sum()) for batch in loop.train.batches(loop.order.groups(0))]
    steps = list(loop)
    assert [step.tokens for step in steps] == expected
    assert [step.learning_rate_factor for step in steps[:3]] == pytest.approx([1 / 3, 2 / 3, 1])
    assert all(math.isfinite(step.loss) for step in steps)


def test_best_checkpoint_is_kept(small_run: SmallRun, script_scores) -> None:
    script_scores([make_scores(value) for value in (0.3, 0.7, 0.7, 0.5)])
    loop = small_run.loop(epochs=4)
    at_best: dict[str, Tensor] = {}
    flags = []
    for step in loop:
        if step.scores is not None:
            flags.append(step.is_best)
        if step.number == 12:
            at_best = copy_weights(loop)
    counters = loop.state.counters
    assert flags == [True, True, False, False]
    assert (counters.best_step, counters.best_value) == (12, 0.7)
    assert counters.validations_since_best == 2
    for name, tensor in loop.state.best.items():
        assert torch.equal(tensor, at_best[name]), name
    last_weights = copy_weights(loop)
    assert any(not torch.equal(last_weights[name], at_best[name]) for name in last_weights)


@pytest.mark.parametrize(
    ("losses", "best_step"), [((2.0, 1.0, 1.5), 12), ((1.0, 1.0, 1.0), 6), ((1.0, 2.0, 3.0), 6)]
)
def test_ties_are_decided_by_lower_loss_then_by_first(
    small_run: SmallRun, script_scores, losses: tuple[float, ...], best_step: int
) -> None:
    script_scores([make_scores(0.5, log_loss=loss) for loss in losses])
    loop = small_run.loop()
    list(loop)
    assert loop.state.counters.best_step == best_step
    assert loop.state.counters.best_loss == losses[best_step // 6 - 1]


def test_better_metric_outweighs_loss(small_run: SmallRun, script_scores) -> None:
    script_scores(
        [make_scores(0.5, log_loss=0.1), make_scores(0.6, log_loss=9.0), make_scores(0.5)]
    )
    loop = small_run.loop()
    list(loop)
    assert loop.state.counters.best_step == 12


def test_lower_loss_at_equal_metric_resets_patience(small_run: SmallRun, script_scores) -> None:
    script_scores([make_scores(0.5, log_loss=loss) for loss in (1.0, 0.9, 0.8, 0.7, 0.7, 0.7, 0.1)])
    loop = small_run.loop(epochs=7, patience=2)
    assert list(loop)[-1].number == 6 * 6
    assert loop.state.counters.best_step == 24


@pytest.mark.parametrize(
    ("metric", "best_step"), [("accuracy", 6), ("macro_f1", 12), ("log_loss", 18)]
)
def test_selection_metric_and_direction(
    small_run: SmallRun, script_scores, metric: str, best_step: int
) -> None:
    script_scores(
        [
            make_scores(0.9, macro_f1=0.1, log_loss=2.0),
            make_scores(0.5, macro_f1=0.9, log_loss=1.0),
            make_scores(0.1, macro_f1=0.5, log_loss=0.5),
        ]
    )
    loop = small_run.loop(metric=metric)
    list(loop)
    assert loop.state.counters.best_step == best_step


def test_patience_counts_validation_runs_without_improvement(
    small_run: SmallRun, script_scores
) -> None:
    left = script_scores([make_scores(value) for value in (0.5, 0.4, 0.6, 0.6, 0.2, 0.9)])
    loop = small_run.loop(epochs=6, patience=2)
    steps = list(loop)
    assert steps[-1].number == 5 * 6
    assert loop.state.counters.is_stopped
    assert loop.state.counters.best_step == 18
    assert len(list(left)) == 1
    assert list(loop) == [], "a stopped run takes no more steps"


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_non_finite_scores_stop_the_run_and_keep_best_checkpoint(
    small_run: SmallRun, script_scores, metric: str
) -> None:
    script_scores([make_scores(0.5), make_scores(0.9, log_loss=math.nan), make_scores(0.9)])
    loop = small_run.loop(metric=metric)
    steps = list(loop)
    counters = loop.state.counters
    assert [step.is_best for step in steps if step.scores] == [True, False]
    assert (steps[-1].number, counters.best_step) == (12, 6)
    assert counters.is_stopped
    assert counters.has_diverged
    json.dumps(counters.history, allow_nan=False)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_divergence_before_first_checkpoint_names_learning_rate(
    small_run: SmallRun, metric: str
) -> None:
    loop = small_run.loop(learning_rate=1e30, clip_norm=None, metric=metric)
    with pytest.raises(ConfigError, match=r"learning_rate: training diverged at step 6 of 18"):
        list(loop)


def test_history_has_a_record_per_validation_run(small_run: SmallRun, script_scores) -> None:
    script_scores([make_scores(0.5, macro_f1=0.4, log_loss=0.7), make_scores(0.25)])
    loop = small_run.loop(epochs=1, validations_per_epoch=2)
    losses = [step.loss for step in loop]
    first, second = loop.state.counters.history
    assert (first["step"], first["epoch"], first["best"]) == (3, 0.5, True)
    assert (first["accuracy"], first["macro_f1"], first["log_loss"]) == (0.5, 0.4, 0.7)
    assert first["train_loss"] == pytest.approx(sum(losses[:3]) / 3)
    assert second["train_loss"] == pytest.approx(sum(losses[3:]) / 3)
    assert (second["step"], second["best"]) == (6, False)


@pytest.mark.parametrize(("average_after", "first"), [(0.0, 1), (0.5, 3), (0.6, 4)])
def test_average_after_is_mean_of_later_weights(
    small_run: SmallRun, script_scores, average_after: float, first: int
) -> None:
    script_scores(repeat(make_scores(0.5)))
    loop = small_run.loop(epochs=6, average_after=average_after)
    snapshots = []
    for step in loop:
        if step.scores is not None:
            snapshots.append(copy_weights(loop))
    taken = snapshots[first - 1 :]
    assert loop.state.counters.average_count == len(taken)
    for name, tensor in loop.state.average.items():
        mean = torch.stack([weights[name] for weights in taken]).mean(0)
        torch.testing.assert_close(tensor, mean, rtol=1e-5, atol=1e-6)


def test_averaged_weights_are_kept_if_their_scores_are_better(
    small_run: SmallRun, script_scores
) -> None:
    # validated: weights at 6; weights and average at 12; weights and average at 18
    script_scores([make_scores(value) for value in (0.4, 0.5, 0.8, 0.6, 0.7)])
    loop = small_run.loop(average_after=0.0)
    averages, plain = [], []
    for step in loop:
        if step.scores is not None:
            averages.append({k: t.clone() for k, t in loop.state.average.items()})
            plain.append(copy_weights(loop))
    counters = loop.state.counters
    assert (counters.best_step, counters.best_value, counters.best_is_average) == (12, 0.8, True)
    for name, tensor in loop.state.best.items():
        assert torch.equal(tensor, averages[1][name]), name
    assert [record["averaged_weights"] for record in counters.history] == [False, True, True]
    torch.testing.assert_close(
        averages[1]["head.bias"], (plain[0]["head.bias"] + plain[1]["head.bias"]) / 2
    )


def test_average_best_averages_best_validation_runs(small_run: SmallRun, script_scores) -> None:
    # weights score .4 .7 .5 .6; from the second on the average of the two best is scored too
    script_scores([make_scores(value) for value in (0.4, 0.7, 0.1, 0.5, 0.1, 0.6, 0.9)])
    loop = small_run.loop(epochs=4, average_best=2)
    plain = [copy_weights(loop) for step in loop if step.scores is not None]
    assert loop.state.counters.snapshot_values == [0.7, 0.6]
    assert loop.state.counters.best_value == 0.9
    assert loop.state.counters.best_is_average
    for name, tensor in loop.state.best.items():
        torch.testing.assert_close(tensor, (plain[1][name] + plain[3][name]) / 2)


def test_two_averages_are_refused() -> None:
    with pytest.raises(ConfigError, match="two averages"):
        TrainingSettings.parse({"average_after": 0.5, "average_best": 3})


def test_scoring_the_average_does_not_change_the_run(small_run: SmallRun, script_scores) -> None:
    script_scores(repeat(make_scores(0.5)))
    with_average, without = small_run.loop(average_after=0.0), small_run.loop()
    list(with_average)
    list(without)
    for name, tensor in copy_weights(with_average).items():
        assert torch.equal(tensor, copy_weights(without)[name]), name


def test_same_seed_gives_same_losses(script_scores) -> None:
    script_scores(repeat(make_scores(0.5)))
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(99)
        losses.append([step.loss for step in SmallRun(seed=seed).loop()])
    assert losses[0] == losses[1] != losses[2]


def test_class_weights_weight_the_loss(small_run: SmallRun) -> None:
    task = Classify(("a", "b", "c"), ClassifySettings(), weights=(1.0, 2.0, 0.5))
    logits, targets = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    expected = torch.nn.functional.cross_entropy(
        logits, targets, weight=torch.tensor([1.0, 2.0, 0.5])
    )
    torch.testing.assert_close(task.loss(logits, targets), expected)


def test_heavy_class_is_predicted_more_often(small_run: SmallRun) -> None:
    predictions = []
    for weights in ((20.0, 1.0, 1.0), (1.0, 1.0, 20.0)):
        small_run.task = Classify(("a", "b", "c"), ClassifySettings(), weights)
        loop = small_run.loop(epochs=4, learning_rate=0.05)
        *_, last = loop
        assert last.scores is not None
        predictions.append([sum(column) for column in zip(*last.scores.confusion, strict=True)])
    assert predictions[0][0] > predictions[1][0]
    assert predictions[0][2] < predictions[1][2]


def test_validation_disables_dropout_and_training_reenables_it(small_run: SmallRun) -> None:
    loop = small_run.loop(epochs=2)
    for step in loop:
        assert loop.state.model.training
        if step.scores is not None:
            assert step.scores == loop.validate()


def test_embedding_tables_get_their_optimizer_and_learning_rate(small_run: SmallRun) -> None:
    def kinds(**settings: object) -> list[tuple[str, list[float]]]:
        optimizers = small_run.loop(**settings).state.optimizers
        return [(type(one).__name__, [group.lr for group in one.groups]) for one in optimizers]

    assert kinds() == [("AdamW", [1e-3])]
    assert kinds(embedding_learning_rate=0.5) == [("AdamW", [1e-3, 0.5])]
    of_rows = {"embedding_optimizer": "adagrad", "embedding_learning_rate": 0.5}
    assert kinds(**of_rows) == [("AdamW", [1e-3]), ("RowAdagrad", [0.5])]
    state = small_run.loop(**of_rows).state
    table = state.model.encoder.embedding.weight
    assert state.optimizers[1].groups[0].parameters[0] is table


@pytest.mark.parametrize("most", [1, 4, 6, 8, 11, 12, 500])
def test_schedule_ends_at_max_steps(small_run: SmallRun, script_scores, most: int) -> None:
    script_scores(repeat(make_scores(0.5)))
    loop = small_run.loop(epochs=2, max_steps=most, schedule="linear", warmup=0.0)
    steps = list(loop)
    last = min(most, 12)
    assert [step.number for step in steps] == list(range(1, last + 1))
    assert {step.total for step in steps} == {last}
    assert steps[-1].scores is not None, "the last step is validated, wherever in an epoch it is"
    assert steps[-1].learning_rate_factor == pytest.approx(1 / last)
    assert loop.state.counters.step == last


def test_max_seconds_stops_with_a_last_validation_run(small_run: SmallRun, script_scores) -> None:
    script_scores(repeat(make_scores(0.5)))
    loop = small_run.loop(epochs=1_000_000, max_seconds=0.05)
    steps = list(loop)
    assert 1 <= len(steps) < loop.total
    assert steps[-1].scores is not None
    assert loop.state.counters.is_stopped
    assert not loop.state.counters.has_diverged
    assert loop.state.counters.seconds >= 0.05


@pytest.mark.parametrize("name", ["mean", "cnn", "lstm", "transformer"])
def test_bfloat16_changes_losses_slightly(name: str) -> None:
    model = {"name": name, "dim": 16, "dropout": 0.0}
    exact, rounded = (
        [step.loss for step in SmallRun(model=model).loop(precision=precision)]
        for precision in ("float32", "bfloat16")
    )
    assert exact != rounded
    assert rounded == pytest.approx(exact, rel=0.05)
    loop = SmallRun(model=model).loop(precision="bfloat16")
    list(loop)
    assert {t.dtype for t in loop.state.model.parameters()} == {torch.float32}


def test_divergence_is_detected_before_next_validation_run(
    small_run: SmallRun, script_scores, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small_run.rows = 400
    script_scores([make_scores(0.5), make_scores(0.5, log_loss=math.nan)])
    loop = small_run.loop(epochs=2, clip_norm=None, schedule="constant")
    log, steps = RunLog(tmp_path, every=5), []
    for step in loop:
        log.record(step)
        steps.append(step)
        if step.number == loop.steps_per_epoch:
            with torch.no_grad():
                loop.parameters[0].fill_(math.nan)
    log.close()
    assert loop.state.counters.has_diverged
    assert loop.steps_per_epoch == 100
    assert steps[-1].number == 110
    assert capfd.readouterr() == ("", ""), "TensorBoard's writer warns of no number"
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert records[-2]["loss"] is None


def test_unused_epochs_cost_nothing(small_run: SmallRun) -> None:
    loop = small_run.loop(epochs=10**6, batch_tokens=20, max_steps=3)
    assert loop.total == 3
    assert [step.number for step in loop] == [1, 2, 3]

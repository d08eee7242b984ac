"""Every encoder with states can be pretrained on masked tokens, one row of the registry each."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from torch import Tensor

from munjang.data.batches import Batch, TextDataset
from munjang.tasks.masked_lm import MaskedLm, MaskedLmSettings
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import EOS, GO, RESERVED
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state
from tests.architectures import ARCHITECTURES, build_encoder, model_config
from tests.synthetic import make_column, make_corpus, pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = [name for name, row in ARCHITECTURES.items() if "states" in row.gives]
every_encoder = pytest.mark.parametrize("name", NAMES)
SMALL = {"dim": 16, "hidden_dim": 16, "filters": 16, "heads": 2, "layers": 1, "bag_dim": 0}
TEXTS, _ = make_corpus(60)


class Fitted:
    """An input that is only its tokenizer."""

    tokenizer = make_tokenizer("words").fit(pl.Series(TEXTS))


SIZE = Fitted.tokenizer.vocabulary.size
ROWS = [[GO, *Fitted.tokenizer.encode_text(text).tolist(), EOS] for text in TEXTS]
# Each word follows from the one beside it.
FEW = [[GO, *[n if k % 2 else n + 1 for k in range(6)], EOS] for n in range(4, 20, 2)]


def make_loop(
    name: str,
    rows: list[list[int]],
    *,
    dropout: float = 0.0,
    task: dict[str, Any] | None = None,
    **training: Any,
) -> Loop:
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    dropouts = {
        key: dropout
        for key in fields
        if key.endswith("dropout") and fields[key].annotation is not bool
    }
    objective = MaskedLm(MaskedLmSettings.parse(task or {})).with_input(Fitted)
    torch.manual_seed(3)
    encoder = build_encoder(model_config({"name": name, **small, **dropouts}), SIZE)
    settings = TrainingSettings.parse({"batch_size": 8, **training})
    data = TextDataset(make_column(rows))
    state = make_state(objective.network(encoder), settings)
    return Loop(state, objective, data, data.take(torch.arange(8).numpy()), settings, seed=7)


def make_batch(rows: list[list[int]], extra: int = 0) -> Batch:
    ids, mask = pad_rows(rows, extra=extra)
    return Batch(ids, mask.sum(1), mask, torch.arange(len(rows)))


def test_architectures_include_all_text_encoders_with_states() -> None:
    assert set(NAMES) >= {"cnn", "rnn", "lstm", "gru", "transformer", "bert"}


@every_encoder
def test_masked_lm_overfits_small_corpus(name: str) -> None:
    loop = make_loop(
        name, FEW * 8, epochs=60, learning_rate=0.01, schedule="linear", task={"mask_rate": 0.15}
    )
    steps = list(loop)
    assert steps[-1].scores is not None
    scores = steps[-1].scores.metrics
    assert scores["accuracy"] == 1.0
    assert scores["cross_entropy"] < 0.1
    assert sum(s.loss for s in steps[-20:]) < 0.1 * sum(s.loss for s in steps[:20])


@every_encoder
def test_masked_lm_logits_do_not_depend_on_padding_or_batch(name: str) -> None:
    network = make_loop(name, ROWS).state.model.eval()
    batch = make_batch(ROWS[:9], extra=5)
    positions = batch.mask.flatten().nonzero()[:, 0]
    with torch.no_grad():
        batched = network(batch.ids, batch.mask, positions).tokens.logits()
        start = 0
        for row in ROWS[:9]:
            single = make_batch([row])
            own = network(single.ids, single.mask, torch.arange(len(row))).tokens.logits()
            torch.testing.assert_close(batched[start : start + len(row)], own, atol=1e-5, rtol=1e-4)
            start += len(row)


@every_encoder
def test_masked_lm_gradient_reaches_every_parameter_of_states(name: str) -> None:
    loop = make_loop(name, ROWS, task={"pairs": "sentence_order"})
    network: Any = loop.state.model
    rows = [[*row, *row[1:]] for row in ROWS[:16]]
    masked = loop.task.draw_targets(make_batch(rows), loop.generator, 0.0)  # type: ignore[attr-defined]
    loop.task.loss(network(*masked.inputs), masked.targets).backward()
    for key, parameter in network.named_parameters():
        if key.startswith(("encoder.pooler", "encoder.pooling")):
            continue  # of the pooled vector
        assert parameter.grad is not None, key
        assert parameter.grad.to_dense().abs().max() > 0, key
        assert parameter.grad.to_dense().isfinite().all(), key


@every_encoder
def test_same_seed_gives_bitwise_equal_training(name: str) -> None:
    runs = []
    for noise in (1, 2):
        loop = make_loop(name, ROWS, dropout=0.3, epochs=1, task={"whole_words": True})
        torch.manual_seed(noise)
        runs.append(([step.loss for step in loop], loop.state.model.state_dict()))
    assert runs[0][0] == runs[1][0]
    for key, value in runs[0][1].items():
        assert torch.equal(value, runs[1][1][key]), key


@every_encoder
def test_resumed_run_equals_uninterrupted_run(name: str, tmp_path: Path) -> None:
    whole = make_loop(name, ROWS, dropout=0.3, epochs=2)
    losses = [step.loss for step in whole]
    stopped = make_loop(name, ROWS, dropout=0.3, epochs=2)
    for step in stopped:
        if step.number == 9:
            break
    save_checkpoint(tmp_path, stopped.state, "f")
    resumed = make_loop(name, ROWS, dropout=0.3, epochs=2)
    assert load_checkpoint(tmp_path, resumed.state, "f")
    assert [step.loss for step in resumed] == losses[9:]
    expected: dict[str, Tensor] = whole.state.tensors()
    for key, tensor in resumed.state.tensors().items():
        assert torch.equal(tensor, expected[key]), key


@every_encoder
def test_masked_tokens_do_not_leak_into_logits(name: str) -> None:
    """The prediction of a masked place does not depend on the token that stood there."""
    loop = make_loop(name, ROWS)
    network, task = loop.state.model.eval(), loop.task
    mask_id = task.masking.mask_id  # type: ignore[attr-defined]
    with torch.no_grad():
        answers = []
        for token in (5, 9):
            row = [GO, 6, token, 7, EOS]
            batch = make_batch([row])
            ids = batch.ids.clone()
            ids[0, 2] = mask_id
            answers.append(network(ids, batch.mask, torch.tensor([2])).tokens.logits())
    assert torch.equal(*answers)
    assert len(RESERVED) == 4

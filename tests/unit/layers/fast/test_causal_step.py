"""Steps with a buffer of keys and values, held to the steps module by module."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from munjang.layers.fast.key_value_buffer import BufferedLayers
from munjang.models.language.transformer import (
    TransformerLanguage,
    TransformerLanguageConfig,
)
from munjang.models.language.transformer_state import TransformerLanguageState

pytestmark = pytest.mark.usefixtures("one_thread")

VOCABULARY = 13


def make_model(context: int = 8, **settings: object) -> TransformerLanguage:
    """Return a small network whose biases and norms are not those of a new one."""
    torch.manual_seed(0)
    small = {"dim": 12, "heads": 3, "layers": 2, "ngram_buckets": 64, "context": context}
    model = TransformerLanguage(TransformerLanguageConfig(**(small | settings)), VOCABULARY)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model.eval()


def random_ids(rows: int, steps: int) -> Tensor:
    """Return ids [steps, rows, 1]."""
    return torch.randint(4, VOCABULARY, (steps, rows, 1))


def is_buffered(state: TransformerLanguageState) -> bool:
    return isinstance(state.cache.layers, BufferedLayers)


def take_steps(
    model: TransformerLanguage, state: TransformerLanguageState, ids: Tensor
) -> tuple[Tensor, TransformerLanguageState]:
    """Return logits [steps, rows, vocabulary], and the state at the end."""
    logits = []
    for step in ids:
        output = model.step(state, step)
        logits.append(output.logits[:, 0].detach())
        state = output.state
    return torch.stack(logits), state


def assert_alike(model: TransformerLanguage, run: Callable[[], Tensor]) -> None:
    """Assert that a run without gradients, which is buffered, equals one with them."""
    with torch.enable_grad():
        expected = run()
    with torch.inference_mode():
        found = run()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 8])
@pytest.mark.parametrize("context", [8, 150])
@pytest.mark.parametrize("activation", ["gelu", "softmax"])
def test_steps_equal_those_of_the_modules(rows: int, context: int, activation: str) -> None:
    model = make_model(context, activation=activation)
    ids = random_ids(rows, 2 * context + 3)  # several windows, and a buffer that grows

    def run() -> Tensor:
        logits, state = take_steps(model, model.begin(rows), ids)
        assert is_buffered(state) != torch.is_grad_enabled()
        return logits

    assert_alike(model, run)


def test_rows_of_different_lengths_join_and_leave() -> None:
    model = make_model()
    first, second, both, last = (random_ids(rows, 5) for rows in (2, 1, 3, 2))
    prompt = torch.randint(4, VOCABULARY, (1, 11))

    def run() -> Tensor:
        _, old = take_steps(model, model.begin(2), first)
        _, read = model.read(model.begin(1), prompt)
        _, new = take_steps(model, read, second)
        logits, joined = take_steps(model, old.join([new]), both)
        rest, _ = take_steps(model, joined.keep(torch.tensor([2, 0])), last)
        return torch.cat([logits.flatten(), rest.flatten()])

    assert_alike(model, run)


def test_hypotheses_of_a_row_are_picked() -> None:
    model = make_model()
    ids, parents = random_ids(2, 3), torch.tensor([[0, 0], [0, 0]])

    def run() -> Tensor:
        _, state = take_steps(model, model.begin(2), ids)
        wide = state.pick(parents)
        output = model.step(wide, torch.tensor([[4, 5], [6, 7]]))
        picked = output.state.pick(torch.tensor([[1, 1], [1, 0]]))
        return model.step(picked, torch.tensor([[8, 9], [8, 9]])).logits.detach()

    assert_alike(model, run)


@torch.inference_mode()
def test_a_state_may_be_continued_twice() -> None:
    model = make_model()
    _, state = take_steps(model, model.begin(1), random_ids(1, 3))
    one, other = random_ids(1, 2), random_ids(1, 2)
    expected, _ = take_steps(model, state, one)
    take_steps(model, state, other)
    again, _ = take_steps(model, state, one)
    assert torch.equal(again, expected)


@torch.inference_mode()
def test_a_state_of_a_lone_text_knows_the_tokens_that_it_has_read() -> None:
    model = make_model()
    _, state = take_steps(model, model.begin(1), random_ids(1, 3))
    one, other = random_ids(1, 20), random_ids(1, 20)
    expected, _ = take_steps(model, state, one)
    take_steps(model, state, other)  # past the window that both share
    again, after = take_steps(model, state, one)
    assert torch.equal(again, expected)
    assert after.recent[0, 0].tolist() == one[-9:].flatten().tolist()


@pytest.mark.parametrize(
    "settings", [{"ngrams": 1}, {"ngrams": 4}, {"tie_embeddings": False}], ids=str
)
@pytest.mark.parametrize("largest", [0, 4096])
def test_one_text_equals_the_modules_with_any_embedding_and_output(
    settings: dict[str, object], largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.models.language.lone_text._MOST_OUTPUTS", largest)
    model = make_model(**settings)
    ids = random_ids(1, 20)
    ids[7] = VOCABULARY + 5  # out of vocabulary
    is_alone = []

    def run() -> Tensor:
        logits, state = take_steps(model, model.begin(1), ids)
        is_alone.append(state.text is not None)
        return logits

    assert_alike(model, run)
    assert is_alone == [False, largest > 0]


def test_states_far_from_zero_lose_no_digits() -> None:
    """The mean of a state is taken off before it is squared."""
    model, ids = make_model(tie_embeddings=False), random_ids(1, 5)
    with torch.no_grad():
        model.embedding.weight += 5.0
    assert_alike(model, lambda: take_steps(model, model.begin(1), ids)[0])


def test_a_buffer_of_one_mode_is_filled_in_another() -> None:
    model = make_model()
    ids = random_ids(1, 4)
    with torch.inference_mode():
        _, state = take_steps(model, model.begin(1), ids)
        expected, _ = take_steps(model, state, ids)
    with torch.no_grad():
        found, after = take_steps(model, state, ids)
    assert is_buffered(after)
    assert torch.equal(found, expected)


def test_a_text_begun_after_a_change_reads_the_changed_weights() -> None:
    model = make_model()
    ids = random_ids(1, 3)
    with torch.inference_mode():
        before, _ = take_steps(model, model.begin(1), ids)
    with torch.no_grad():
        model.blocks[1].up.weight.mul_(1.5)

    def run() -> Tensor:
        return take_steps(model, model.begin(1), ids)[0]

    assert_alike(model, run)
    assert not torch.allclose(run(), before)


class Halved(nn.Module):
    """Stands for a layer of another kind, such as a quantized one."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) / 2


def replace_a_layer(model: TransformerLanguage) -> None:
    model.blocks[0].down = Halved(model.blocks[0].down)


def make_bfloat16(model: TransformerLanguage) -> None:
    model.to(torch.bfloat16)


@pytest.mark.parametrize("change", [replace_a_layer, make_bfloat16])
def test_other_layers_take_the_steps_of_their_modules(
    change: Callable[[TransformerLanguage], None],
) -> None:
    model = make_model()
    change(model)
    ids = random_ids(1, 10)
    with torch.enable_grad():
        expected, _ = take_steps(model, model.begin(1), ids)
    with torch.inference_mode():
        found, state = take_steps(model, model.begin(1), ids)
    assert not is_buffered(state)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-2)

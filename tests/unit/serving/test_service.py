"""The service: what waits for what."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from munjang.serving.limits import Limits
from munjang.serving.models import ModelStore, ServedModel
from munjang.serving.service import Service
from munjang.serving.works import TextWork


@pytest.fixture(autouse=True)
def _unfreeze() -> Iterator[None]:
    """Undo what the start of a service does to all objects of the process."""
    yield
    gc.unfreeze()


class Served:
    """Stands for a model whose parts know each other."""

    def __init__(self) -> None:
        self.itself = self


def test_long_lived_objects_are_passed_over_and_replaced_models_are_freed() -> None:
    store = ModelStore([])
    models = [Served()]
    before = weakref.ref(models[0])

    def replace(name: str) -> bool:
        models[0] = Served()
        return True

    store.reload = replace  # type: ignore[method-assign]
    service = Service(store, Limits())

    async def run() -> None:
        service.start()
        assert gc.get_freeze_count() > 1000
        assert await service.reload("m")
        assert before() is None
        assert gc.get_freeze_count() > 1000
        await service.stop()

    asyncio.run(run())


def test_answers_need_not_wait_for_explanations() -> None:
    backend: Any = SimpleNamespace(description=SimpleNamespace(most_tokens=10))
    served = ServedModel("m", Path("m"), backend, "0" * 64)
    gate = threading.Event()

    def explain(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
        assert gate.wait(60)
        return [f"why {value}" for value in values]

    def answer(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
        return [f"answer {value}" for value in values]

    async def ask() -> tuple[Sequence[Any], Sequence[Any]]:
        service = Service(ModelStore([served]), Limits())
        service.start()
        slow = TextWork(served, explain, is_shared=False, is_slow=True)
        why = asyncio.create_task(service.run(slow, ["a"]))
        await asyncio.sleep(0)
        answers = await asyncio.wait_for(service.run(TextWork(served, answer), ["b"]), 60)
        assert not why.done()
        gate.set()
        explained = await why
        await service.stop()
        return answers, explained

    assert asyncio.run(ask()) == (["answer b"], ["why a"])

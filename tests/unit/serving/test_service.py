"""The service: what waits for what."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from munjang.serving.limits import Limits
from munjang.serving.models import ModelStore, ServedModel
from munjang.serving.service import Service
from munjang.serving.works import TextWork


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

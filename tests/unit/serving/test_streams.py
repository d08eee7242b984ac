"""Streams of events whose clients leave."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from munjang.serving.bodies import GenerateRequest
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.endpoints.texts import generate
from munjang.serving.writing import Written


def test_stream_that_waits_for_a_token_can_be_closed() -> None:
    closed = []

    async def write(*arguments: Any, **options: Any) -> AsyncGenerator[Written]:
        try:
            yield Written("가", 1)
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    store = SimpleNamespace(find=lambda name, skill: None)
    service: Any = SimpleNamespace(store=store, limits=SimpleNamespace(new_tokens=500), write=write)

    async def read() -> None:
        reply = await generate(Call(service, GenerateRequest(stream=True), {}))
        assert not isinstance(reply.body, bytes)
        assert "가".encode() in await anext(reply.body)
        waiting = asyncio.ensure_future(anext(reply.body))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert closed

    asyncio.run(read())

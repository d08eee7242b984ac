"""POST /translate, /generate and /v1/completions: texts, whole or as they are written."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from munjang.serving.bodies import (
    CompletionRequest,
    GenerateParameters,
    GenerateRequest,
    TranslateRequest,
)
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.endpoints.inputs import read_inputs
from munjang.serving.http import EVENTS, HEARTBEAT, Reply, event, reply_json
from munjang.serving.models import ServedModel
from munjang.serving.request_errors import RequestError, invalid
from munjang.serving.skills import CONTINUES, TRANSLATES
from munjang.serving.works import decoding
from munjang.serving.writing import Written

Parts = AsyncGenerator[Written]
DONE = event(b"[DONE]")


async def translate(call: Call) -> Reply:
    """Translate texts, in the shape of Hugging Face's translation; with `stream` token by token."""
    body: TranslateRequest = call.body
    served = call.service.store.find(body.model, TRANSLATES)
    inputs = read_inputs(served, body.inputs)
    if body.stream:
        if not inputs.is_single:
            raise invalid("inputs: expected one text to stream, got a list")
        if body.beam or body.nbest or body.alignment:
            raise invalid("stream: a streamed answer is the greedy one, without beam or alignment")
        [value] = inputs.values
        length = call.service.limits.new_tokens
        parts = call.service.write(served, value, length=length)
        return await _stream(parts, _token_event)
    work = decoding(served, beam=body.beam, nbest=body.nbest, alignment=body.alignment or None)
    answers = await call.service.run(work, inputs.values)
    return reply_json([{"translation_text": each.text, **each.to_json()} for each in answers])


async def generate(call: Call) -> Reply:
    """Continue a text with a language model; with `stream` as it is written."""
    body: GenerateRequest = call.body
    parts = _continue(call, body.model, body.inputs, body.parameters)
    if body.stream:
        return await _stream(parts, _token_event)
    text, last = await _join(parts)
    return reply_json(
        {
            "generated_text": text,
            "generated_tokens": last.tokens,
            "finish_reason": last.finish_reason,
        }
    )


async def complete(call: Call) -> Reply:
    """Continue a text, in the shape of OpenAI's completions."""
    body: CompletionRequest = call.body
    if not isinstance(body.prompt, str):
        raise invalid(f"prompt: expected one text, got a list of {len(body.prompt)}")
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    parameters = GenerateParameters(
        max_new_tokens=body.max_tokens or 16,
        temperature=body.temperature,
        top_p=body.top_p,
        seed=body.seed,
        stop=stop,
    )
    served = call.service.store.find(body.model, CONTINUES)
    parts = _continue(call, body.model, body.prompt, parameters)
    head = {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": served.name,
    }
    if body.stream:
        return await _stream(parts, lambda part: event({**head, "choices": [_choice(part)]}))
    text, last = await _join(parts)
    tokens = served.estimate_tokens(body.prompt)
    return reply_json(
        {
            **head,
            "choices": [{**_choice(last), "text": text}],
            "usage": {
                "prompt_tokens": tokens,
                "completion_tokens": last.tokens,
                "total_tokens": tokens + last.tokens,
            },
        }
    )


def _choice(part: Written) -> dict[str, Any]:
    return {
        "index": 0,
        "text": part.text,
        "logprobs": None,
        "finish_reason": part.finish_reason,
    }


def _continue(call: Call, name: str | None, prompt: str, parameters: GenerateParameters) -> Parts:
    """Return the parts of a text that a language model writes.

    Raises:
        RequestError: the model is no language model, or a number is out of range.
    """
    served = call.service.store.find(name, CONTINUES)
    most = call.service.limits.new_tokens
    if parameters.max_new_tokens > most:
        raise invalid(
            f"max_new_tokens: expected at most {most:,}, got {parameters.max_new_tokens:,}"
        )
    return call.service.write(
        served,
        prompt,
        length=parameters.max_new_tokens,
        seed=parameters.seed,
        stop=[text for text in parameters.stop if text],
        decoding=_decoding(served, parameters),
    )


def _decoding(served: ServedModel, parameters: GenerateParameters) -> dict[str, Any]:
    """Return the settings of decoding that differ; a temperature of 0 is greedy decoding."""
    if parameters.temperature == 0:
        return {"method": "greedy"}
    named = {
        "temperature": parameters.temperature,
        "top_k": parameters.top_k,
        "top_p": parameters.top_p,
    }
    given = {key: value for key, value in named.items() if value is not None}
    return {"method": "sample", **given} if given else {}


async def _join(parts: Parts) -> tuple[str, Written]:
    texts: list[str] = []
    last: Written | None = None
    async with aclosing(parts):
        async for last in parts:
            texts.append(last.text)
    if last is None:
        raise RequestError(500, "internal_error", "no token was generated")
    return "".join(texts), last


def _token_event(part: Written) -> bytes:
    return event(
        {"token": {"text": part.text}, "tokens": part.tokens, "finish_reason": part.finish_reason}
    )


async def _stream(parts: Parts, show: Callable[[Written], bytes]) -> Reply:
    """Return a stream of events. It begins with the first part, so that refusals have a status."""
    first = await anext(parts)
    return Reply(_events(first, parts, show), media_type=EVENTS)


async def _events(
    part: Written, parts: Parts, show: Callable[[Written], bytes]
) -> AsyncGenerator[bytes]:
    async with aclosing(parts):
        yield show(part)
        while part.finish_reason is None:
            following = asyncio.ensure_future(anext(parts))
            try:
                while not (await asyncio.wait({following}, timeout=HEARTBEAT))[0]:
                    yield b": still writing\n\n"
                part = following.result()
            except RequestError as error:
                yield event(error.to_json())
                return
            finally:
                if not following.done():  # the client has left; the parts cannot be closed before
                    following.cancel()
                    await asyncio.wait({following})
            yield show(part)
        yield DONE

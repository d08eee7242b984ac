"""`munjang.Client` and `munjang.AsyncClient`."""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import httpx2

from munjang.client.requests import (
    Inputs,
    Request,
    ServerError,
    post,
    read_error,
    read_event,
)
from munjang.errors import MunjangError


class _Requests:
    """The requests of both clients.

    Args:
        url: address of the server, such as http://localhost:8000.
        key: its key, if it has one.
        model: name of the model; None: the first one.
        timeout: longest wait, in seconds.
    """

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        key: str | None = None,
        model: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.url = url
        self.model = model
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._options: dict[str, Any] = {"base_url": url, "headers": headers, "timeout": timeout}

    def _predict(self, texts: Inputs, top_k: int | None, abstain: float | None) -> Request:
        return post("/predict", inputs=texts, model=self.model, top_k=top_k, abstain=abstain)

    def _embed(self, texts: Inputs, pooling: str | None, normalize: bool) -> Request:
        fields = {"inputs": texts, "model": self.model, "pooling": pooling}
        return post("/embed", **fields, normalize=normalize)

    def _neighbors(self, words: str | Sequence[str], k: int) -> Request:
        return post("/neighbors", inputs=words, model=self.model, k=k)

    def _explain(self, text: Inputs, method: str | None, label: str | None) -> Request:
        return post("/explain", inputs=text, model=self.model, method=method, label=label)

    def _translate(self, texts: Inputs, beam: int | None, stream: bool) -> Request:
        return post("/translate", inputs=texts, model=self.model, beam=beam, stream=stream)

    def _generate(self, prompt: str, stream: bool, parameters: dict[str, Any]) -> Request:
        given = {key: value for key, value in parameters.items() if value is not None}
        fields = {"inputs": prompt, "model": self.model, "parameters": given}
        return post("/generate", **fields, stream=stream)

    def _unreachable(self, error: httpx2.HTTPError) -> MunjangError:
        reason = str(error) or type(error).__name__
        return MunjangError(
            f"{self.url}: the server does not answer ({reason}); is munjang serve running there?"
        )


def _value(response: httpx2.Response) -> Any:
    """Return the JSON of a response.

    Raises:
        ServerError: the response is an error.
    """
    if response.status_code >= 400:
        raise _error(response)
    return response.json()


def _error(response: httpx2.Response) -> ServerError:
    return read_error(response.status_code, response.text, response.headers.get("retry-after"))


class Client(_Requests):
    """A client of `munjang serve`.

    Each method raises `munjang.client.requests.ServerError` for an error of the server, whose
    `retry_after` says when an overloaded one may be asked again, and `MunjangError` if the server
    does not answer.

    Args:
        url: address of the server.
        key: its key, if it has one.
        model: name of the model; None: the first one.
        timeout: longest wait, in seconds.

    Example:
        >>> client = munjang.Client("http://localhost:8000")
        >>> client.predict("정말 재미있다")
        [{'label': '1', 'score': 0.98}, {'label': '0', 'score': 0.02}]
    """

    @cached_property
    def _http(self) -> httpx2.Client:
        return httpx2.Client(**self._options)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def models(self) -> list[dict[str, Any]]:
        """Return what the models are, the first one first."""
        models: list[dict[str, Any]] = self._ask(Request("/models"))["models"]
        return models

    def predict(
        self, texts: Inputs, *, top_k: int | None = None, abstain: float | None = None
    ) -> Any:
        """Return labels with their scores, the best first, or what else the model answers.

        Args:
            texts: a text or a list; of a model of two texts [first, second] or a list of these.
            top_k: most labels per text.
            abstain: largest share of wrong answers, as for `Model.predict`.
        """
        return self._ask(self._predict(texts, top_k, abstain))

    def embed(
        self, texts: Inputs, *, pooling: str | None = None, normalize: bool = False
    ) -> list[Any]:
        """Return a vector per text; see `Model.embed`."""
        vectors: list[Any] = self._ask(self._embed(texts, pooling, normalize))
        return vectors

    def neighbors(self, words: str | Sequence[str], *, k: int = 10) -> list[Any]:
        """Return for each word the `k` nearest ones with their cosines, as dictionaries."""
        near: list[Any] = self._ask(self._neighbors(words, k))
        return near

    def explain(
        self, text: Inputs, *, method: str | None = None, label: str | None = None
    ) -> dict[str, Any]:
        """Return the answer to a text and how much each word gives to it; see `Model.why`."""
        explained: dict[str, Any] = self._ask(self._explain(text, method, label))
        return explained

    def translate(self, texts: str | Sequence[str], *, beam: int | None = None) -> list[str]:
        """Return the translation of each text."""
        found = self._ask(self._translate(texts, beam, stream=False))
        return [each["translation_text"] for each in found]

    def generate(self, prompt: str = "", **parameters: Any) -> str:
        """Return what a language model writes after a prompt.

        Args:
            prompt: beginning of the text.
            parameters: max_new_tokens, temperature, top_k, top_p, seed, stop.
        """
        text: str = self._ask(self._generate(prompt, False, parameters))["generated_text"]
        return text

    def stream(self, prompt: str = "", **parameters: Any) -> Iterator[str]:
        """Yield what a language model writes, as it writes; parameters are those of `generate`."""
        request = self._generate(prompt, True, parameters)
        try:
            with self._http.stream("POST", request.path, json=request.body) as response:
                if response.status_code >= 400:
                    response.read()
                    raise _error(response)
                for line in response.iter_lines():
                    if text := read_event(line):
                        yield text
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    def _ask(self, request: Request) -> Any:
        try:
            return _value(self._http.request(request.method, request.path, json=request.body))
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error


class AsyncClient(_Requests):
    """A client of `munjang serve` for asyncio: the methods of `Client`, to await.

    Args:
        url: address of the server.
        key: its key, if it has one.
        model: name of the model; None: the first one.
        timeout: longest wait, in seconds.
    """

    @cached_property
    def _http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(**self._options)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def models(self) -> list[dict[str, Any]]:
        """Return what the models are, the first one first."""
        models: list[dict[str, Any]] = (await self._ask(Request("/models")))["models"]
        return models

    async def predict(
        self, texts: Inputs, *, top_k: int | None = None, abstain: float | None = None
    ) -> Any:
        """Return labels with their scores, as `Client.predict`."""
        return await self._ask(self._predict(texts, top_k, abstain))

    async def embed(
        self, texts: Inputs, *, pooling: str | None = None, normalize: bool = False
    ) -> list[Any]:
        """Return a vector per text; see `Model.embed`."""
        vectors: list[Any] = await self._ask(self._embed(texts, pooling, normalize))
        return vectors

    async def neighbors(self, words: str | Sequence[str], *, k: int = 10) -> list[Any]:
        """Return for each word the `k` nearest ones with their cosines, as dictionaries."""
        near: list[Any] = await self._ask(self._neighbors(words, k))
        return near

    async def explain(
        self, text: Inputs, *, method: str | None = None, label: str | None = None
    ) -> dict[str, Any]:
        """Return the answer to a text and how much each word gives to it; see `Model.why`."""
        explained: dict[str, Any] = await self._ask(self._explain(text, method, label))
        return explained

    async def translate(self, texts: str | Sequence[str], *, beam: int | None = None) -> list[str]:
        """Return the translation of each text."""
        found = await self._ask(self._translate(texts, beam, stream=False))
        return [each["translation_text"] for each in found]

    async def generate(self, prompt: str = "", **parameters: Any) -> str:
        """Return what a language model writes after a prompt, as `Client.generate`."""
        request = self._generate(prompt, False, parameters)
        text: str = (await self._ask(request))["generated_text"]
        return text

    async def stream(self, prompt: str = "", **parameters: Any) -> AsyncIterator[str]:
        """Yield what a language model writes, as it writes; parameters are those of `generate`."""
        request = self._generate(prompt, True, parameters)
        try:
            async with self._http.stream("POST", request.path, json=request.body) as response:
                if response.status_code >= 400:
                    await response.aread()
                    raise _error(response)
                async for line in response.aiter_lines():
                    if text := read_event(line):
                        yield text
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    async def _ask(self, request: Request) -> Any:
        try:
            response = await self._http.request(request.method, request.path, json=request.body)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        return _value(response)

"""The runs of a server, read by one thread at a time, and which of their models are served."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from munjang.serving.runs.folder import RunsFolder
from munjang.serving.runs.shapes import RunResponse, RunsResponse, RunSummary

T = TypeVar("T")


class KnowsServed(Protocol):
    """Choice of the models to serve.

    Attributes:
        refusals: why the finished model of a run is not.
    """

    refusals: dict[str, str]

    @property
    def names(self) -> list[str]:
        """Names of all models."""

    def serves(self, name: str) -> bool:
        """Return whether the model of a run is served by the name of the run."""


class Runs:
    """The runs of a folder.

    Args:
        folder: the folder.
        store: the models.
    """

    def __init__(self, folder: RunsFolder, store: KnowsServed) -> None:
        self._folder = folder
        self._store = store
        self._reading = asyncio.Lock()

    async def list_runs(self) -> RunsResponse:
        """Return the runs, the newest first."""
        found = await self._read(self._folder.list_runs)
        for run in found.runs:
            self._mark(run)
        return found

    async def show(self, name: str) -> RunResponse:
        """Return a run.

        Raises:
            RequestError: there is no such run.
        """
        found = await self._read(lambda: self._folder.show(name))
        self._mark(found.run)
        return found

    async def read_page(self, name: str, page: str) -> bytes:
        """Return a page of a run.

        Raises:
            RequestError: there is no such page.
        """
        return await self._read(lambda: self._folder.read_page(name, page))

    async def _read(self, read: Callable[[], T]) -> T:
        """Read in a thread: a long log takes seconds at first."""
        async with self._reading:
            return await asyncio.to_thread(read)

    def _mark(self, run: RunSummary) -> None:
        """Tell of a run whether its model is served, or can be."""
        run.served = self._store.serves(run.name)
        if run.served or not run.loadable:
            run.loadable = run.served
        elif run.name in self._store.names:
            run.loadable = False
            run.problem = "not served: another model has this name; rename one of them"
        elif run.name in self._store.refusals:
            run.problem = f"not served: {self._store.refusals[run.name]}"

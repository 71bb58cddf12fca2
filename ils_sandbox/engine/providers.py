"""Calling providers from the engine: which one manages a resource, and Pulumi's asynchronous interface from threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from pulumi.provider.experimental import provider as api

from ils_pipelines.engine.errors import EngineError
from ils_sandbox.engine.values import Properties

T = TypeVar("T")
CALL_THREADS = 64
"""Calls under way at once in one operation. They wait for AWS, so there may be many more than processors."""


class AdoptingProvider(Protocol):
    """A Pulumi provider that can also look for what an interrupted create made."""

    async def check(self, request: api.CheckRequest) -> api.CheckResponse: ...
    async def diff(self, request: api.DiffRequest) -> api.DiffResponse: ...
    async def create(self, request: api.CreateRequest) -> api.CreateResponse: ...
    async def read(self, request: api.ReadRequest) -> api.ReadResponse: ...
    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse: ...
    async def delete(self, request: api.DeleteRequest) -> None: ...
    async def invoke(self, request: api.InvokeRequest) -> api.InvokeResponse: ...

    async def find(self, urn: str, inputs: Properties, known_ids: frozenset[str]) -> str | None:
        """The id of the resource that an interrupted `create` for `urn` made, other than `known_ids`; None when there is
        none."""

    async def resume(self, urn: str, id_: str, inputs: Properties, /) -> None:
        """Finish what that `create` began, so far as a diff would not show it, and wait until the resource is usable."""


@runtime_checkable
class AsksOnce(Protocol):
    """A provider that can give a reader of itself that asks nothing twice."""

    def asking_once(self) -> AdoptingProvider: ...


class Readers:
    """What a refresh reads with: where a provider can, one that asks nothing twice. May be used from threads."""

    def __init__(self) -> None:
        self._readers: dict[int, AdoptingProvider] = {}
        self._lock = threading.Lock()

    def of(self, provider: AdoptingProvider) -> AdoptingProvider:
        with self._lock:
            key = id(provider)
            if key not in self._readers:
                self._readers[key] = provider.asking_once() if isinstance(provider, AsksOnce) else provider
            return self._readers[key]


ProviderFactory = Callable[[Mapping[str, str]], AdoptingProvider]


class ProviderCache:
    """Providers by package and configuration, kept for the life of an engine: opening AWS clients takes time."""

    def __init__(self, factories: Mapping[str, ProviderFactory]) -> None:
        self._factories = factories
        self._open: dict[tuple[str, tuple[tuple[str, str], ...]], AdoptingProvider] = {}
        self._lock = threading.Lock()

    def get(self, package: str, config: Mapping[str, str]) -> AdoptingProvider:
        if package not in self._factories:
            known = ", ".join(sorted(self._factories)) or "none"
            raise EngineError(f"resources of package {package!r} are unsupported in the sandbox (supported: {known})")
        key = (package, tuple(sorted(config.items())))
        with self._lock:
            if key not in self._open:
                self._open[key] = self._factories[package](dict(config))
            return self._open[key]


class ProviderCalls:
    """An event loop in a thread of its own, in which the providers' coroutines run while an operation lasts."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._pool = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="provider")
        self._loop.set_default_executor(self._pool)
        self._thread = threading.Thread(target=self._loop.run_forever, name="provider-loop", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __call__(self, call: Coroutine[Any, Any, T]) -> T:
        """Run `call` to its end from another thread."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

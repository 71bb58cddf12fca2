"""Pulumi's AWS provider, over the sandbox's AWS endpoint."""

from __future__ import annotations

import asyncio
import copy
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    InvokeRequest,
    InvokeResponse,
    PropertyDiff,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from ils_sandbox.provider import lifecycle
from ils_sandbox.provider.checking import check
from ils_sandbox.provider.clients import PARALLEL_CALLS, AskedOnce, partition_of, shared_clients
from ils_sandbox.provider.difference import covered, differences
from ils_sandbox.provider.errors import AwsError, CreatedButFailed, ProviderError, UnknownType, scrub
from ils_sandbox.provider.fields import Field, Kind
from ils_sandbox.provider.invokes import FUNCTIONS
from ils_sandbox.provider.registry import TYPES
from ils_sandbox.provider.resource import Place, ResourceType, Scope
from ils_sandbox.provider.values import UNKNOWN, Plain, Properties, plain, property_value, secret_texts, wrap

T = TypeVar("T")


class AwsProvider(Provider):
    """The resource types of `registry` on the endpoint, which must be on this machine.

    Any number of its coroutines may run at once, in any event loops; the calls to AWS run in threads. Besides Pulumi's
    interface there is `find`. Raises `NotLoopback` for any other endpoint; its methods raise `ProviderError`.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        *,
        access_key_id: str = "sandbox",
        secret_access_key: str = "sandbox",  # noqa: S107 the sandbox's own, which opens nothing
    ) -> None:
        self._clients = shared_clients(endpoint, access_key_id, secret_access_key)
        self._region = region
        self._account_id: str | None = None
        self._account_lock = threading.Lock()

    def asking_once(self) -> AwsProvider:
        """The same provider, for reading alone: it asks AWS nothing twice, so it shows one moment."""
        reader = copy.copy(self)
        reader._clients = AskedOnce(self._clients)
        return reader

    async def check(self, request: CheckRequest) -> CheckResponse:
        response = check(_entry(request.type), request)
        secrets = list(secret_texts(request.new_inputs))
        if response.failures and secrets:
            response.failures = [CheckFailure(f.property, scrub(f.reason, secrets)) for f in response.failures]
        return response

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Compares the state, which holds every input that was given, with the new inputs."""
        entry = _entry(request.type)
        found = [
            d
            for d in differences(entry.all_inputs, plain(request.old_state), plain(request.new_inputs))
            if not covered(d, request.ignore_changes)
        ]
        replaces = sorted({d.top for d in found if d.replace})
        return DiffResponse(
            changes=bool(found),
            replaces=replaces,
            stables=[] if replaces else [f.name for f in entry.outputs if f.name in _STABLE],
            delete_before_replace=bool(replaces) and entry.delete_before_replace,
            diffs=sorted({d.top for d in found}),
            detailed_diff={str(d): PropertyDiff(d.kind, input_diff=False) for d in found},
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        entry = _entry(request.type)
        inputs = plain(request.properties)
        if request.preview:
            return CreateResponse(properties=wrap(_foreseen(entry, inputs), request.properties, entry.secret_names))
        scope = self._scope(entry, request.urn, inputs, request.timeout)
        try:
            id_, outputs = await self._in_thread(lambda: lifecycle.create(scope, inputs), request.properties)
        except CreatedButFailed as error:
            error.properties = wrap(error.outputs, request.properties, entry.secret_names)
            raise
        return CreateResponse(id_, wrap(outputs, request.properties, entry.secret_names))

    async def read(self, request: ReadRequest) -> ReadResponse:
        entry = _entry(request.type)
        given = {**request.inputs, **request.properties}
        state, inputs = plain(request.properties), plain(request.inputs)
        scope = self._scope(entry, request.urn, {**inputs, **state})
        found = await self._in_thread(lambda: lifecycle.read(scope, request.resource_id, state, inputs), given)
        if found is None:
            return ReadResponse(resource_id="")
        internal = {k: v for k, v in request.inputs.items() if k.startswith("__")}
        return ReadResponse(
            request.resource_id,
            wrap(found.outputs, given, entry.secret_names),
            {**wrap(found.inputs, {**request.properties, **request.inputs}, entry.secret_names), **internal},
        )

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        entry = _entry(request.type)
        olds, news = plain(request.olds), plain(request.news)
        given = {**request.olds, **request.news}
        if request.preview:
            return UpdateResponse(wrap({**olds, **_completed(entry.all_fields, news, olds)}, given, entry.secret_names))
        scope = self._scope(entry, request.urn, {**olds, **news}, request.timeout)
        ignored = list(request.ignore_changes or ())
        outputs = await self._in_thread(
            lambda: lifecycle.update(scope, request.resource_id, olds, news, ignored), given
        )
        return UpdateResponse(wrap(outputs, given, entry.secret_names))

    async def delete(self, request: DeleteRequest) -> None:
        entry = _entry(request.type)
        state = plain(request.properties)
        scope = self._scope(entry, request.urn, state, request.timeout)
        await self._in_thread(lambda: lifecycle.delete(scope, request.resource_id, state), request.properties)

    async def find(self, urn: str, inputs: Properties, known_ids: frozenset[str]) -> str | None:
        """The id of the resource that an interrupted `create` for this URN may have made.

        `known_ids` are those the checkpoint holds already, for this URN or another. None when there is no such
        resource. Makes no mutating call.
        """
        entry = _entry(urn.split("::")[-2].rsplit("$", maxsplit=1)[-1])
        values = plain(inputs)
        scope = self._scope(entry, urn, values)
        return await self._in_thread(lambda: lifecycle.find(scope, values, known_ids), inputs)

    async def resume(self, urn: str, id_: str, inputs: Properties) -> None:
        """Finish what an interrupted `create` began: the resource that `find` found is then as `create` leaves it, but
        for what a diff shows."""
        entry = _entry(urn.split("::")[-2].rsplit("$", maxsplit=1)[-1])
        values = plain(inputs)
        scope = self._scope(entry, urn, values)
        await self._in_thread(lambda: lifecycle.resume(scope, id_, values), inputs)

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        function = FUNCTIONS.get(request.tok)
        if function is None:
            raise UnknownType(request.tok, FUNCTIONS)
        arguments = plain(request.args)
        if any(value is UNKNOWN for value in arguments.values()):
            return InvokeResponse({name: property_value(UNKNOWN) for name in function.results})
        region = str(arguments.get("region") or self._region)
        place = Place(
            clients=self._clients,
            service=function.service,
            region=region,
            partition=partition_of(region),
            account=self._account,
        )
        values = await self._in_thread(lambda: function.run(place, arguments), request.args)
        return InvokeResponse({k: property_value(v) for k, v in values.items()})

    def _scope(self, entry: ResourceType, urn: str, values: Plain, timeout: float = 0) -> Scope:
        region = values.get("region") if entry.regional else None
        region = region if isinstance(region, str) else self._region
        deadline = time.monotonic() + timeout if timeout else None
        return Scope(
            clients=self._clients,
            service=entry.service,
            region=region,
            partition=partition_of(region),
            account=self._account,
            deadline=deadline,
            type=entry,
            urn=urn,
        )

    def _account(self) -> str:
        """The account's id, asked for once."""
        with self._account_lock:
            if self._account_id is None:
                self._account_id = str(self._clients.call("sts", self._region, "get_caller_identity", {})["Account"])
            return self._account_id

    async def _in_thread(self, work: Callable[[], T], given: Properties) -> T:
        """Run blocking work; no secret of `given` gets into an error's message."""
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads(), work)
        except ProviderError as error:
            _scrub(error, list(secret_texts(given)))
            raise


def _scrub(error: ProviderError, secrets: list[str]) -> None:
    """Take secrets out of an error's message, and out of that of the error it reports."""
    error.args = (scrub(str(error), secrets),)
    if isinstance(error, AwsError):
        error.detail = scrub(error.detail, secrets)
    if isinstance(error, CreatedButFailed):
        _scrub(error.reason, secrets)


_STABLE = frozenset({"arn", "ownerId"})


@cache
def _threads() -> ThreadPoolExecutor:
    """The process's threads for AWS calls; most of them wait, so asyncio's own few would not do."""
    return ThreadPoolExecutor(PARALLEL_CALLS, thread_name_prefix="aws")


os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not survive a fork


def _entry(token: str) -> ResourceType:
    token = token.rsplit("$", 1)[-1]
    if token not in TYPES:
        raise UnknownType(token, TYPES)
    return TYPES[token]


def _foreseen(entry: ResourceType, inputs: Plain) -> dict[str, Any]:
    """The outputs of a create as a preview knows them."""
    foreseen: dict[str, Any] = {f.name: UNKNOWN for f in entry.all_fields if f.computed or f in entry.outputs}
    if entry.tagging:
        foreseen["tagsAll"] = inputs.get("tags", {})
    return {**foreseen, **_completed(entry.all_fields, inputs, {})}


def _completed(fields: Iterable[Field], given: Plain, before: Plain) -> dict[str, Any]:
    """`given` with what AWS fills in inside of its objects: as before, or else not known yet."""
    completed = dict(given)
    for field in fields:
        inner = given.get(field.name)
        if field.kind is Kind.BLOCK and isinstance(inner, Mapping):
            old = before.get(field.name)
            known = old if isinstance(old, Mapping) else {}
            computed = {each.name: known.get(each.name, UNKNOWN) for each in field.fields if each.computed}
            completed[field.name] = {**computed, **_completed(field.fields, dict(inner), dict(known))}
    return completed

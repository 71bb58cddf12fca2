"""What AWS and Kubernetes say is there, each asked once however many controls want to know. May be used from threads."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.scope import Scope

if TYPE_CHECKING:
    from ils_pipelines.release.objects import Kind
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

Record = dict[str, Any]
"""A resource as its API describes it."""


class ApiUnavailable(IlsError):
    """A call that a control needs did not give an answer that can be used."""


class Live:
    """A view of one environment that does not change: what was asked once is remembered."""

    def __init__(self, target: Target, others: frozenset[str] = frozenset()) -> None:
        """`others` are the names of the other environments of the account."""
        self._target = target
        self._region: str | None = None
        self.scope = Scope(target.environment.name, others)
        self._answers: dict[tuple[Any, ...], Future[Any]] = {}
        self._lock = threading.Lock()

    @property
    def environment(self) -> Environment:
        return self._target.environment

    def in_region(self, region: str) -> Live:
        """The same account as seen from another region; what is asked there is remembered, too."""
        if region == (self._region or self.environment.aws.region):
            return self
        there = copy.copy(self)
        there._region = region
        return there

    def list(self, service: str, operation: str, member: str, **parameters: Any) -> tuple[Record, ...]:
        """Every item of a list or describe call, all pages of it. Raises `ApiUnavailable`."""

        def call() -> tuple[Record, ...]:
            client = self._client(service)
            if not client.can_paginate(operation):
                return tuple(getattr(client, operation)(**parameters).get(member) or ())
            pages = client.get_paginator(operation).paginate(**parameters)
            return tuple(item for page in pages for item in page.get(member) or ())

        answer: tuple[Record, ...] = self._ask(service, operation, parameters, call)
        return answer

    def get(self, service: str, operation: str, **parameters: Any) -> Record:
        """The answer of a call that describes one thing. Raises `ApiUnavailable`, also when the thing is not there."""
        answer: Record = self._ask(
            service, operation, parameters, lambda: getattr(self._client(service), operation)(**parameters)
        )
        return answer

    def find(self, service: str, operation: str, **parameters: Any) -> Record | None:
        """Likewise, and None when AWS says that there is no such thing. Raises `ApiUnavailable`."""
        from botocore.exceptions import ClientError

        def call() -> Record | None:
            try:
                found: Record = getattr(self._client(service), operation)(**parameters)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if "NotFound" in code or code.startswith("NoSuch"):
                    return None
                raise
            return found

        answer: Record | None = self._ask(service, operation, parameters, call)
        return answer

    def objects(self, kind: Kind) -> tuple[Record, ...]:
        """Every Kubernetes object of a kind; none when the environment has no cluster. Raises `ApiUnavailable`."""
        if self.cluster() is None:
            return ()

        def call() -> tuple[Record, ...]:
            return tuple(self._kubernetes().find(kind, {}))

        answer: tuple[Record, ...] = self._ask("kubernetes", f"list {kind.plural}", {}, call)
        return answer

    def cluster(self) -> Record | None:
        """The EKS cluster of the environment."""
        found = self.find("eks", "describe_cluster", name=self.scope.name)
        return None if found is None else found["cluster"]

    def _client(self, service: str) -> Any:
        return self._target.client(service, region=self._region)

    def _kubernetes(self) -> Any:
        from ils_pipelines.release.cluster import Cluster

        def connect() -> Cluster:
            return Cluster(self._target.kubernetes(self.scope.name))

        return self._remembered(("kubernetes",), connect)

    def _ask(self, service: str, operation: str, parameters: Record, call: Callable[[], Any]) -> Any:
        def asked() -> Any:
            from botocore.exceptions import BotoCoreError, ClientError
            from botocore.parsers import ResponseParserError

            try:
                return call()
            # An answer that is no XML or JSON is what an endpoint gives that does not know the call at all.
            except (BotoCoreError, ClientError, ResponseParserError, IlsError) as error:
                raise ApiUnavailable(f"{service} {operation}: {error}") from error

        return self._remembered((service, self._region, operation, _frozen(parameters)), asked)

    def _remembered(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        with self._lock:
            answer = self._answers.get(key)
            first = answer is None
            if answer is None:
                answer = self._answers[key] = Future()
        if first:
            try:
                answer.set_result(make())
            except BaseException as error:  # noqa: BLE001 whoever asks gets it, this caller included
                answer.set_exception(error)
        return answer.result()


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((key, _frozen(inner)) for key, inner in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(inner) for inner in value)
    return value

"""What the handlers of the overlay work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from ils_sandbox.aws.calls import Call, identify
from ils_sandbox.aws.data_plane import DataPlane
from ils_sandbox.aws.kubernetes_admin import KubernetesAdmin
from ils_sandbox.aws.moto_application import MotoApplication
from ils_sandbox.aws.overlay.lifecycles import Lifecycles
from ils_sandbox.aws.overlay.store import Store, Table
from ils_sandbox.aws.requests import HttpRequest, Response
from ils_sandbox.aws.responses import parse_result

Result = dict[str, Any]


class MotoRefusedError(Exception):
    """moto answered with an error: that is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"moto answered {response.status}: {response.body[:500]!r}")
        self.response = response


@dataclass(frozen=True)
class World:
    """The emulated accounts: moto, and the overlay's own bookkeeping."""

    moto: MotoApplication
    store: Store
    lifecycles: Lifecycles
    kubernetes: KubernetesAdmin | None
    data: DataPlane | None = None
    """The servers behind databases and caches; None when the accounts are emulated alone."""

    def table(self, name: str, call: Call) -> Table:
        return self.store.table(name, call)

    def forward(self, call: Call, params: Mapping[str, Any] | None = None) -> Result:
        """Let moto carry the call out, with other parameters when they are given. What it refuses is raised."""
        if params is not None:
            call = replace(call, request=build_request(call, call.service, call.operation, params))
        response = self.moto.answer(call)
        if response.status >= 400:
            raise MotoRefusedError(response)
        return parse_result(call, response)

    def invoke(self, call: Call, service: str, operation: str, **params: Any) -> Result:
        """Let moto carry out another call, in the account and region of `call`. What it refuses is raised."""
        inner = identify(build_request(call, service, operation, params))
        response = self.moto.answer(inner)
        if response.status >= 400:
            raise MotoRefusedError(response)
        return parse_result(inner, response)

    def backend(self, call: Call, service: str) -> Any:
        """moto's own objects for a service, in the account and region of the call: to mend what no call can."""
        from moto.backends import get_backend

        return get_backend(service)[call.account][call.region]


Handler = Callable[[Call, World], Result]
Routes = Mapping[str, Handler]


def build_request(call: Call, service: str, operation: str, params: Mapping[str, Any]) -> HttpRequest:
    """The request that boto3 would send for an operation, in the account and region of `call`."""
    from botocore.serialize import create_serializer
    from moto.core.utils import get_service_model

    service_model = get_service_model(service)
    serializer = create_serializer(service_model.resolved_protocol, include_validation=False)
    serialized = serializer.serialize_to_request(dict(params), service_model.operation_model(operation))
    body = serialized["body"]
    path, _, inline = serialized["url_path"].partition("?")  # S3's paths name what of a bucket is meant
    query = serialized["query_string"]
    query = query if isinstance(query, str) else urlencode(query)
    headers = {name.lower(): value for name, value in serialized["headers"].items()}
    scope = f"{call.access_key}/20260101/{call.region}/{service_model.signing_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    headers["host"] = call.request.header("host")
    return HttpRequest(
        method=serialized["method"],
        path=path,
        raw_path=path,
        query_string="&".join(part for part in (inline, query) if part),
        headers=tuple(headers.items()),
        body=_body(body),
        server=call.request.server,
    )


def _body(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else urlencode(body)).encode()

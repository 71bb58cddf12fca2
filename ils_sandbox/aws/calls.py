"""Which AWS operation a request is, and whether it changes anything: read from botocore's service models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError

from ils_sandbox.aws.requests import HttpRequest

DEFAULT_REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The one account of the sandbox."""

READ_PREFIXES = (
    "BatchGet",
    "Check",
    "Count",
    "Describe",
    "Discover",
    "Download",
    "Estimate",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Preview",
    "Query",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "Validate",
    "View",
)

# Operations that change no resource although their names do not say so.
READ_OPERATIONS = {
    "dynamodb": {"TransactGetItems"},
    "kms": {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom",
            "ReEncrypt", "Sign", "Verify", "VerifyMac"},
    "logs": {"StartQuery", "StopQuery"},
    "sts": {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "DecodeAuthorizationMessage"},
}  # fmt: skip

# Operations that change something although their names begin like reading ones.
CHANGING_OPERATIONS = {
    "elasticache": {"TestFailover", "TestMigration"},
}

# What a request is signed for -> botocore's name of the service, where they differ.
SIGNING_NAMES = {
    "airflow": "mwaa",
    "aps": "amp",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,]+)/\d+/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request")
_ACTION = re.compile(rb"(?:^|&)Action=([^&]+)")
_VERSION = re.compile(rb"(?:^|&)Version=([^&]+)")
_RPC_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>[^/]+)$")


@dataclass(frozen=True)
class Call:
    """One AWS call."""

    request: HttpRequest
    service: str
    """botocore's name, e.g. `elbv2`; `unknown` for a request that names no service."""
    operation: str
    """As in the API reference, e.g. `DescribeVpcs`; the HTTP method and path where botocore knows no such operation."""
    region: str
    access_key: str
    model: Any
    """moto's OperationModel (botocore's, extended); None where botocore knows no such operation."""
    path_parameters: dict[str, Any]
    account: str = ACCOUNT

    @cached_property
    def mutating(self) -> bool:
        """Whether the call may change a resource."""
        if self.model is None:
            return self.request.method not in ("GET", "HEAD")
        if self.operation in READ_OPERATIONS.get(self.service, ()):
            return False
        if self.operation in CHANGING_OPERATIONS.get(self.service, ()):
            return True
        return not self.operation.startswith(READ_PREFIXES)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The input, as the caller passed it to boto3."""
        from moto.core.parse import PROTOCOL_PARSERS
        from moto.core.request import Request, determine_request_protocol

        request = Request(self.request.environ())
        protocol = determine_request_protocol(self.model.service_model, request.content_type)
        parsed: dict[str, Any] = PROTOCOL_PARSERS[protocol](self.model).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.get_data(),
                "url_path": request.path,
                "url_params": self.path_parameters,
            }
        )
        return parsed


def identify(request: HttpRequest) -> Call:
    """Name the service and operation of a request. Never fails: what is not known is named as well as can be."""
    access_key, region, signed_for = _credential_scope(request)
    service = _service(request, signed_for)
    model, path_parameters = _operation(request, service)
    return Call(
        request=request,
        service=service or "unknown",
        operation=model.name if model is not None else _described(request),
        region=region,
        access_key=access_key,
        model=model,
        path_parameters=path_parameters,
    )


def _credential_scope(request: HttpRequest) -> tuple[str, str, str]:
    """Access key, region and signing name, from the header or, in a presigned request, from the query."""
    found = _CREDENTIAL.search(request.header("authorization"))
    if found is None and "X-Amz-Credential" in request.query_string:
        presigned = parse_qs(request.query_string).get("X-Amz-Credential", [""])[0]
        found = _CREDENTIAL.search(f"Credential={presigned}")
    if found is None:
        return "", DEFAULT_REGION, ""
    return found["key"], found["region"], found["service"].lower()


def _service(request: HttpRequest, signed_for: str) -> str:
    if signed_for == "elasticloadbalancing":
        version = _VERSION.search(request.body)
        return "elb" if version is not None and version[1] == b"2012-06-01" else "elbv2"
    if signed_for == "ses":
        return "sesv2" if request.path.startswith("/v2/") else "ses"
    if signed_for == "s3" and request.path.startswith("/v20180820/"):
        return "s3control"
    if not signed_for and not request.query_string and request.path.count("/") <= 1:
        return ""
    return SIGNING_NAMES.get(signed_for, signed_for)


def _operation(request: HttpRequest, service: str) -> tuple[Any, dict[str, Any]]:
    """moto's operation model and the parameters of its path; (None, {}) when there is no such operation."""
    from moto.core.utils import get_service_model

    if not service:
        return None, {}
    try:
        service_model = get_service_model(service)
    except UnknownServiceError:
        return None, {}
    name = _named_operation(request)
    if not name:
        return _routed_operation(request, service)
    try:
        return service_model.operation_model(name), {}
    except OperationNotFoundError:
        return None, {}


def _named_operation(request: HttpRequest) -> str:
    """The operation that the request names itself: all protocols but REST do. Empty when it names none."""
    target = request.header("x-amz-target")
    if target:
        return target.rsplit(".", 1)[-1]
    rpc = _RPC_PATH.search(request.path)
    if rpc is not None:
        return rpc["operation"]
    form = request.header("content-type").startswith("application/x-www-form-urlencoded")
    action = _ACTION.search(request.body if form else request.query_string.encode())
    return unquote_plus(action[1].decode()) if action is not None else ""


def _routed_operation(request: HttpRequest, service: str) -> tuple[Any, dict[str, Any]]:
    from moto.core.request import Request
    from moto.core.routing import NotFound, get_service_router

    try:
        model, path_parameters = get_service_router(service).match(Request(request.environ()))
    except (NotFound, NotImplementedError):
        return None, {}
    return model, dict(path_parameters)


def _described(request: HttpRequest) -> str:
    return _named_operation(request) or f"{request.method} {request.path}"

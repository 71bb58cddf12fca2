"""AWS responses to and from plain values, in whatever protocol the service speaks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.requests import Response


class AwsError(Exception):
    """An error that the sandbox answers as AWS would; boto3 raises it as ClientError.

    `code` is the error's name in the service's model; its HTTP status comes from there unless `status` is given.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def _protocol(call: Call) -> str:
    from moto.core.request import determine_request_protocol

    return str(determine_request_protocol(call.model.service_model, call.request.header("content-type")))


def _serialize(call: Call, result: object) -> Response:
    from moto.core.serialize import get_serializer_class

    serializer = get_serializer_class(call.service, _protocol(call))(operation_model=call.model)
    serialized = serializer.serialize(result)
    body = serialized["body"]
    return Response(
        int(serialized["status_code"]),
        body.encode() if isinstance(body, str) else body,
        tuple((str(name), str(value)) for name, value in serialized["headers"].items()),
    )


def result_response(call: Call, result: dict[str, Any]) -> Response:
    """The answer that boto3 parses to `result`. Keys that the operation's output does not have are left out."""
    return _serialize(call, result)


def error_response(call: Call, code: str, message: str, status: int | None = None) -> Response:
    """The answer that boto3 raises as ClientError with this code."""
    if call.model is None:
        # Not an operation that botocore knows: JSON carries the code for most clients.
        body = json.dumps({"__type": code, "message": message}).encode()
        headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code))
        return Response(status or 400, body, headers)
    response = _serialize(call, AwsError(code, message))
    return response if status is None else replace(response, status=status)


def parse_result(call: Call, response: Response) -> dict[str, Any]:
    """What boto3 would return for this (successful) response, without its metadata."""
    from botocore.parsers import create_parser

    parsed: dict[str, Any] = create_parser(_protocol(call)).parse(
        {"status_code": response.status, "headers": dict(response.headers), "body": response.body},
        call.model.output_shape,
    )
    parsed.pop("ResponseMetadata", None)
    return parsed

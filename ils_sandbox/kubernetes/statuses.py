"""Errors of the API, worded as a real API server words them, since clients and people match on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes.kinds import Kind


@dataclass(frozen=True)
class Cause:
    """One reason why an object was refused. `field` is a path such as `spec.ports[0].port`."""

    field: str
    reason: str
    message: str

    @property
    def text(self) -> str:
        return f"{self.field}: {self.message}"


class ApiError(Exception):
    """Answered as a `Status` object with HTTP status `code`."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            body["details"] = self.details
        return body | {"code": self.code}


def success(kind: Kind, name: str, uid: str) -> dict[str, Any]:
    """The answer to a deletion that left nothing behind."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": _details(kind, name) | {"uid": uid},
    }


def _details(kind: Kind, name: str, **more: Any) -> dict[str, Any]:
    details = {"name": name, "kind": kind.plural} | more
    return details | {"group": kind.group} if kind.group else details


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(kind: Kind, name: str, why: str) -> ApiError:
    return ApiError(403, "Forbidden", f'{kind.qualified} "{name}" is forbidden: {why}', _details(kind, name))


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{kind.qualified} "{name}" not found', _details(kind, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> ApiError:
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {"causes": []}
    )


def not_acceptable(accepted: Sequence[str]) -> ApiError:
    return ApiError(406, "NotAcceptable", f"only the following media types are accepted: {', '.join(accepted)}")


def unsupported_media_type(found: str, accepted: Sequence[str]) -> ApiError:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    if found.endswith("protobuf"):
        message += ". Protobuf is not spoken here: use `kubectl apply -f` or `kubectl create -f` with a manifest"
    return ApiError(415, "UnsupportedMediaType", message)


def already_exists(kind: Kind, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(kind, name))


def stale(kind: Kind, name: str) -> ApiError:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def gone(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> ApiError:
    texts = [cause.text for cause in causes]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    details = {"name": name, "kind": kind.kind}
    if kind.group:
        details["group"] = kind.group
    shown = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    message = f'{kind.qualified_kind} "{name}" is invalid: {listed}'
    return ApiError(422, "Invalid", message, details | {"causes": shown})


def service_unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message)


def server_error(message: str) -> ApiError:
    return ApiError(500, "InternalError", f"Internal error occurred: {message}")


def required_name(kind: Kind) -> ApiError:
    why = "Required value: name or generateName is required"
    return invalid(kind, "", [Cause("metadata.name", "FieldValueRequired", why)])

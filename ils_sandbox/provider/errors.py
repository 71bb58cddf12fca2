"""What the provider reports when it cannot do what was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

from ils_pipelines.engine.models import SECRET
from ils_pipelines.errors import IlsError

_EXISTS = re.compile(r"AlreadyExist|Duplicate|AlreadyAssociated|ResourceInUseException|^ResourceConflict")
_SHORTEST_SCRUBBED = 4


class ProviderError(IlsError):
    """A resource could not be checked, created, read, updated or deleted."""


class NotLoopback(ProviderError):
    """The endpoint is somewhere else than on this machine."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"the sandbox's provider only talks to this machine, but its endpoint is {endpoint!r}. "
            "Give it http://127.0.0.1:<port>, or use the real engine for an AWS account."
        )


class UnknownType(ProviderError):
    """A resource type or function that has no entry."""

    def __init__(self, token: str, known: Iterable[str]) -> None:
        super().__init__(f"{token} is unsupported in the sandbox. Supported: {', '.join(sorted(known))}")


class Unsupported(ProviderError):
    """An AWS call that the sandbox's server does not know."""

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(f"unsupported in the sandbox: {service}.{operation}")


class Unreachable(ProviderError):
    """The sandbox's AWS endpoint does not answer."""


class AwsError(ProviderError):
    """AWS refused a call."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        self.service = service
        self.operation = operation
        self.code = code
        self.detail = message
        super().__init__(f"{service}.{operation}: {code}: {message}")


class AlreadyExists(AwsError):
    """Something of that name is there already, and this resource did not make it."""

    @classmethod
    def from_refusal(cls, refusal: AwsError) -> AlreadyExists:
        hint = "It already exists and was not made by this resource: give this one another name, or remove the other."
        return cls(refusal.service, refusal.operation, refusal.code, f"{refusal.detail} {hint}".strip())


class NotReady(ProviderError):
    """A resource did not reach its state in time, or went into a failed one."""


class CreatedButFailed(ProviderError):
    """The resource exists, but a later step of its creation failed.

    `resource_id` and `properties` let an engine record it; without that, `find` recognises it.
    """

    def __init__(self, resource_id: str, outputs: Mapping[str, Any], reason: ProviderError) -> None:
        self.resource_id = resource_id
        self.outputs = dict(outputs)
        self.properties: dict[str, PropertyValue] = {}
        """`outputs` as Pulumi's, once they passed the provider's wall."""
        self.reason = reason
        super().__init__(f"{resource_id} was made, but is not usable: {reason}")


def says_it_exists(error: AwsError) -> bool:
    return bool(_EXISTS.search(error.code))


def scrub(message: str, secrets: Iterable[str]) -> str:
    """`message` without any of `secrets`; AWS likes to repeat what it was given."""
    for secret in sorted((s for s in secrets if len(s) >= _SHORTEST_SCRUBBED), key=len, reverse=True):
        message = message.replace(secret, SECRET)
    return message

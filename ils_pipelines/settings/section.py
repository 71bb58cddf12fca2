"""What every section of an environment file has in common, and the types of its fields.

Numbers and booleans are strict: YAML already told `3` from `"3"`, so that text where a number belongs is a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A frozen part of an environment; keys it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=False)


def refuse(message: str, remedy: str) -> PydanticCustomError:
    """The error a field's own validator raises; `remedy` says what to write instead."""
    return PydanticCustomError("refused", "{reason}", {"reason": message, "remedy": remedy})


def _matching(pattern: str, message: str, remedy: str, longest: int) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value) or len(value) > longest:
            raise refuse(message, remedy)
        return value

    return check


def text(pattern: str, message: str, remedy: str, longest: int = 10_000) -> Any:
    return AfterValidator(_matching(pattern, message, remedy, longest))


_MINUTE = r"([01]\d|2[0-3]):[0-5]\d"
_DAY = r"(mon|tue|wed|thu|fri|sat|sun)"


def _network(value: Any) -> IPv4Network:
    if isinstance(value, IPv4Network):
        return value
    if not isinstance(value, str):
        raise refuse("must be an IPv4 network in CIDR notation", 'Write for example "10.0.0.0/16".')
    try:
        network = IPv4Network(value, strict=False)
    except ValueError:
        raise refuse("is not an IPv4 network in CIDR notation", 'Write for example "10.0.0.0/16".') from None
    if "/" not in value:
        raise refuse("has no prefix length", f'Write "{value}/32" for this one address, or the network you mean.')
    if value.split("/")[0] != str(network.network_address):
        raise refuse("has bits set after its prefix length", f'Write "{network}".')
    return network


Cidr = Annotated[IPv4Network, BeforeValidator(_network), PlainSerializer(str)]
"""An IPv4 network; no bit may be set after the prefix."""

Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1)]
Days = Annotated[int, Field(strict=True, ge=1)]

DnsLabel = Annotated[
    str,
    text(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "is not a DNS-1123 label",
        "Use lower-case letters, digits and '-', starting and ending with a letter or digit, at most 63 characters.",
        63,
    ),
]
"""What Kubernetes and most of AWS accept as a name."""

EnvironmentName = Annotated[
    str,
    text(
        r"[a-z]([-a-z0-9]*[a-z0-9])?",
        "is not a usable environment name",
        # ElastiCache allows 40 characters in `ils-<name>`; 20 leaves room for what the layers append elsewhere.
        "Use lower-case letters, digits and single '-', starting with a letter, at most 20 characters.",
        20,
    ),
    text(r"(?!.*--).*", "has two '-' in a row, which RDS and ElastiCache refuse", "Use single '-'."),
    # The schedules of all environments that are made for a time are named `<job>_ephemeral`.
    text(r"(?!ephemeral$).*", "is what all environments that are made for a time are called", "Use another name."),
]

Region = Annotated[str, text(r"[a-z]{2}(-[a-z]+)+-\d", "is not an AWS region", 'Write for example "us-east-1".')]

DailyTime = Annotated[str, text(_MINUTE, "is not a time of day", 'Write a UTC time as "04:30", in quotes.')]
DailyWindow = Annotated[
    str, text(f"{_MINUTE}-{_MINUTE}", "is not a daily window", 'Write UTC times as "03:00-04:00", in quotes.')
]
WeeklyWindow = Annotated[
    str,
    text(
        f"{_DAY}:{_MINUTE}-{_DAY}:{_MINUTE}",
        "is not a weekly window",
        'Write UTC times as "sun:05:00-sun:06:00", in quotes.',
    ),
]

# CloudWatch Logs takes no other numbers of days.
LOG_RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


def _log_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        nearest = next((days for days in LOG_RETENTION_DAYS if days > value), LOG_RETENTION_DAYS[-1])
        raise refuse("is not a retention CloudWatch Logs offers", f"Use {nearest}, the next one it does.")
    return value


LogRetentionDays = Annotated[int, Field(strict=True), AfterValidator(_log_retention)]

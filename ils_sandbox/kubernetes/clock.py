"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """The time in UTC, to the second, as in `creationTimestamp`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_micro() -> str:
    """The time in UTC, to the microsecond, as in leases and events."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def after(delay: timedelta) -> str:
    return (datetime.now(UTC) + delay).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds_since(text: str) -> float:
    return (datetime.now(UTC) - parse(text)).total_seconds()

"""One row of a table: some actions, and where they are allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

EVERYTHING = "*"


@dataclass(frozen=True)
class Scope:
    """Which of the actions a policy has is for the recording to say."""

    sid: str
    actions: frozenset[str]
    resources: tuple[str, ...] = (EVERYTHING,)
    condition: Mapping[str, Mapping[str, Any]] | None = None

    def statement(self) -> dict[str, Any]:
        found = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": sorted(set(self.resources)),
        }
        return found | ({"Condition": dict(self.condition)} if self.condition else {})


def scope(sid: str, actions: Iterable[str], resources: Iterable[str] = (EVERYTHING,), **condition: Any) -> Scope:
    """`condition` by operator: `StringEquals={…}`."""
    return Scope(sid, frozenset(actions), tuple(resources), condition or None)


def of(service: str, *operations: str) -> tuple[str, ...]:
    """Actions of one service."""
    return tuple(f"{service}:{operation}" for operation in operations)


def at(service: str, *names: str) -> tuple[str, ...]:
    """Resources of one service, in any region of the account."""
    return tuple(f"arn:${{PARTITION}}:{service}:*:${{ACCOUNT_ID}}:{name}" for name in names)

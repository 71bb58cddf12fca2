"""What an engine reports: plans, changes, drift and results.

Values in these models are JSON values. A secret never appears: it stands as `SECRET`, and a value that is known only
after an apply stands as `UNKNOWN`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

SECRET = "[secret]"  # noqa: S105 the mask, not a secret
UNKNOWN = "[unknown]"


@dataclass(frozen=True)
class Stack:
    """One layer of one environment, as Pulumi knows it.

    `program` declares the resources and exports the outputs; it is called with Pulumi's runtime set up, any number of
    times (a preview, then an up), and must declare the same resources for the same inputs.
    """

    project: str
    name: str
    program: Callable[[], None]

    def __str__(self) -> str:
        return f"{self.project}/{self.name}"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutputValue(_Model):
    """One stack output with its value in the clear; `secret` says whether it may be shown."""

    value: Any
    secret: bool = False

    @property
    def shown(self) -> Any:
        return SECRET if self.secret else self.value

    def __repr__(self) -> str:
        return f"OutputValue({self.shown!r})"

    __str__ = __repr__


Outputs = Mapping[str, OutputValue]


class Operation(StrEnum):
    """What is, or would be, done to one resource. The words are Pulumi's."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    """A resource that an interrupted run made and did not record: taken over, then brought in line."""


class ReplaceOrder(StrEnum):
    CREATE_BEFORE_DELETE = "create-before-delete"
    DELETE_BEFORE_CREATE = "delete-before-create"


class DiffKind(StrEnum):
    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


class PropertyDiff(_Model):
    """One property that differs. `path` is Pulumi's property path, e.g. `tags.Name` or `ingress[0].fromPort`."""

    path: str
    kind: DiffKind
    old: Any = None
    new: Any = None
    forces_replacement: bool = False


class Change(_Model):
    """What is, or would be, done to one resource, and why."""

    urn: str
    type: str
    name: str
    operation: Operation
    diffs: tuple[PropertyDiff, ...] = ()
    replace_order: ReplaceOrder | None = None
    id: str | None = None
    """The provider's id of the resource; None while it does not exist."""


class Plan(_Model):
    """What an engine says it would do to one stack. Unchanged resources are not listed."""

    project: str
    stack: str
    changes: tuple[Change, ...]
    unchanged: int

    @property
    def counts(self) -> dict[str, int]:
        """Number of resources by operation, `same` included when there are any."""
        counts = Counter(str(change.operation) for change in self.changes)
        if self.unchanged:
            counts[str(Operation.SAME)] = self.unchanged
        return dict(sorted(counts.items()))

    @property
    def empty(self) -> bool:
        return not self.changes

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over the stack's name and its changes in URN order: equal plans have equal digests."""
        ordered = self.model_copy(update={"changes": tuple(sorted(self.changes, key=lambda c: (c.urn, c.operation)))})
        return hashlib.sha256(ordered.model_dump_json(exclude={"unchanged"}).encode()).hexdigest()


class AppliedChange(_Model):
    """One finished change and how long its calls took."""

    change: Change
    duration: timedelta


class UpResult(_Model):
    """What an `up` or `destroy` did."""

    project: str
    stack: str
    applied: tuple[AppliedChange, ...]
    unchanged: int
    outputs: dict[str, OutputValue]
    duration: timedelta

    @property
    def plan(self) -> Plan:
        """The changes that were made, as a plan: what a preview just before would have said."""
        return Plan(
            project=self.project,
            stack=self.stack,
            changes=tuple(applied.change for applied in self.applied),
            unchanged=self.unchanged,
        )


class ResourceDrift(_Model):
    """One resource that is not as it was left. In `diffs`, `old` is what was expected and `new` what was found."""

    urn: str
    type: str
    name: str
    id: str
    missing: bool = False
    diffs: tuple[PropertyDiff, ...] = ()


class Drift(_Model):
    """The result of a refresh: nothing is changed, neither in the environment nor in the checkpoint."""

    project: str
    stack: str
    checked: int
    drifted: tuple[ResourceDrift, ...]


class LockHolder(_Model):
    """Who holds a stack's lock."""

    pid: int
    host: str
    user: str
    since: datetime
    operation: str
    stale: bool = False
    """Whether that process is gone, so that its lock only has to be taken away."""


class EventKind(StrEnum):
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    NOTE = "note"


class EngineEvent(_Model):
    """One step of an operation as it happens. `change` is None for a note about the whole stack."""

    kind: EventKind
    project: str
    stack: str
    change: Change | None = None
    message: str = ""
    duration: timedelta | None = None

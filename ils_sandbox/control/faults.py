"""Failures on demand: the next calls of one operation answer an error instead of being carried out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """The `times` matching calls that follow `after` matching ones fail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    operation: str = "*"
    """`*` stands for every operation of the service."""
    error_code: str = "InternalFailure"
    status: int = Field(default=500, ge=400, le=599)
    times: int = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)

    def matches(self, service: str, operation: str) -> bool:
        return self.service == service and self.operation in ("*", operation)


class Faults:
    """The faults still to come."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._pending.append(fault)

    def clear(self) -> None:
        self._pending.clear()

    def next(self, service: str, operation: str) -> Fault | None:
        """The fault that this call meets, if any. Every matching fault counts the call."""
        met: Fault | None = None
        remaining: list[Fault] = []
        for fault in self._pending:
            if not fault.matches(service, operation):
                remaining.append(fault)
            elif fault.after:
                remaining.append(fault.model_copy(update={"after": fault.after - 1}))
            elif met is None:
                met = fault
                if fault.times > 1:
                    remaining.append(fault.model_copy(update={"times": fault.times - 1}))
            else:
                remaining.append(fault)
        self._pending = remaining
        return met

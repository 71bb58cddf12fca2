"""Metrics as the control API sets them, for autoscalers to read: nothing here runs that could be measured."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ils_sandbox.kubernetes import quantities

_Amounts = dict[str, str]


class Usage(BaseModel):
    """What a workload uses and serves. Every amount is a quantity, such as `250m`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resources: _Amounts = Field(default={}, description="by resource, what each pod uses")
    total: _Amounts = Field(default={}, description="by resource, what all pods use together, however many they are")
    pods: _Amounts = Field(default={}, description="by name, a metric of each pod")
    external: _Amounts = Field(default={}, description="by name, a metric of something outside of the cluster")

    @field_validator("resources", "total", "pods", "external")
    @classmethod
    def _quantities(cls, amounts: _Amounts) -> _Amounts:
        for amount in amounts.values():
            quantities.parse(amount)
        return amounts

    def of_each_pod(self, resource: str, pods: int) -> Decimal | None:
        """What one pod uses when there are so many; None when nothing is known."""
        if resource in self.resources:
            return quantities.parse(self.resources[resource])
        if resource in self.total and pods:
            return quantities.parse(self.total[resource]) / pods
        return None


class Metrics:
    """The usage of the workloads of one cluster, by namespace and name."""

    def __init__(self) -> None:
        self._usage: dict[tuple[str, str], Usage] = {}

    def set(self, namespace: str, workload: str, usage: Usage) -> None:
        self._usage[namespace, workload] = usage

    def clear(self, namespace: str, workload: str) -> None:
        self._usage.pop((namespace, workload), None)

    def usage(self, namespace: str, workload: str) -> Usage:
        return self._usage.get((namespace, workload), Usage())

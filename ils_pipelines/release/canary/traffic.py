"""How much of the load balancer's traffic new pods get: its listener forwards to two target groups while a release is
tried, and to one of them at rest.

At rest the second group is in no listener, so that ending a trial takes effect at once: a group of weight 0 would keep the
browsers that the load balancer's cookie has bound to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ils_pipelines.engine.errors import OperationCancelled, ResourceFailed

_ALL = 100
_POLL_SECONDS = (0.05, 5.0)


@dataclass(frozen=True)
class Traffic:
    """The HTTPS listener of one load balancer, through a boto3 client of ELBv2. Raises `ResourceFailed`."""

    client: Any
    listener: str
    stable: str
    """ARN of the target group of the pods that serve."""
    canary: str
    """ARN of the target group of the pods that are tried."""
    sticky_seconds: int
    """How long a browser stays with one of the groups. AWS wants this of groups whose targets are sticky."""

    def shift(self, weight: int) -> None:
        """Let new browsers go to the new pods, so many of a hundred."""
        groups = [
            {"TargetGroupArn": self.stable, "Weight": _ALL - weight},
            {"TargetGroupArn": self.canary, "Weight": weight},
        ]
        sticky = {"Enabled": True, "DurationSeconds": max(1, self.sticky_seconds)}
        self._forward({"ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}})

    def restore(self) -> bool:
        """Let nobody go to the new pods, those neither that did so before. Whether there was anything to do."""
        with self._explained("read"):
            described = self.client.describe_listeners(ListenerArns=[self.listener])["Listeners"]
        if all(_groups(action) == {self.stable} for action in described[0]["DefaultActions"]):
            return False
        self._forward({"TargetGroupArn": self.stable})
        return True

    def wait_until_healthy(
        self, count: int, patience: timedelta, *, note: Callable[[str], None], cancel: threading.Event
    ) -> None:
        """Return once the load balancer has found so many new pods to be well. Raises `OperationCancelled`, too."""
        end = time.monotonic() + patience.total_seconds()
        wait, said = _POLL_SECONDS[0], False
        while True:
            with self._explained("read"):
                described = self.client.describe_target_health(TargetGroupArn=self.canary)["TargetHealthDescriptions"]
            states = [each["TargetHealth"] for each in described]
            if sum(each["State"] == "healthy" for each in states) >= count:
                return
            if time.monotonic() >= end:
                found = ", ".join(sorted({f"{each['State']} ({each.get('Reason', '-')})" for each in states})) or "none"
                reason = f"expected {count} healthy targets in {self.canary} within {patience}, found {found}"
                raise ResourceFailed(self._urn, "try", reason)
            if not said:
                note(f"waiting for the load balancer to find {count} new pods healthy")
                said = True
            if cancel.wait(wait):
                raise OperationCancelled("stopped waiting for the load balancer to find the new pods healthy")
            wait = min(wait * 1.5, _POLL_SECONDS[1])

    def _forward(self, to: dict[str, Any]) -> None:
        with self._explained("change"):
            self.client.modify_listener(ListenerArn=self.listener, DefaultActions=[{"Type": "forward", **to}])

    @property
    def _urn(self) -> str:
        return f"urn:aws::{self.listener}"

    @contextmanager
    def _explained(self, operation: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            reason = f"{error}. Whom the load balancer sends to the new pods is as it was before."
            raise ResourceFailed(self._urn, operation, reason) from error


def _groups(action: dict[str, Any]) -> set[str]:
    """ARNs of the target groups that an action forwards to."""
    several = {each["TargetGroupArn"] for each in action.get("ForwardConfig", {}).get("TargetGroups", ())}
    return several or {action.get("TargetGroupArn", "")}

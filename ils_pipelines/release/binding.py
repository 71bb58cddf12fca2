"""Waiting until the load balancer knows the application's pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.errors import NotBound
from ils_pipelines.release.objects import Ref

_POLL_SECONDS = (0.02, 2.0)


def wait_until_bound(
    cluster: Cluster,
    ref: Ref,
    urn: str,
    *,
    patience: timedelta,
    note: Callable[[str], None],
    cancel: threading.Event,
) -> None:
    """Return once the controller has registered the pods as this binding says.

    Raises `NotBound` when nobody does so for too long, and `OperationCancelled`.
    """
    end = time.monotonic() + patience.total_seconds()
    wait, said = _POLL_SECONDS[0], False
    while True:
        binding = cluster.get(ref)
        if binding is not None:
            observed = binding.get("status", {}).get("observedGeneration", 0)
            if observed >= binding["metadata"]["generation"]:
                return
        if time.monotonic() >= end:
            raise NotBound(urn, f"{ref} is not taken up after {patience.total_seconds():.0f} s")
        if not said:
            note(f"{ref}: waiting for the load balancer to know the pods")
            said = True
        if cancel.wait(wait):
            raise OperationCancelled(f"stopped waiting for {ref} to be taken up by its controller")
        wait = min(wait * 1.5, _POLL_SECONDS[1])

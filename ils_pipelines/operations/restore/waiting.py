"""Waiting for AWS with botocore's waiters: often at first, as small things are ready at once, then seldom."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ils_pipelines.operations.restore.errors import RestoreFailed

_QUICK_SECONDS, _QUICK_LOOKS = 0.1, 100
_SLOW_SECONDS = 10
LONGEST = timedelta(hours=2)
"""A table of DynamoDB may take an hour, and a large database longer."""


def wait_for(client: Any, waiter: str, **parameters: Any) -> None:
    """Raises botocore's WaiterError, at once for a state that does not lead there."""
    from botocore.exceptions import WaiterError

    waiting = client.get_waiter(waiter)
    try:
        waiting.wait(**parameters, WaiterConfig={"Delay": _QUICK_SECONDS, "MaxAttempts": _QUICK_LOOKS})
    except WaiterError as error:
        if "Max attempts exceeded" not in str(error):
            raise
        looks = max(1, int(LONGEST.total_seconds() / _SLOW_SECONDS))
        waiting.wait(**parameters, WaiterConfig={"Delay": _SLOW_SECONDS, "MaxAttempts": looks})


def wait_until(what: str, done: Callable[[], bool]) -> None:
    """Likewise of what botocore has no waiter for. Raises `RestoreFailed` after as long, and what `done` raises."""
    began = time.monotonic()
    while not done():
        waited = time.monotonic() - began
        if waited > LONGEST.total_seconds():
            raise RestoreFailed(
                f"expected {what} to be done within {LONGEST}, found that it is not. Look at it in AWS."
            )
        time.sleep(_QUICK_SECONDS if waited < _QUICK_SECONDS * _QUICK_LOOKS else _SLOW_SECONDS)

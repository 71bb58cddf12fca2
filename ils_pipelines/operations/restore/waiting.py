"""Waiting for AWS with botocore's waiters: often at first, as small things are ready at once, then seldom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

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

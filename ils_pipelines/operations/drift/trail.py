"""Who changed a resource, as far as CloudTrail tells."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.drift.models import TrailEvent

if TYPE_CHECKING:
    from ils_pipelines.engine.models import ResourceDrift
    from ils_pipelines.targets.protocol import Target

LOOKUPS_PER_SCAN = 20
"""CloudTrail answers two lookups a second; where more resources than this have drifted, the rest stays unknown."""
EVENTS_PER_LOOKUP = 50

_GLOBAL_REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
"""Where the events of services without a region are kept, by partition."""
_GLOBAL_MODULES = frozenset({"iam"})


class Trail:
    """CloudTrail's event history of one account: the management events of the last 90 days. May be used from threads."""

    def __init__(self, target: Target, lookups: int = LOOKUPS_PER_SCAN) -> None:
        self._target = target
        self._left = lookups
        self._lock = threading.Lock()

    def last_change(self, resource: ResourceDrift) -> TrailEvent | None:
        """The newest call that changed the resource; None when the trail does not say, or does not answer at all.

        Who changed something is told besides what changed: that it cannot be learned is no reason for a scan to fail.
        """
        if not resource.type.startswith("aws:") or not resource.id:
            return None
        with self._lock:
            if self._left == 0:
                return None
            self._left -= 1
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            client = self._target.client("cloudtrail", region=self._region(resource.type))
            answer = client.lookup_events(
                LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": resource.id}],
                MaxResults=EVENTS_PER_LOOKUP,
            )
            return next(_changes(answer["Events"]), None)
        except (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError):
            # Not allowed, throttled, not there (the sandbox) or not understood: the same for the next one.
            with self._lock:
                self._left = 0
            return None

    def _region(self, type_: str) -> str | None:
        if type_.split(":")[1].split("/", maxsplit=1)[0] not in _GLOBAL_MODULES:
            return None
        return _GLOBAL_REGIONS.get(self._target.environment.aws.partition)


def _changes(events: list[dict[str, Any]]) -> Iterator[TrailEvent]:
    """Those that changed something, the newest first, as CloudTrail lists them."""
    for event in events:
        detail = json.loads(event.get("CloudTrailEvent") or "{}")
        if str(event.get("ReadOnly", "false")).lower() == "true" or detail.get("errorCode"):
            continue
        identity = detail.get("userIdentity") or {}
        who = identity.get("arn") or event.get("Username") or identity.get("invokedBy")
        if who:
            yield TrailEvent(str(who), str(event["EventName"]), event["EventTime"].astimezone(UTC))

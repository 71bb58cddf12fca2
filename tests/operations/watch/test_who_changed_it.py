"""Who changed a resource is told where CloudTrail tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ils_pipelines.engine.models import ResourceDrift
from ils_pipelines.operations.drift.trail import Trail
from ils_pipelines.settings.environment import Environment
from ils_pipelines.targets.sessions import AccessKey, Clients

AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@dataclass
class CloudTrail:
    """A server that answers LookupEvents, and keeps what it was asked."""

    events: list[dict[str, Any]] = field(default_factory=list)
    refuses: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    endpoint: str = ""

    name = "trail"
    environment = Environment(name="dev")

    def client(self, service: str, *, region: str | None = None) -> Any:
        clients = Clients(region="eu-central-1", endpoint=self.endpoint, access_key=AccessKey("a", "b"))
        found = clients.client(service, region=region)
        self.regions.append(found.meta.region_name)
        return found


@pytest.fixture
def cloudtrail() -> Iterator[CloudTrail]:
    trail = CloudTrail()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            trail.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = {"__type": "AccessDeniedException"} if trail.refuses else {"Events": trail.events}
            text = json.dumps(body).encode()
            self.send_response(400 if trail.refuses else 200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    trail.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    yield trail
    server.shutdown()
    thread.join()
    server.server_close()


def drifted(type_: str = "aws:rds/cluster:Cluster", id_: str = "ils-dev") -> ResourceDrift:
    return ResourceDrift(urn="urn", type=type_, name="database", id=id_)


def event(action: str, who: str, *, read_only: bool = False, error: str = "") -> dict[str, Any]:
    detail = {"userIdentity": {"arn": who}} | ({"errorCode": error} if error else {})
    return {
        "EventName": action,
        "EventTime": AT.timestamp(),
        "ReadOnly": str(read_only).lower(),
        "CloudTrailEvent": json.dumps(detail),
    }


def test_the_newest_call_that_changed_it_is_told(cloudtrail: CloudTrail) -> None:
    cloudtrail.events = [
        event("DescribeDBClusters", "arn:aws:iam::1:user/reader", read_only=True),
        event("DeleteDBCluster", "arn:aws:iam::1:user/refused", error="AccessDenied"),
        event("ModifyDBCluster", "arn:aws:iam::1:user/alice"),
        event("ModifyDBCluster", "arn:aws:iam::1:user/bob"),
    ]

    change = Trail(cloudtrail).last_change(drifted())  # type: ignore[arg-type]

    assert str(change) == "arn:aws:iam::1:user/alice (ModifyDBCluster, 2026-11-20 08:30 UTC)"
    assert cloudtrail.asked[0]["LookupAttributes"] == [{"AttributeKey": "ResourceName", "AttributeValue": "ils-dev"}]


def test_services_without_a_region_are_looked_up_where_their_events_are(cloudtrail: CloudTrail) -> None:
    trail = Trail(cloudtrail)  # type: ignore[arg-type]
    trail.last_change(drifted("aws:iam/role:Role"))
    trail.last_change(drifted())

    assert cloudtrail.regions == ["us-east-1", "eu-central-1"]


def test_nothing_is_known_where_the_trail_has_no_event(cloudtrail: CloudTrail) -> None:
    assert Trail(cloudtrail).last_change(drifted()) is None  # type: ignore[arg-type]


def test_a_trail_that_refuses_is_asked_no_second_time(cloudtrail: CloudTrail) -> None:
    cloudtrail.refuses = True
    trail = Trail(cloudtrail)  # type: ignore[arg-type]

    assert [trail.last_change(drifted()) for _ in range(3)] == [None, None, None]
    assert len(cloudtrail.asked) == 1


def test_no_more_lookups_are_made_than_a_scan_may_wait_for(cloudtrail: CloudTrail) -> None:
    trail = Trail(cloudtrail, lookups=2)  # type: ignore[arg-type]

    for _ in range(5):
        trail.last_change(drifted())

    assert len(cloudtrail.asked) == 2


def test_what_is_not_of_aws_is_not_looked_up(cloudtrail: CloudTrail) -> None:
    assert Trail(cloudtrail).last_change(drifted("kubernetes:v1:Service")) is None  # type: ignore[arg-type]
    assert cloudtrail.asked == []

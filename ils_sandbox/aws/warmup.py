"""First calls, made by the server itself: moto imports a service, and builds its tables, when it is first asked.

One after the other on the event loop, requests in between, so that the server answers from the beginning.
"""

from __future__ import annotations

import asyncio
import logging
import time

from ils_sandbox.aws.application import Answerer
from ils_sandbox.aws.calls import identify
from ils_sandbox.aws.overlay.world import build_request
from ils_sandbox.aws.requests import HttpRequest

log = logging.getLogger(__name__)

FIRST_CALLS = (
    ("sts", "GetCallerIdentity"),
    ("ec2", "DescribeVpcs"),
    ("iam", "ListRoles"),
    ("kms", "ListKeys"),
    ("logs", "DescribeLogGroups"),
    ("eks", "ListClusters"),
    ("rds", "DescribeDBClusters"),
    ("elasticache", "DescribeCacheClusters"),
    ("secretsmanager", "ListSecrets"),
)

_SIGNED = ("authorization", "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/sts/aws4_request")


async def warm_up(overlay: Answerer) -> None:
    started = time.perf_counter()
    empty = identify(HttpRequest("GET", "/", "/", "", (_SIGNED, ("host", "127.0.0.1")), b""))
    for service, operation in FIRST_CALLS:
        # Not `sleep(0)`: whoever is waiting for an answer comes first.
        await asyncio.sleep(0.005)
        response = overlay.answer(identify(build_request(empty, service, operation, {})))
        if response.status >= 400:
            log.error("the first call of %s answered %d: %r", service, response.status, response.body[:300])
    log.info("warm after %.2f s", time.perf_counter() - started)

"""Every call says for which family of jobs it is made, to AWS and to Kubernetes; one to AWS, what it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ils_sandbox.aws.calls import ACCOUNT
from ils_sandbox.control.recording import RECORD_VARIABLE
from tests.end_to_end.conftest import LocalSandbox
from tools.iam.seen import HEALTH, PROVISION, Touch, seen_in


@pytest.mark.parametrize(
    ("command", "caller"), [("health", "health.dev"), ("status", "provision.dev")], ids=["health", "status"]
)
def test_a_command_calls_as_its_family(with_dev: LocalSandbox, command: str, caller: str) -> None:
    with_dev.forget_requests()
    with_dev.start(command, "dev").communicate()

    made = with_dev.requests()
    assert {each["caller"] for each in made} == {caller}
    assert {each["service"] == "kubernetes" for each in made} == {True, False}


def test_what_calls_name_is_written_down(with_dev: LocalSandbox) -> None:
    with_dev.start("health", "dev").communicate()

    touches = seen_in(Path(with_dev.env[RECORD_VARIABLE]), "dev").touches
    cluster = f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/ils-dev"
    assert Touch("dev", "eks", "DescribeCluster", (cluster,)) in touches[HEALTH]
    made = [each.tags for each in touches[PROVISION] if each.operation == "CreateVpc"]
    assert made == [(("environment", "dev"), ("project", "ils"))]

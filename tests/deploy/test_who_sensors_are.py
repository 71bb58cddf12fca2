"""Sensors run in the code server: what they ask of AWS is what its identity, and the role that it takes on, may."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterInstance, DagsterRunStatus, SensorResult, build_sensor_context

from ils_pipelines.definitions import defs
from ils_pipelines.defs.environments import register_environments
from ils_pipelines.settings.folders import DIRECTORY_VARIABLE
from ils_sandbox.control.recording import RECORD_VARIABLE, RecordedRequest
from tests.iam.reach import out_of_reach
from tests.support.aws_server import AwsServer
from tests.support.http_receiver import Receiver, receiver
from tools.iam.actions import FREE, action
from tools.iam.seen import NOTIFICATIONS, Touch

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION, NAME = "123456789012", "us-east-1", "production"
POD = "the-code-servers-pod"
"""An access key, by which its calls are told from those of the role."""
FILE = {
    "name": NAME,
    "target": "aws",
    "aws": {
        "region": REGION,
        "account_id": ACCOUNT,
        "assume_role": f"arn:aws:iam::{ACCOUNT}:role/ils-deployer-{NAME}",
        "roles": {"notifications": f"arn:aws:iam::{ACCOUNT}:role/ils-notifications-{NAME}"},
    },
    "engine": {
        "backend": f"s3://ils-pulumi-state-{ACCOUNT}?region={REGION}&awssdk=v2",
        "secrets_provider": f"awskms://alias/ils-pulumi?region={REGION}&awssdk=v2",
    },
    "load_balancer": {"zone": "example.com"},
    "notifications": {
        "channels": [
            {"kind": "sns", "name": "pager"},
            {"kind": "webhook", "name": "chat", "url_from": f"secret:ils-{NAME}-webhook-chat"},
        ]
    },
}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    monkeypatch.setenv(RECORD_VARIABLE, str(tmp_path / "calls"))  # so that it says which resources are named
    server = AwsServer(tmp_path / "aws").start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", POD)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    yield server
    server.end()


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def test_a_sensor_asks_nothing_that_the_code_server_and_its_role_may_not(
    aws: AwsServer, webhook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "environments"))
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / f"{NAME}.yaml").write_text(yaml.safe_dump(FILE))
    aws.client("sns", REGION).create_topic(Name=f"ils-{NAME}-alarms")
    aws.client("secretsmanager", REGION).create_secret(Name=f"ils-{NAME}-webhook-chat", SecretString=webhook.url)
    aws.control("DELETE", "requests")

    [sent] = [found for found in map(len, map(_asset_events, _evaluated())) if found]

    assert sent == 2
    assert len(webhook.bodies) == 1
    asked = [RecordedRequest.model_validate(each) for each in aws.control("GET", "requests")]
    by_itself = [each for each in asked if each.caller == POD]
    in_role = {_touch(each) for each in asked if each.caller != POD}
    assert [each.operation for each in by_itself if not _may(each)] == []
    assert {each.operation for each in by_itself} == {"AssumeRole"}
    assert {each.operation for each in in_role} == {"Publish", "GetSecretValue"}
    assert out_of_reach(NOTIFICATIONS, in_role) == []


def _evaluated() -> Iterator[Any]:
    """What every sensor says while there is a failed run that nobody knows of."""
    with DagsterInstance.ephemeral() as instance:
        register_environments(instance)
        run = instance.create_run_for_job(
            defs.resolve_job_def("preview_environment"),
            status=DagsterRunStatus.STARTED,
            tags={"dagster/partition": NAME},
        )
        instance.report_run_failed(run, "It failed.")
        for sensor in defs.sensors or ():
            yield sensor(build_sensor_context(instance=instance, sensor_name=sensor.name))  # type: ignore[operator]


def _asset_events(result: Any) -> list[Any]:
    return list(result.asset_events) if isinstance(result, SensorResult) else []


def _may(request: RecordedRequest) -> bool:
    """Whether the identity of the code server allows the call for all that it names."""
    name = action(request.service, request.operation)
    allowed = [each for each in _statements() if name in each["actions"]]
    return name in FREE or (
        bool(request.resources)
        and all(
            any(fnmatchcase(arn, pattern) for each in allowed for pattern in each["resources"])
            for arn in request.resources
        )
    )


def _statements() -> list[Mapping[str, Any]]:
    platform = yaml.safe_load((ROOT / "deploy" / "platform.yaml").read_text())
    [found] = [each for each in platform["cluster"]["pod_identities"] if each["service_account"] == "dagster-code"]
    return list(found["allows"])


def _touch(request: RecordedRequest) -> Touch:
    return Touch(NAME, request.service, request.operation, request.resources, request.tags)


def test_the_code_server_takes_on_no_role_that_changes_an_environment() -> None:
    roles = [arn for each in _statements() if "sts:AssumeRole" in each["actions"] for arn in each["resources"]]

    assert roles
    assert [arn for arn in roles if not fnmatchcase(arn, "arn:aws:iam::*:role/ils-notifications-*")] == []
    assert "ils-deployer" not in json.dumps(_statements())

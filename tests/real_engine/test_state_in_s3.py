"""Pulumi's state in a bucket, its secrets under a KMS key, as accounts have it: here in the sandbox's S3 and KMS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest

from ils_pipelines.engine.errors import EngineError, StackLocked
from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi import PulumiEngine
from ils_pipelines.settings.engine import EngineSettings
from tests.contract.engine.lab import Thing, World
from tests.contract.engine.lab_server import LabFinder, LabServer
from tests.support.aws_server import AwsServer
from tests.support.real_pulumi import needs_pulumi

pytestmark = [pytest.mark.real_engine, pytest.mark.slow, pytest.mark.timeout(900)]

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": REGION}


@dataclass
class Account:
    engine: PulumiEngine
    s3: Any
    world: World

    def objects(self) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket="ils-state").get("Contents", ())
        return {o["Key"]: self.s3.get_object(Bucket="ils-state", Key=o["Key"])["Body"].read() for o in listed}


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    needs_pulumi()
    server = AwsServer(tmp_path / "aws").start()
    world = World(tmp_path / "world.sqlite")

    def client(service: str, parameters: Mapping[str, str] | None = None) -> Any:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        return boto3.client(service, region_name=REGION, endpoint_url=server.endpoint, **keys)

    client("s3").create_bucket(Bucket="ils-state")
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").create_alias(AliasName="alias/ils-state", TargetKeyId=key)
    home = tmp_path / "home"
    home.mkdir()
    engine = PulumiEngine(
        EngineSettings(
            backend=f"s3://ils-state/team?region={REGION}&awssdk=v2",
            secrets_provider=f"awskms://alias/ils-state?region={REGION}&awssdk=v2",
        ),
        config={"lab:zone": "a"},
        environment={
            **KEYS,
            "AWS_ENDPOINT_URL": server.endpoint,
            "PULUMI_DEBUG_PROVIDERS": f"lab:{LabServer(world).port}",
        },
        home=home,
        client=client,
        finder=LabFinder(world),
    )
    yield Account(engine, client("s3"), world)
    server.end()


def program() -> None:
    thing = Thing("thing", value="v", password=pulumi.Output.secret("canary-in-the-coal-mine"))
    pulumi.export("token", thing.token)


def test_a_stack_lives_in_a_bucket_and_its_secrets_under_a_key(account: Account) -> None:
    stack = Stack("ils-lab", "dev", program)

    account.engine.up(stack)

    kept = account.objects()
    assert "team/.pulumi/stacks/ils-lab/dev.json" in kept
    assert not any(b"canary" in content or b"token-of-" in content for content in kept.values())
    assert account.engine.export_state(stack)["deployment"]["secrets_providers"]["type"] == "cloud"
    outputs = account.engine.outputs(stack)
    assert outputs is not None
    assert (outputs["token"].value, outputs["token"].secret) == ("token-of-1", True)
    assert account.engine.preview(stack).empty


def test_a_lock_in_a_bucket_is_respected_and_taken_away_only_when_its_process_is_gone(account: Account) -> None:
    stack = Stack("ils-lab", "dev", program)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = {
        "pid": gone.pid,
        "username": "somebody",
        "hostname": os.uname().nodename,
        "timestamp": "2026-01-02T03:04:05.123456789Z",
    }

    def locked(**changes: Any) -> None:
        key = "team/.pulumi/locks/organization/ils-lab/dev/7d3c.json"
        account.s3.put_object(Bucket="ils-state", Key=key, Body=json.dumps({**lock, **changes}).encode())

    locked()
    with pytest.raises(StackLocked, match=r"somebody \(process .*ils unlock dev --layer lab"):
        account.engine.up(stack)
    holder = account.engine.unlock(stack)
    assert holder is not None
    assert (holder.user, holder.stale) == ("somebody", True)
    assert account.engine.lock_holder(stack) is None

    locked(hostname="elsewhere")
    with pytest.raises(EngineError, match="cannot be looked at from here"):
        account.engine.unlock(stack)
    assert account.engine.unlock(stack, force=True) is not None
    account.engine.up(stack)
    assert account.world.names() == ["thing"]

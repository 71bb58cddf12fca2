"""A program with a provider of its own for another region, on the embedded engine and the sandbox's AWS server."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.engine.models import Stack
from ils_sandbox.engine import EmbeddedEngine
from ils_sandbox.provider.aws import AwsProvider
from tests.sandbox.provider.bench import REGION, Surroundings

DR_REGION = "eu-west-1"


@pytest.fixture
def engine(tmp_path: Path, endpoint: str) -> EmbeddedEngine:
    return EmbeddedEngine(
        tmp_path / "stacks",
        providers={"aws": lambda config: AwsProvider(endpoint, config["region"])},
        config={"aws:region": REGION},
    )


def replicated_key(bucket: str) -> Any:
    def program() -> None:
        import pulumi
        import pulumi_aws as aws

        dr = aws.Provider("dr", region=DR_REGION)
        primary = aws.kms.Key("primary", multi_region=True, deletion_window_in_days=7, enable_key_rotation=True)
        replica = aws.kms.ReplicaKey(
            "replica",
            primary_key_arn=primary.arn,
            deletion_window_in_days=7,
            opts=pulumi.ResourceOptions(provider=dr),
        )
        copies = aws.s3.Bucket("copies", bucket=bucket, opts=pulumi.ResourceOptions(provider=dr))
        pulumi.export("replica_arn", replica.arn)
        pulumi.export("bucket_region", copies.bucket_region)

    return program


def test_its_resources_are_made_there_and_nowhere_else(engine: EmbeddedEngine, surroundings: Surroundings) -> None:
    bucket = f"copies-{uuid.uuid4().hex[:8]}"
    stack = Stack("ils-replication", "dev", replicated_key(bucket))
    outputs = engine.up(stack).outputs

    arn = str(outputs["replica_arn"].value)
    assert arn.split(":")[3] == DR_REGION
    replica = surroundings.client("kms", DR_REGION).describe_key(KeyId=arn)["KeyMetadata"]
    assert replica["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    primary = surroundings.client("kms").describe_key(KeyId=arn.rpartition("/")[2])["KeyMetadata"]
    assert primary["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    assert outputs["bucket_region"].value == DR_REGION
    assert surroundings.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] == DR_REGION


def test_a_second_preview_is_empty_and_destroying_empties_both_regions(
    engine: EmbeddedEngine, surroundings: Surroundings
) -> None:
    stack = Stack("ils-replication", "staging", replicated_key(f"copies-{uuid.uuid4().hex[:8]}"))
    arn = str(engine.up(stack).outputs["replica_arn"].value)
    assert engine.preview(stack).empty

    engine.destroy(stack)
    states = {
        region: surroundings.client("kms", region).describe_key(KeyId=arn.rpartition("/")[2])["KeyMetadata"]["KeyState"]
        for region in (REGION, DR_REGION)
    }
    assert set(states.values()) == {"PendingDeletion"}

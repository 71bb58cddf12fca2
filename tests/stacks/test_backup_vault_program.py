"""Where backups are kept, here and in another region."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.stacks.upstream import Upstream
from ils_pipelines.targets.aws import AwsTarget
from tests.stacks.conftest import Registered, run_program, shipped

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]
ACCOUNT = "123456789012"
BUCKETS = ("backups", "copies")


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.BACKUP_VAULT]


def elsewhere(run: Any) -> set[str]:
    """Type and name of what is made through the provider of the other region."""
    return {f"{r.type.split(':')[-1]} {r.name}" for r in run.managed if "::dr::" in r.provider}


def test_copies_are_made_in_the_other_region_and_nothing_else_is(run: Any) -> None:
    provider = next(r for r in run.resources if r.type == "pulumi:providers:aws" and r.name == "dr")
    assert provider.inputs["region"] == "us-west-2"
    of_a_bucket = {
        *("Bucket", "BucketVersioning", "BucketObjectLockConfiguration", "BucketServerSideEncryptionConfiguration"),
        *("BucketLifecycleConfiguration", "BucketPublicAccessBlock", "BucketOwnershipControls", "BucketPolicy"),
    }
    unlocked = of_a_bucket - {"BucketVersioning", "BucketObjectLockConfiguration"}
    assert elsewhere(run) == {
        *(f"{kind} copies" for kind in of_a_bucket),
        *(f"{kind} transfers-of-copies" for kind in unlocked),
        *("ReplicaKey backup-copies", "Alias backup-copies", "Vault backup-copies"),
        *("ReplicaKey backup-signing-copies", "Alias backup-signing-copies"),
    }


def test_on_aws_the_other_region_is_entered_as_the_first_one_is() -> None:
    account = {
        "account_id": ACCOUNT,
        "profile": "ils",
        "assume_role": f"arn:aws:iam::{ACCOUNT}:role/deployer",
        "external_id": "a-long-random-text",
        "session_name": "nightly",
        "session_minutes": 30,
    }
    data = shipped("dev").model_dump(mode="json") | {
        "target": TargetKind.AWS.value,
        "engine": {"backend": "s3://ils-state"},
    }
    data["aws"] |= account
    data["load_balancer"] |= {"zone": "example.com"}
    environment = Environment.model_validate(data)
    run = run_program(environment, Layer.BACKUP_VAULT, Upstream({}), preview=True)
    provider = next(r for r in run.resources if r.type == "pulumi:providers:aws" and r.name == "dr")

    def read(said: Mapping[str, str]) -> dict[str, Any]:
        return {name: json.loads(value) if value[0] in "[{" else value for name, value in said.items()}

    of_pulumi = {"skipCredentialsValidation": "false", "skipRegionValidation": "true"}
    assert read(provider.inputs) == of_pulumi | read(AwsTarget(environment).provider_config("us-west-2"))


def test_the_key_has_a_replica_where_the_copies_are(run: Any) -> None:
    (primary,) = [key for key in run.of("Key") if key.name == "backups" and not key.component]
    assert primary.inputs["multiRegion"] is True
    replica = run.one("ReplicaKey", "backup-copies").inputs
    assert replica["primaryKeyArn"].endswith("Key/backups")
    (_, use) = json.loads(replica["policy"])["Statement"]
    services = ("backup", "dynamodb", "elasticache", "rds", "s3")
    assert use["Condition"]["StringEquals"]["kms:ViaService"] == [
        f"{each}.us-west-2.amazonaws.com" for each in services
    ]


def test_vaults_lie_under_the_key_of_their_region(run: Any) -> None:
    assert run.one("Vault", "backups").inputs["kmsKeyArn"].endswith("Key/backups")
    assert run.one("Vault", "backup-copies").inputs["kmsKeyArn"].endswith("ReplicaKey/backup-copies")


@pytest.mark.parametrize(("tier_", "days", "copy_days"), [("dev", 7, 1), ("staging", 14, 7), ("production", 35, 35)])
def test_tables_are_backed_up_every_night_and_copied(
    of_tier: Callable[[str], Runs], tier_: str, days: int, copy_days: int
) -> None:
    run = of_tier(tier_)[Layer.BACKUP_VAULT]
    (rule,) = run.one("Plan").inputs["rules"]
    assert (rule["targetVaultName"], rule["schedule"]) == (f"ils-{tier_}", "cron(30 4 ? * * *)")
    assert rule["lifecycle"] == {"deleteAfter": days}
    (copied,) = rule["copyActions"]
    assert copied["destinationVaultArn"].endswith("Vault/backup-copies")
    assert copied["lifecycle"] == {"deleteAfter": copy_days}


def test_the_plan_selects_both_tables(run: Any, applied: Runs) -> None:
    selection = run.one("Selection").inputs
    tables = applied[Layer.TABLES].outputs
    assert selection["planId"] == "nightly-id"
    assert selection["resources"] == [tables["sessions_table_arn"], tables["analytics_table_arn"]]


def test_the_time_of_the_plan_is_the_file_s(apply_changed: Changed) -> None:
    (rule,) = apply_changed(backup_vault={"start": "23:05"})[Layer.BACKUP_VAULT].one("Plan").inputs["rules"]
    assert rule["schedule"] == "cron(5 23 ? * * *)"


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_versioned_and_locked_as_the_tier_says(run: Any, tier: str, name: str) -> None:
    assert run.one("Bucket", name).inputs["objectLockEnabled"] is True
    assert run.one("BucketVersioning", name).inputs["versioningConfiguration"] == {"status": "Enabled"}
    retention = run.one("BucketObjectLockConfiguration", name).inputs["rule"]["defaultRetention"]
    expected = {"dev": ("GOVERNANCE", 1), "staging": ("GOVERNANCE", 7), "production": ("COMPLIANCE", 30)}
    assert (retention["mode"], retention["days"]) == expected[tier]


@pytest.mark.parametrize(("name", "key"), [("backups", "Key/backups"), ("copies", "ReplicaKey/backup-copies")])
def test_buckets_lie_under_the_key_of_their_region(run: Any, name: str, key: str) -> None:
    (rule,) = run.one("BucketServerSideEncryptionConfiguration", name).inputs["rules"]
    default = rule["applyServerSideEncryptionByDefault"]
    assert default["sseAlgorithm"] == "aws:kms"
    assert default["kmsMasterKeyId"].endswith(key)


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_private_and_answer_over_tls_only(run: Any, name: str) -> None:
    block = run.one("BucketPublicAccessBlock", name).inputs
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[switch] for switch in switches] == [True] * 4
    (statement,) = json.loads(run.one("BucketPolicy", name).inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize(
    ("tier_", "rules"),
    [
        ("dev", ["forget-what-was-deleted", "forget-deletions"]),
        ("production", ["forget-what-was-deleted", "forget-deletions", "archive"]),
    ],
)
def test_buckets_tidy_up_and_expire_nothing_that_is_current(
    of_tier: Callable[[str], Runs], tier_: str, rules: list[str]
) -> None:
    for name in BUCKETS:
        found = of_tier(tier_)[Layer.BACKUP_VAULT].one("BucketLifecycleConfiguration", name).inputs["rules"]
        assert [rule["id"] for rule in found] == rules
        assert [rule["expiration"] for rule in found if "expiration" in rule] == [{"expiredObjectDeleteMarker": True}]


@pytest.mark.parametrize(("name", "region"), [("transfers", "us-east-1"), ("transfers-of-copies", "us-west-2")])
def test_exports_go_through_a_bucket_that_elasticache_may_use_and_that_keeps_nothing(
    run: Any, tier: str, name: str, region: str
) -> None:
    assert run.one("Bucket", name).inputs["bucket"] == f"ils-{tier}-transfers-{ACCOUNT}-{region}"
    (tls, elasticache) = json.loads(run.one("BucketPolicy", name).inputs["policy"])["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert elasticache["Principal"] == {"Service": f"{region}.elasticache-snapshot.amazonaws.com"}
    assert not [action for action in elasticache["Action"] if "Delete" in action or "*" in action]
    (rule,) = run.one("BucketServerSideEncryptionConfiguration", name).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    (rule,) = run.one("BucketLifecycleConfiguration", name).inputs["rules"]
    assert rule["expiration"] == {"days": 1}
    assert run.one("BucketPublicAccessBlock", name).inputs["restrictPublicBuckets"] is True


def replication(run: Any) -> Registered:
    found: Registered = run.one("BucketReplicationConfig")
    return found


def test_every_object_is_copied_and_no_deletion(run: Any, tier: str) -> None:
    configuration = replication(run).inputs
    (rule,) = configuration["rules"]
    assert configuration["bucket"] == f"ils-{tier}-backups-{ACCOUNT}-us-east-1"
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    assert rule["destination"]["bucket"].endswith("Bucket/copies")


def test_what_is_copied_is_encrypted_again_with_the_key_of_the_other_region(run: Any) -> None:
    (rule,) = replication(run).inputs["rules"]
    assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    key = rule["destination"]["encryptionConfiguration"]["replicaKmsKeyId"]
    assert key.endswith("ReplicaKey/backup-copies")


def test_copying_starts_once_both_buckets_keep_versions_and_it_is_allowed(run: Any) -> None:
    needed = {run.one("BucketVersioning", name).urn for name in BUCKETS} | {run.one("RolePolicy").urn}
    assert needed <= replication(run).dependencies


def test_what_copies_may_read_here_and_add_there_and_delete_nowhere(run: Any) -> None:
    statements = json.loads(run.one("RolePolicy").inputs["policy"])["Statement"]
    actions = {
        action
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert not [action for action in actions if "Delete" in action or "*" in action]
    writes = next(statement for statement in statements if "s3:ReplicateObject" in statement["Action"])
    assert writes["Resource"].endswith("Bucket/copies/*")


def test_backups_go_with_the_environment_except_in_production(run: Any, tier: str) -> None:
    forced = {r.inputs["forceDestroy"] for r in (*run.of("Vault"), *(run.one("Bucket", name) for name in BUCKETS))}
    assert forced == {tier != "production"}


def test_bucket_names_fit_the_longest_environment_and_region() -> None:
    name, region = "e" * 20, "ap-southeast-1"
    data = shipped("dev").model_dump(mode="json") | {"name": name}
    data["aws"] |= {"region": region}
    run = run_program(Environment.model_validate(data), Layer.BACKUP_VAULT, Upstream({}), preview=True)
    named = [bucket.inputs["bucket"] for bucket in run.of("Bucket")]
    assert len(named) == 4
    assert max(len(each) for each in named) <= 63

"""What single fields accept, and what a person is told when they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ils_pipelines.settings.loading import FileReport

Read = Callable[..., FileReport]

# Section, field, a bad value, a part of the remedy.
BAD: tuple[tuple[str, str, Any, str], ...] = (
    ("aws", "region", "virginia", "us-east-1"),
    ("aws", "account_id", "1234", "twelve digits"),
    ("aws", "account_id", 123456789012, "quotes"),
    ("aws", "assume_role", "deployer", "arn:aws:iam::"),
    ("aws", "tags", {"aws:owner": "me"}, "another prefix"),
    ("aws", "tags", {"environment": "x"}, "another key"),
    ("engine", "backend", "https://api.pulumi.com", "s3://"),
    ("engine", "backend", "file://state", "file:///var"),
    ("engine", "secrets_provider", "hunter2", "awskms://"),
    ("engine", "passphrase_file", "secret.txt", "/etc/ils/passphrase"),
    ("engine", "pulumi_version", "3.274", "all three numbers"),
    ("engine", "parallel", 0, "1 or more"),
    ("engine", "change_timeout_minutes", 1, "5 or more"),
    ("network", "cidr", "10.0.0.0", '"10.0.0.0/32"'),
    ("network", "cidr", "ten", "10.0.0.0/16"),
    ("network", "cidr", 10, "10.0.0.0/16"),
    ("network", "nat", "double", "'single', 'per_az' or 'none'"),
    ("network", "gateway_endpoints", ["sqs"], "'s3' or 'dynamodb'"),
    ("encryption", "deletion_window_days", 3, "7 or more"),
    ("encryption", "rotation_period_days", 30, "90 or more"),
    ("cluster", "version", 1.35, "quotes"),
    ("cluster", "log_retention_days", 31, "Use 60"),
    ("cluster", "log_retention_days", 10_000, "Use 3653"),
    ("cluster", "log_types", ["kubelet"], "Use one of"),
    ("cluster", "node_groups", [], "at least 1"),
    ("cluster", "deletion_protection", "yes", "true or false"),
    ("database", "instances", "3", "without quotes"),
    ("database", "instances", 17, "16 or less"),
    ("database", "instances", 2.5, "whole number"),
    ("database", "instance_class", "m5.large", "db.t4g.medium"),
    ("database", "database_name", "ils-db", "letters, digits and '_'"),
    ("database", "master_username", "Ils", "lower-case"),
    ("database", "backup_retention_days", 36, "35 or less"),
    ("database", "backup_window", "3am", "03:00-04:00"),
    ("database", "maintenance_window", "05:00-06:00", "sun:05:00-sun:06:00"),
    ("database", "monitoring_interval_seconds", 20, "Use one of"),
    ("cache", "node_type", "t4g.micro", "cache.t4g.micro"),
    ("cache", "nodes", 0, "1 or more"),
    ("tables", "recovery_days", 36, "35 or less"),
    ("tables", "recovery_days", -1, "0 or more"),
    ("secrets", "recovery_window_days", 3, "7 to 30, or 0"),
    ("secrets", "recovery_window_days", 31, "30 or less"),
    ("load_balancer", "domain", "https://ils.example.com", "ils.example.com"),
    ("load_balancer", "domain", "localhost", "ils.example.com"),
    ("load_balancer", "session_hours", 169, "168 or less"),
    ("monitoring", "log_retention_days", 20, "Use 30"),
    ("monitoring", "prometheus", "grafana", "'none', 'cloudwatch' or 'managed'"),
    ("monitoring", "subscriptions", [{"endpoint": "on-call"}], "on-call@example.com"),
    ("monitoring", "subscriptions", [{"protocol": "https", "endpoint": "http://pager.example.com"}], "https://events"),
    ("monitoring", "subscriptions", [{"protocol": "sms", "endpoint": "0151 12345678"}], "+4915112345678"),
    ("monitoring", "subscriptions", [{"protocol": "sqs", "endpoint": "alarms"}], "arn:aws:sqs"),
    ("monitoring", "subscriptions", [{"protocol": "pigeon", "endpoint": "x@example.com"}], "'email', 'https'"),
    ("monitoring", "subscriptions", [{"endpoint": "a@example.com"}] * 2, "everybody once"),
    ("monitoring", "thresholds", {"node_cpu_percent": 101}, "100 or less"),
    ("monitoring", "thresholds", {"response_milliseconds": 0.5}, "whole number"),
    ("backup_vault", "dr_region", "oregon", "us-east-1"),
    ("backup_vault", "dr_region", "us-east-1", "another region"),
    ("backup_vault", "dr_region", "eu-isoe-west-1x", "us-east-1"),
    ("backup_vault", "dr_region", "us-gov-west-1", "partition aws"),
    ("backup_vault", "start", "half past four", "04:30"),
    ("backup_vault", "start", "24:00", "04:30"),
    ("backup_vault", "lock_mode", "legal", "'governance' or 'compliance'"),
    ("backup_vault", "lock_days", 0, "1 or more"),
    ("backup_vault", "recovery_point_days", 0, "1 or more"),
    ("backup_vault", "archive_after_days", -1, "0 or more"),
    ("app", "image", "ils/app", "registry/ils:1.4.2"),
    ("app", "image", "ils/app:latest", "fixed tag"),
    ("app", "port", 80, "1024 or more"),
    ("app", "lims_endpoint", "http://lims", "https://"),
    ("app", "namespace", "Ils_Dev", "lower-case"),
    ("app", "namespace", "n" * 64, "63 characters"),
)


@pytest.mark.parametrize(
    ("section", "field", "value", "remedy"), BAD, ids=[f"{row[0]}.{row[1]}={row[2]}"[:60] for row in BAD]
)
def test_a_bad_value_is_refused_with_its_place_and_a_remedy(
    read: Read, section: str, field: str, value: Any, remedy: str
) -> None:
    problems = read({section: {field: value}}).problems
    assert len(problems) == 1
    assert problems[0].path.startswith(f"{section}.{field}")
    assert remedy in problems[0].remedy


def test_a_problem_carries_the_value_that_was_found(read: Read) -> None:
    assert read({"database": {"instances": "three"}}).problems[0].value == "three"


@pytest.mark.parametrize(
    "image",
    [
        "ils/app:1.0.0",
        "registry.example.com:5000/ils/app:1.0.0",
        f"ils/app@sha256:{'a' * 64}",
        f"ils/app:1.0.0@sha256:{'a' * 64}",
    ],
)
def test_an_image_with_a_fixed_tag_or_digest_is_accepted(read: Read, image: str) -> None:
    assert read({"app": {"image": image}}).problems == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("backend", "s3://ils-state"),
        ("backend", "s3://ils-state/platform?region=us-east-1&awssdk=v2"),
        ("backend", "file:///var/lib/ils/state"),
        ("secrets_provider", "passphrase"),
        ("secrets_provider", "awskms://alias/ils?region=us-east-1"),
        ("secrets_provider", "awskms://1234abcd-12ab-34cd-56ef-1234567890ab?region=us-east-1"),
        ("secrets_provider", "awskms:///arn:aws:kms:us-east-1:123456789012:key/1234abcd?region=us-east-1"),
    ],
)
def test_what_pulumi_takes_for_a_backend_or_a_key_is_accepted(read: Read, field: str, value: str) -> None:
    assert read({"engine": {field: value}}).problems == ()


@pytest.mark.parametrize("name", ["Dev", "1dev", "dev-", "d" * 21, "dev_1", "a--b"])
def test_a_name_that_some_aws_service_would_refuse_is_refused(read: Read, name: str) -> None:
    assert [problem.path for problem in read({"name": name}).problems] == ["name"]


def test_the_name_that_stands_for_all_environments_made_for_a_time_is_refused(read: Read) -> None:
    """Of two schedules `drift_scan_ephemeral`, neither would load, nor anything else."""
    (problem,) = read({"name": "ephemeral"}).problems

    assert (problem.path, problem.remedy) == ("name", "Use another name.")


def test_the_namespace_follows_the_name(read: Read) -> None:
    environment = read({"name": "blue"}).environment
    assert environment is not None
    assert environment.app.namespace == "ils-blue"


def test_a_namespace_that_is_given_is_kept(read: Read) -> None:
    environment = read({"app": {"namespace": "lenses"}}).environment
    assert environment is not None
    assert environment.app.namespace == "lenses"


def test_a_bad_name_of_an_extra_variable_is_refused_at_that_name(read: Read) -> None:
    problems = read({"app": {"extra_env": {"A-B": "1"}}}).problems
    assert [problem.path for problem in problems] == ["app.extra_env.A-B"]


@pytest.mark.parametrize(
    ("region", "copies", "partition"),
    [
        ("eu-west-1", "eu-central-1", "aws"),
        ("cn-north-1", "cn-northwest-1", "aws-cn"),
        ("us-gov-east-1", "us-gov-west-1", "aws-us-gov"),
    ],
)
def test_the_partition_follows_the_region(read: Read, region: str, copies: str, partition: str) -> None:
    environment = read({"aws": {"region": region}, "backup_vault": {"dr_region": copies}}).environment
    assert environment is not None
    assert environment.aws.partition == partition

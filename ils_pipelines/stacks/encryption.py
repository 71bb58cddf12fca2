"""Layer encryption: one KMS key for each kind of data, so that one can be withdrawn without the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks import policies
from ils_pipelines.stacks.keys import EncryptionKey, EncryptionKeyArgs, current_account_id
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import EncryptionOutputs
from ils_pipelines.stacks.upstream import Upstream

Statement = Callable[[AwsAccount, str], dict[str, Any]]


def _through(*services: str) -> Statement:
    return lambda account, account_id: policies.used_through(account.partition, account_id, account.region, services)


def _by_log_groups(account: AwsAccount, account_id: str) -> dict[str, Any]:
    return policies.used_by_log_groups(account.partition, account_id, account.region, "")


def _by_alarms(_account: AwsAccount, account_id: str) -> dict[str, Any]:
    return policies.used_by_services(account_id, ("cloudwatch.amazonaws.com",))


# Purpose, what is encrypted, who may use the key beside its administrators.
KEYS: tuple[tuple[str, str, Statement], ...] = (
    ("cluster", "Kubernetes secrets", _through("eks")),
    # Secrets Manager is left out: the database's master secret lies under the key of all other secrets.
    ("database", "Aurora storage, snapshots and performance insights", _through("rds")),
    ("cache", "ElastiCache storage and snapshots", _through("elasticache")),
    ("tables", "DynamoDB tables and their backups", _through("dynamodb")),
    ("secrets", "Secrets Manager", _through("secretsmanager")),
    ("logs", "CloudWatch log groups", _by_log_groups),
    ("alarms", "The topic of alarms", _by_alarms),
)


def declare(environment: Environment, _upstream: Upstream) -> None:
    """Declare the layer; it builds on no other."""
    naming = Naming.of(environment, Layer.ENCRYPTION)
    account = environment.aws
    account_id = current_account_id()

    def key(purpose: str, what: str, statement: Statement) -> EncryptionKey:
        return EncryptionKey(
            purpose,
            EncryptionKeyArgs(
                naming=naming,
                account=account,
                encryption=environment.encryption,
                account_id=account_id,
                purpose=purpose,
                description=f"{what} of {naming.name()}",
                statements=lambda found: (statement(account, found),),
            ),
        )

    arns = {purpose: key(purpose, what, statement).arn for purpose, what, statement in KEYS}
    EncryptionOutputs(
        cluster_key_arn=arns["cluster"],
        database_key_arn=arns["database"],
        cache_key_arn=arns["cache"],
        tables_key_arn=arns["tables"],
        secrets_key_arn=arns["secrets"],
        logs_key_arn=arns["logs"],
        alarms_key_arn=arns["alarms"],
    ).export()

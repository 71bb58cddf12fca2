"""Layer tables: what the application keeps in DynamoDB."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.tables import Tables
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import EncryptionOutputs, TablesOutputs
from ils_pipelines.stacks.upstream import Upstream

# Seconds since 1970; DynamoDB deletes an item within a few days after it.
_EXPIRES = "expiresAt"


@dataclass(frozen=True)
class Key:
    """A partition key and, where there is one, the sort key inside it."""

    partition: str
    sort: str | None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


@dataclass(frozen=True)
class TableKind:
    """How a table is looked into; attributes that are no key need no declaration."""

    key: Key
    indexes: tuple[tuple[str, Key], ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute that is part of a key, each once."""
        keys = (self.key, *(key for _, key in self.indexes))
        return tuple(sorted({attribute for key in keys for attribute in key.attributes}))


SESSIONS = "sessions"
ANALYTICS = "analytics"
BY_USER = "by-user"

KINDS = {
    SESSIONS: TableKind(Key("sessionId")),
    # Events of one kind in the order of time; by user, to answer what is kept about a person.
    ANALYTICS: TableKind(Key("eventType", "timestamp"), ((BY_USER, Key("userId", "timestamp")),)),
}

_NUMBERS = frozenset({"timestamp"})
"""Milliseconds since 1970; all other keys are text."""


@dataclass(frozen=True)
class DataTableArgs:
    """What a table needs."""

    naming: Naming
    settings: Tables
    kind: TableKind
    key_arn: pulumi.Output[str]


class DataTable(pulumi.ComponentResource):
    """A table whose items expire."""

    table: aws.dynamodb.Table

    def __init__(self, name: str, args: DataTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:tables:DataTable", name, None, opts)
        full_name = args.naming.name(name)
        days = args.settings.recovery_days
        self.table = aws.dynamodb.Table(
            name,
            name=full_name,
            billing_mode="PAY_PER_REQUEST",  # load follows the opening hours: nothing to size, nothing paid at night
            hash_key=args.kind.key.partition,
            range_key=args.kind.key.sort,
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=attribute, type="N" if attribute in _NUMBERS else "S")
                for attribute in args.kind.attributes
            ],
            global_secondary_indexes=[_index(index, key) for index, key in args.kind.indexes] or None,
            ttl=aws.dynamodb.TableTtlArgs(enabled=True, attribute_name=_EXPIRES),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=days > 0, recovery_period_in_days=days or None
            ),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=args.key_arn),
            deletion_protection_enabled=args.settings.deletion_protection,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.naming.protected),
        )
        self.register_outputs({"name": self.table.name, "arn": self.table.arn})


def _index(name: str, key: Key) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
    return aws.dynamodb.TableGlobalSecondaryIndexArgs(
        name=name,
        key_schemas=[
            aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=attribute, key_type=role)
            for attribute, role in zip(key.attributes, ("HASH", "RANGE"), strict=False)
        ],
        projection_type="ALL",
    )


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of encryption."""
    key_arn = EncryptionOutputs.read(upstream).tables_key_arn
    naming = Naming.of(environment, Layer.TABLES)
    made = {
        name: DataTable(name, DataTableArgs(naming, environment.tables, kind, key_arn)).table
        for name, kind in KINDS.items()
    }
    TablesOutputs(
        sessions_table_name=made[SESSIONS].name,
        sessions_table_arn=made[SESSIONS].arn,
        analytics_table_name=made[ANALYTICS].name,
        analytics_table_arn=made[ANALYTICS].arn,
    ).export()

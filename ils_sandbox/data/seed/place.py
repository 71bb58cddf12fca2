"""Where an environment's data are: the ways into its database, its tables and its cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.access.cache import CacheAccess, cache_access
from ils_pipelines.operations.access.database import DatabaseAccess, database_access
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.targets.protocol import Target
from ils_sandbox.target import SANDBOX, SandboxTarget


class SeedError(IlsError):
    """The data set cannot be put there."""


@dataclass(frozen=True)
class Place:
    """One environment."""

    environment: str
    database: DatabaseAccess
    cache: CacheAccess
    dynamodb: Any
    """boto3 client."""
    sessions_table: str
    analytics_table: str


def find_place(environment: str) -> Place:
    """Find them as operations do. Raises `SeedError` for what is not in the sandbox or not provisioned; IlsError."""
    settings = load_environment(environment)
    if settings.target is not TargetKind.SANDBOX:
        raise SeedError(
            f"environment {environment} has target: {settings.target}; invented data are for the sandbox only. "
            "Set `target: sandbox` in its file to try the environment on this machine."
        )
    target = SandboxTarget(settings, caller=SANDBOX)
    target.preflight()
    database, tables, cache = (_outputs(target, layer) for layer in (Layer.DATABASE, Layer.TABLES, Layer.CACHE))
    return Place(
        environment=environment,
        database=database_access(target, database["cluster_identifier"]),
        cache=cache_access(target, cache["replication_group_id"], cache["auth_token_secret_arn"]),
        dynamodb=target.client("dynamodb"),
        sessions_table=tables["sessions_table_name"],
        analytics_table=tables["analytics_table_name"],
    )


def _outputs(target: Target, layer: Layer) -> dict[str, str]:
    outputs = layer_work(target, layer).outputs()
    if not outputs:
        name = target.environment.name
        raise SeedError(f"environment {name} has no layer {layer} yet. Provision it first: ils up {name}")
    return {name: output.value for name, output in outputs.items()}

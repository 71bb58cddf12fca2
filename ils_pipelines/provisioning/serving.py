"""Which database the application uses: the environment's own, or one that was restored beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ils_pipelines.engine.models import Outputs, OutputValue
from ils_pipelines.provisioning.application_secrets import NotReady
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

Below = Mapping[Layer, "Outputs | None"]


def serving(target: Target, below: Below) -> Below:
    """The outputs of the layers below the application, those of the database as the environment's file chooses it
    (`database.serves_from`). Raises `NotReady` when that database is not there or not complete.
    """
    chosen = target.environment.database.serves_from
    own = below.get(Layer.DATABASE)
    if not chosen or own is None:
        return below
    cluster = restored_cluster(target, chosen)
    values = {
        "endpoint": cluster["Endpoint"],
        "port": cluster["Port"],
        "database_name": cluster.get("DatabaseName") or own["database_name"].value,
        "master_secret_arn": cluster["MasterUserSecret"]["SecretArn"],
    }
    return {**below, Layer.DATABASE: {**own, **{name: OutputValue(value=value) for name, value in values.items()}}}


def restored_name(environment: str, into: str) -> str:
    """Of what was restored under the name `into`; as `ils_pipelines.operations.restore.place` gives it."""
    return f"ils-{environment}-{into}"


def restored_cluster(target: Target, into: str) -> dict[str, Any]:
    """As RDS describes it. Raises `NotReady` unless it is there, complete, and of such a restore."""
    from botocore.exceptions import BotoCoreError, ClientError

    environment = target.environment.name
    name = restored_name(environment, into)
    try:
        found: dict[str, Any] = target.client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    except (BotoCoreError, ClientError) as error:
        raise NotReady(
            f"the application of {environment} is to use the restored database {name} (database.serves_from), which cannot "
            f"be found: {error}. Restore it: ils restore {environment} --into {into}; or: ils switch {environment} --back"
        ) from error
    tags = {tag["Key"]: tag["Value"] for tag in found.get("TagList") or ()}
    if tags.get("restore") != into:
        raise NotReady(
            f"expected {name} to be restored with `ils restore {environment} --into {into}`, found a cluster that was not."
        )
    if found["Status"] != "available" or not found["DBClusterMembers"] or "MasterUserSecret" not in found:
        raise NotReady(
            f"expected the restored database {name} to be complete, found it {found['Status']} with "
            f"{len(found['DBClusterMembers'])} instances. Finish it with the same `ils restore {environment} --into {into}`."
        )
    return found

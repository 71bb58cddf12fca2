"""Having the application use a restored database, and going back: two lines of the environment's file and a firewall.

What changes is planned, approved and applied like every other change: `ils up`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.errors import restoring
from ils_pipelines.operations.restore.ground import output
from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.provisioning.serving import restored_cluster
from ils_pipelines.settings.editing import set_values
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environment_file

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

SERVES_FROM = "serves_from"


def switch_to(target: Target, into: str) -> str:
    """Let the application into the restored database and write it into the file; the cluster's name. Raises `NotReady`,
    `RestoreFailed`, `EnvironmentFileError`.

    The environment's own database stays as it is, for the way back.
    """
    name = str(restored_cluster(target, into)["DBClusterIdentifier"])
    group = str(output(target, Layer.VPC, "database_security_group_id"))
    rds = target.client("rds")
    with restoring(f"cluster {name}", f"cluster {name}"):
        rds.modify_db_cluster(
            DBClusterIdentifier=name,
            VpcSecurityGroupIds=[group],
            DeletionProtection=target.environment.database.deletion_protection,
            ApplyImmediately=True,
        )
        wait_for(rds, "db_cluster_available", DBClusterIdentifier=name)
    set_values(environment_file(target.environment.name), Layer.DATABASE.value, {SERVES_FROM: into})
    return name


def switch_back(target: Target) -> str:
    """Write the environment's own database into the file; what it used until then, empty when that was its own."""
    before = target.environment.database.serves_from
    if before:
        set_values(environment_file(target.environment.name), Layer.DATABASE.value, {SERVES_FROM: ""})
    return before

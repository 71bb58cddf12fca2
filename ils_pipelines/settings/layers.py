"""The layers of an environment and what each one builds on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Layer(StrEnum):
    """One slice of an environment: one Dagster asset, and for all but `app_release` one Pulumi stack."""

    VPC = "vpc"
    ENCRYPTION = "encryption"
    CLUSTER = "cluster"
    DATABASE = "database"
    CACHE = "cache"
    TABLES = "tables"
    SECRETS = "secrets"
    LOAD_BALANCER = "load_balancer"
    BACKUP_VAULT = "backup_vault"
    MONITORING = "monitoring"
    APP_RELEASE = "app_release"


# cluster, database and cache do not build on each other, so that they run in parallel: the security groups that refer to
# one another are all declared in the vpc layer.
DEPENDS_ON: Mapping[Layer, tuple[Layer, ...]] = MappingProxyType(
    {
        Layer.VPC: (),
        Layer.ENCRYPTION: (),
        Layer.CLUSTER: (Layer.VPC, Layer.ENCRYPTION),
        Layer.DATABASE: (Layer.VPC, Layer.ENCRYPTION),
        Layer.CACHE: (Layer.VPC, Layer.ENCRYPTION),
        Layer.TABLES: (Layer.ENCRYPTION,),
        Layer.SECRETS: (Layer.ENCRYPTION,),
        Layer.LOAD_BALANCER: (Layer.VPC,),
        Layer.BACKUP_VAULT: (Layer.TABLES,),
        Layer.MONITORING: (
            Layer.ENCRYPTION,
            Layer.CLUSTER,
            Layer.DATABASE,
            Layer.CACHE,
            Layer.TABLES,
            Layer.LOAD_BALANCER,
            Layer.BACKUP_VAULT,
        ),
        Layer.APP_RELEASE: (Layer.CLUSTER, Layer.DATABASE, Layer.CACHE, Layer.SECRETS, Layer.LOAD_BALANCER),
    }
)


def built_upon(layer: Layer) -> tuple[Layer, ...]:
    """The layers that use what this one puts out."""
    return tuple(other for other in Layer if layer in DEPENDS_ON[other])

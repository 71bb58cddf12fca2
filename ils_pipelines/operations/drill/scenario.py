"""What can be lost, and what each loss is answered with: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ils_pipelines.errors import IlsError


class Scenario(StrEnum):
    """What a drill rehearses the loss of."""

    FULL = "full"
    DATABASE_LOSS = "database-loss"
    TABLE_CORRUPTION = "table-corruption"
    CACHE_LOSS = "cache-loss"
    REGION_LOSS = "region-loss"
    CLUSTER_REBUILD = "cluster-rebuild"
    CLUSTER_REBUILD_AWAY = "cluster-rebuild-away"
    RANSOM = "ransom"


class Side(StrEnum):
    HOME = "home"
    """The environment's own region."""
    AWAY = "away"
    """The region of the copies."""


class DatabaseSource(StrEnum):
    """What a database is restored from."""

    SNAPSHOT = "snapshot"
    """Of the set, where it was taken."""
    COPY = "copy"
    """The snapshot's copy in the other region, restored there."""
    COPIED_BACK = "copied-back"
    """That copy, copied back home first."""
    MOMENT = "moment"
    """A snapshot, and from the cluster made of it the moment before the damage."""


class StoreSource(StrEnum):
    """What tables and the cache are restored from."""

    BACKUP = "backup"
    """What the service keeps itself, in its region: on-demand backups, a snapshot."""
    EXPORT = "export"
    """Files of the set, in either of its buckets."""


@dataclass(frozen=True)
class Recipe:
    """What a drill does."""

    says: str
    """For people, in a sentence."""
    region: Side = Side.HOME
    """Where to it is restored."""
    bucket: Side = Side.HOME
    """Which of the two buckets everything is read from."""
    database: DatabaseSource | None = None
    dump: bool = False
    tables: StoreSource | None = None
    cache: StoreSource | None = None
    objects: bool = False
    """Kubernetes objects, secrets, certificates and releases."""
    cluster: bool = False
    """A cluster is made anew, and the application runs in it."""
    not_restored: tuple[str, ...] = ()
    """What the loss takes for good, or what cannot be rehearsed; stands in the evidence."""


_EMPTY_SECRETS = (
    "the application's secrets: no credential leaves Secrets Manager for a drill, so that pods are asked whether they live, "
    "not whether they reach the database"
)

RECIPES: Mapping[Scenario, Recipe] = {
    Scenario.FULL: Recipe(
        "All that an environment keeps is lost, and restored from the newest set.",
        database=DatabaseSource.SNAPSHOT,
        dump=True,
        tables=StoreSource.BACKUP,
        cache=StoreSource.BACKUP,
        objects=True,
    ),
    Scenario.DATABASE_LOSS: Recipe(
        "The database cluster is gone, and comes back from its snapshot; the logical dump is proven beside it.",
        database=DatabaseSource.SNAPSHOT,
        dump=True,
    ),
    Scenario.TABLE_CORRUPTION: Recipe(
        "Rows are damaged at a known moment, and the database goes back to just before it.",
        database=DatabaseSource.MOMENT,
    ),
    Scenario.CACHE_LOSS: Recipe("The cache is gone, and comes back from its snapshot.", cache=StoreSource.BACKUP),
    Scenario.REGION_LOSS: Recipe(
        "The region is gone, with everything in it; the copies in the other region are all there is.",
        region=Side.AWAY,
        bucket=Side.AWAY,
        database=DatabaseSource.COPY,
        dump=True,
        tables=StoreSource.EXPORT,
        cache=StoreSource.EXPORT,
    ),
    Scenario.CLUSTER_REBUILD: Recipe(
        "The Kubernetes cluster is gone; another one is made, and the release runs in it.",
        cluster=True,
        not_restored=(_EMPTY_SECRETS,),
    ),
    Scenario.CLUSTER_REBUILD_AWAY: Recipe(
        "The Kubernetes cluster is gone with its region; another one is made in the other, and the release runs in it.",
        region=Side.AWAY,
        bucket=Side.AWAY,
        cluster=True,
        not_restored=(
            _EMPTY_SECRETS,
            "secrets and certificate of the load balancer: they are of the region, and made anew with the environment",
        ),
    ),
    Scenario.RANSOM: Recipe(
        "Whoever got in deleted every backup in the region; what they could not reach is brought back.",
        bucket=Side.AWAY,
        database=DatabaseSource.COPIED_BACK,
        dump=True,
        tables=StoreSource.EXPORT,
        cache=StoreSource.EXPORT,
    ),
}


class NoSuchScenario(IlsError):
    """Nothing of the kind can be rehearsed."""


def scenario_of(name: str) -> Scenario:
    """Raises `NoSuchScenario`."""
    try:
        return Scenario(name)
    except ValueError:
        known = ", ".join(scenario.value for scenario in Scenario)
        raise NoSuchScenario(f"expected one of {known}, found {name!r}") from None

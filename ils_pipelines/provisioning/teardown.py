"""What has to hold before an environment is deleted. Looked at for all layers before the first of them is touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ils_pipelines.engine.errors import ProtectedResource, StackLocked
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import LayerWork, layer_work
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


class TeardownNotConfirmed(IlsError):
    """The environment's name was not given, or was another's. Nothing was deleted."""

    def __init__(self, environment: str, confirmed: str) -> None:
        found = repr(confirmed) if confirmed else "nothing"
        super().__init__(
            f"to delete every resource of {environment}, its name must be given as confirmation: expected "
            f"{environment!r}, found {found}. Nothing was deleted."
        )


class NotExpired(IlsError):
    """An environment was to be deleted because its time is over, and it is not. Nothing was deleted."""

    def __init__(self, environment: Environment) -> None:
        until = environment.ephemeral and f"one that lasts until {environment.ephemeral.expires:%Y-%m-%d %H:%M:%S} UTC"
        super().__init__(
            f"expected {environment.name} to be an ephemeral environment whose time is over, found "
            f"{until or 'one that lasts'}. Nothing was deleted."
        )


class LastSnapshotRefused(IlsError):
    """The last snapshot that a deletion takes would get the name of one that is kept, or may. Nothing was deleted."""


def check_teardown(target: Target, *, confirmed: str, only_expired: bool = False) -> None:
    """Raise unless the target's environment may be deleted now.

    With `only_expired`, which is how nobody but a sensor asks, also raises `NotExpired` for everything that was not made to
    end by now. Raises `TeardownNotConfirmed`; `StackLocked` while something works on one of its layers; `ProtectedResource`
    when any layer has a protected resource, and `LastSnapshotRefused` when a store's could not be taken, so that no layer is
    deleted when another would be refused halfway.
    """
    name = target.environment.name
    if confirmed != name:
        raise TeardownNotConfirmed(name, confirmed)
    ephemeral = target.environment.ephemeral
    if only_expired and (ephemeral is None or not ephemeral.expired(datetime.now(UTC))):
        raise NotExpired(target.environment)
    protected: tuple[str, ...] = ()
    snapshots: list[str] = []
    for layer in Layer:
        work = layer_work(target, layer)
        if holder := work.lock_holder():
            raise StackLocked(f"ils-{layer}/{name}", holder)
        protected += work.protected()
        snapshots += _final_snapshots(work)
    if protected:
        raise ProtectedResource(protected)
    _check_names_are_free(target, snapshots)


def _final_snapshots(work: LayerWork) -> list[str]:
    """Names of the last snapshots that deleting the layer takes."""
    names = [resource.properties.get("finalSnapshotIdentifier") for resource in work.resources()]
    return [name for name in names if isinstance(name, str)]


def _check_names_are_free(target: Target, names: Sequence[str]) -> None:
    """Raise `LastSnapshotRefused`: AWS would refuse to delete the store, halfway through the teardown."""
    taken = _snapshots(target) if names else set()
    for name in names:
        if name in taken:
            raise LastSnapshotRefused(
                f"expected no snapshot named {name} yet, as deleting {target.environment.name} takes a last one of that "
                "name; found one. Copy it under another name or delete it, then try again. Nothing was deleted."
            )


def _snapshots(target: Target) -> set[str]:
    """Names of all snapshots of databases and caches in the environment's region."""
    from botocore.exceptions import BotoCoreError, ClientError

    databases = target.client("rds").get_paginator("describe_db_cluster_snapshots")
    caches = target.client("elasticache").get_paginator("describe_snapshots")
    try:
        return {
            *(
                each["DBClusterSnapshotIdentifier"]
                for page in databases.paginate()
                for each in page["DBClusterSnapshots"]
            ),
            *(each["SnapshotName"] for page in caches.paginate() for each in page["Snapshots"]),
        }
    except (BotoCoreError, ClientError) as error:
        raise LastSnapshotRefused(
            f"expected the names of the snapshots that {target.environment.name} would leave to be free, found that they "
            f"cannot be listed: {error}. Nothing was deleted."
        ) from error

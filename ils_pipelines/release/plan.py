"""What a release would change, found out by reading alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ils_pipelines.engine.models import Change, Drift, Operation, Plan, ResourceDrift
from ils_pipelines.release import differences
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import ApiFailure, ReleaseError
from ils_pipelines.release.names import ownership_labels
from ils_pipelines.release.objects import NAMESPACE, RELEASED, Kind, Manifest, Ref, kind_of, ref_of

PROJECT = "ils-app_release"
MOST_CALLS_AT_ONCE = 8

Live = Mapping[Ref, Object]


@dataclass(frozen=True)
class Survey:
    """What is in the cluster of one environment's release, and what ought to be."""

    environment: str
    manifests: Sequence[Manifest]
    live: Live = field(repr=False)
    unserved: frozenset[Kind] = frozenset()
    """Kinds that the cluster does not know: what brings them is not installed."""

    @property
    def surplus(self) -> list[Ref]:
        """Objects of the environment that its release does not hold (any more), those applied last first."""
        wanted = {manifest.ref for manifest in self.manifests}
        return in_deletion_order(ref for ref in self.live if ref not in wanted)

    def plan(self) -> Plan:
        changes = [change for manifest in self.manifests if (change := self.change(manifest)) is not None]
        changes += [self.deletion(ref) for ref in self.surplus]
        unchanged = len(self.manifests) + len(self.surplus) - len(changes)
        return Plan(project=PROJECT, stack=self.environment, changes=tuple(changes), unchanged=unchanged)

    def is_going(self, ref: Ref) -> bool:
        """Whether the object is there but being deleted, by itself or with its namespace."""
        live, namespace = self.live.get(ref), self.live.get(namespace_of(ref))
        return any(found is not None and "deletionTimestamp" in found["metadata"] for found in (live, namespace))

    def change(self, manifest: Manifest) -> Change | None:
        """What applying the manifest would do; None when nothing."""
        ref = manifest.ref
        live = self.live.get(ref)
        if live is None or self.is_going(ref):
            return self._change(ref, Operation.CREATE, None)
        diffs = differences.changes(manifest.kind, manifest.body, live)
        return self._change(ref, Operation.UPDATE, live).model_copy(update={"diffs": diffs}) if diffs else None

    def deletion(self, ref: Ref) -> Change:
        return self._change(ref, Operation.DELETE, self.live[ref])

    def _change(self, ref: Ref, operation: Operation, live: Object | None) -> Change:
        return Change(
            urn=ref.urn(self.environment),
            type=ref.type,
            name=ref.path,
            operation=operation,
            id=live["metadata"]["uid"] if live else None,
        )

    def drift(self) -> Drift:
        """What is not as the last release left it. A release of which nothing is left at all has no drift."""
        drifted = []
        for ref, live in sorted(self.live.items()):
            diffs = differences.drift(kind_of(ref), live)
            if diffs:
                drifted.append(self._drifted(ref, live["metadata"]["uid"]).model_copy(update={"diffs": diffs}))
        missing = [manifest.ref for manifest in self.manifests if manifest.ref not in self.live] if self.live else []
        drifted += [self._drifted(ref, "").model_copy(update={"missing": True}) for ref in missing]
        checked = len(self.live) + len(missing)
        return Drift(project=PROJECT, stack=self.environment, checked=checked, drifted=tuple(drifted))

    def _drifted(self, ref: Ref, uid: str) -> ResourceDrift:
        return ResourceDrift(urn=ref.urn(self.environment), type=ref.type, name=ref.path, id=uid)


def namespace_of(ref: Ref) -> Ref:
    return Ref(NAMESPACE.api_version, NAMESPACE.kind, "", ref.namespace)


def in_deletion_order(refs: Iterable[Ref]) -> list[Ref]:
    order = [kind for step in RELEASED for kind in step]
    return sorted(refs, key=lambda ref: (-order.index(kind_of(ref)), ref))


def survey(cluster: Cluster, environment: str, manifests: Sequence[Manifest]) -> Survey:
    """Read everything that carries the environment's labels, and what is in the way of the manifests without them.

    Raises `ReleaseError` when the namespace is somebody else's: `destroy` deletes the namespace with all that is in it.
    """
    kinds = [kind for step in RELEASED for kind in step]
    labels = ownership_labels(environment)

    unserved: set[Kind] = set()

    def find(kind: Kind) -> list[Object]:
        try:
            return cluster.find(kind, labels)
        except ApiFailure as failure:
            if failure.code != 404:
                raise
            unserved.add(kind)
            return []

    live: dict[Ref, Object] = {}
    with ThreadPoolExecutor(MOST_CALLS_AT_ONCE, "ils-release") as pool:
        for kind, objects in zip(kinds, pool.map(find, kinds), strict=True):
            live.update({ref_of(kind, body): body for body in objects})
        unseen = [manifest.ref for manifest in manifests if manifest.ref not in live]
        found = zip(unseen, pool.map(cluster.get, unseen), strict=True)
        live.update({ref: body for ref, body in found if body is not None})
    for ref in unseen:
        if ref.kind == NAMESPACE.kind and ref in live:
            raise ReleaseError(
                f"the namespace {ref.name} exists and is not that of environment {environment}'s release. Choose another "
                "app.namespace in the environment file, or hand the namespace over, which lets `down` delete it: "
                f"kubectl label namespace {ref.name} " + " ".join(f"{key}={value}" for key, value in labels.items())
            )
    return Survey(environment, manifests, live, frozenset(unserved))

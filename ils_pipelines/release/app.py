"""The release of the application in one environment, with the methods of an engine's stack."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.covering import covers
from ils_pipelines.engine.errors import EngineError, PlanMismatch, ResourceFailed
from ils_pipelines.engine.models import AppliedChange, Drift, OutputValue, Plan, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.release import validation
from ils_pipelines.release.apply import Applier
from ils_pipelines.release.binding import wait_until_bound
from ils_pipelines.release.canary.checks import Check
from ils_pipelines.release.canary.run import CanaryRun
from ils_pipelines.release.canary.traffic import Traffic
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import KindNotServed, ReleaseError, ReleaseFailed
from ils_pipelines.release.history.models import ReleaseRecord, ReleaseStatus, bodies, release_digest
from ils_pipelines.release.history.store import History, KeptRelease, read_history, write_record
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.names import APP_NAME, REVISION
from ils_pipelines.release.objects import CONFIG_MAP, DEPLOYMENT, TARGET_GROUP_BINDING, Kind, Manifest, Ref
from ils_pipelines.release.plan import PROJECT, Survey, survey
from ils_pipelines.release.restore import restored
from ils_pipelines.release.rollout.images import image_digest_of
from ils_pipelines.release.rollout.wait import wait_for_rollout
from ils_pipelines.release.settings import (
    SERVICE_PORT,
    CacheEndpoint,
    DatabaseEndpoint,
    RolloutLimits,
    TargetGroup,
    content_digest,
    release_of,
)

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment


class AppRelease:
    """What `environment` says about the application, on the cluster behind `api_client`.

    `api_client` is a `kubernetes.client.ApiClient`. `secrets` are environment variables of the application; their values
    are written to a Secret and shown nowhere. Every method raises `ReleaseError` or another `EngineError`.
    """

    def __init__(
        self,
        api_client: Any,
        environment: Environment,
        secrets: Mapping[str, str],
        *,
        database: DatabaseEndpoint,
        cache: CacheEndpoint,
        target_group: TargetGroup | None = None,
        limits: RolloutLimits | None = None,
        checks: Sequence[Check] = (),
        canary_group: TargetGroup | None = None,
        traffic: Traffic | None = None,
        environment_file: str = "",
    ) -> None:
        """`limits` are those of the environment's file unless given. `checks` are made between the steps of a canary;
        where the load balancer weighs, its pods are bound to `canary_group` and get what `traffic` shifts to them.
        `environment_file` is the hash by which the history knows the file."""
        self._cluster = Cluster(api_client)
        self._limits = limits or RolloutLimits.of(environment.app)
        self._release = release_of(environment, secrets, database, cache, self._limits, target_group, canary_group)
        self._traffic = traffic
        self._manifests = manifests(self._release)
        self._checks = checks
        self._environment_file = environment_file

    @property
    def _deployment(self) -> Ref:
        return self._ref(DEPLOYMENT)

    def _ref(self, kind: Kind) -> Ref:
        return Ref(kind.api_version, kind.kind, self._release.namespace, APP_NAME)

    def preview(self) -> Plan:
        """What `up` would do. Reads only. Raises `ManifestsInvalid`."""
        plan = self._survey().plan()
        self._check(plan)
        return plan

    def up(
        self,
        *,
        approved: Plan | None = None,
        force: bool = False,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Apply what differs, remove what left the release, and wait until the application is healthy.

        Makes no mutating call when nothing differs; the application must be healthy all the same. With `approved`, raises
        `PlanMismatch`, changing nothing, unless that covers what would be done. Raises, likewise changing nothing,
        `ManifestsInvalid`, `KindNotServed`, and `FieldConflict` when somebody else manages a field that would change,
        unless `force` takes it over. Raises `ReleaseFailed` when it does not become healthy: the last good release then
        serves again. Raises `NotBound` when all is well but that the load balancer does not know the pods.
        """
        started = time.monotonic()
        found = self._survey()
        plan = found.plan()
        if approved is not None and not covers(approved, plan):
            raise PlanMismatch(approved, plan)
        self._check(plan)
        _check_kinds(found)
        history = read_history(self._cluster, self._release.environment)
        cancelled = cancel or threading.Event()
        applier = self._applier(found, on_event, cancelled, force=force)
        applier.rehearse()
        self._trial(applier, cancelled).end()
        try:
            applied, deployment = self._carry_out(applier, found, history, cancelled)
        except ResourceFailed as failure:
            raise self._undone(failure, plan, history, on_event) from failure
        if history.last_good is None or history.last_good.record.digest != release_digest(self._manifests):
            self._remember(history, self._manifests, ReleaseStatus.RELEASED, deployment)
        self._wait_until_bound(applier, cancelled)
        return self._result(started, applied, plan.unchanged, self._outputs(deployment))

    def rollback(
        self,
        to: int | None = None,
        *,
        reason: str = "",
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Release the objects of an earlier release again: the one of that number, or the one before the present one.

        It becomes a release of its own. Raises `NoSuchRelease`, and `RolloutFailed` when it does not become healthy.
        """
        started = time.monotonic()
        history = read_history(self._cluster, self._release.environment)
        kept = history.to_go_back_to(to)
        wanted, applied, deployment = self._restore(kept, on_event, cancel or threading.Event())
        number, why = kept.record.number, reason or "asked for"
        self._remember(history, wanted, ReleaseStatus.RELEASED, deployment, rollback_to=number, reason=why)
        return self._result(started, applied, len(wanted) - len(applied), self._outputs(deployment))

    def history(self) -> History:
        """The releases that are kept, the newest first."""
        return read_history(self._cluster, self._release.environment)

    def destroy(self, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None) -> UpResult:
        """Remove everything of the environment's release, its namespace last, and wait until it is gone."""
        started = time.monotonic()
        found = survey(self._cluster, self._release.environment, ())
        applied = self._applier(found, on_event, cancel or threading.Event()).remove(found.surplus)
        return self._result(started, applied, 0, {})

    def refresh(self) -> Drift:
        """What is not as the last release left it. Reads only."""
        return self._survey().drift()

    def outputs(self) -> Mapping[str, OutputValue] | None:
        """Where and what the released application is; None when it is not released."""
        deployment = self._cluster.get(self._deployment)
        return None if deployment is None else self._outputs(deployment)

    def _survey(self) -> Survey:
        return survey(self._cluster, self._release.environment, self._manifests)

    def _check(self, plan: Plan) -> None:
        if not plan.empty:
            validation.check(self._release.environment, self._manifests, self._release.kubernetes_version)

    def _applier(self, found: Survey, on_event: OnEvent, cancel: threading.Event, *, force: bool = False) -> Applier:
        app = self._release.app
        first = min(max(app.replicas, app.fewest_replicas), app.most_replicas)
        return Applier(self._cluster, found, on_event, cancel, self._release.secrets, force, first)

    def _wait(self, applier: Applier, cancel: threading.Event) -> Object:
        urn = self._deployment.urn(self._release.environment)
        return wait_for_rollout(
            self._cluster, self._deployment, urn, self._limits, note=applier.note, mask=applier.masked, cancel=cancel
        )

    def _wait_until_bound(self, applier: Applier, cancel: threading.Event) -> None:
        """What the load balancer does not take up is no fault of the release, which serves inside the cluster."""
        if self._release.target_group is not None:
            binding = self._ref(TARGET_GROUP_BINDING)
            urn = binding.urn(self._release.environment)
            patience = self._limits.binding
            wait_until_bound(self._cluster, binding, urn, patience=patience, note=applier.note, cancel=cancel)

    def _carry_out(
        self, applier: Applier, found: Survey, history: History, cancel: threading.Event
    ) -> tuple[list[AppliedChange], Object]:
        canary = self._trial(applier, cancel)
        tried = self._release.app.canary.enabled and history.last_good is not None and self._replaces_pods(found)
        if tried:
            canary.go(int(found.live[self._deployment]["spec"]["replicas"]))
        applied = applier.up()
        deployment = self._wait(applier, cancel)
        if tried:
            canary.remove()
        return applied, deployment

    def _trial(self, applier: Applier, cancel: threading.Event) -> CanaryRun:
        return CanaryRun(
            self._cluster, self._release, self._checks, self._limits, applier, cancel, traffic=self._traffic
        )

    def _replaces_pods(self, found: Survey) -> bool:
        """Whether there are pods, and the release would have others in their place."""
        change = next((found.change(each) for each in self._manifests if each.ref == self._deployment), None)
        return change is not None and any(diff.path.startswith("spec.template") for diff in change.diffs)

    def _restore(
        self, kept: KeptRelease, on_event: OnEvent, cancel: threading.Event
    ) -> tuple[tuple[Manifest, ...], list[AppliedChange], Object]:
        wanted = restored(kept, self._manifests, self._release.secrets)
        found = survey(self._cluster, self._release.environment, wanted)
        _check_kinds(found)
        applier = self._applier(found, on_event, cancel)
        applier.note(f"going back to release {kept.record.number} ({kept.record.image})")
        applier.rehearse()
        self._trial(applier, cancel).end()
        return wanted, applier.up(), self._wait(applier, cancel)

    def _undone(self, failure: ResourceFailed, plan: Plan, history: History, on_event: OnEvent) -> ReleaseFailed:
        """Go back to the last good release, and say what became of this one."""
        good = history.last_good
        if good is None or good.record.digest == release_digest(self._manifests):
            outcome = "There is no other release to go back to: it is left as it is."
            if good is None and not plan.empty:
                outcome += self._remember_failure(history, failure, None)
            return ReleaseFailed(failure, outcome, None)
        number = good.record.number
        try:
            # Not to be interrupted: half an old release and half a new one is what this is to prevent.
            self._restore(good, on_event, threading.Event())
        except EngineError as second:
            outcome = f"Going back to release {number} failed too: {second}"
            return ReleaseFailed(failure, outcome + self._remember_failure(history, failure, None), None)
        outcome = f"Rolled back to release {number} ({good.record.image}), which serves."
        return ReleaseFailed(failure, outcome + self._remember_failure(history, failure, number), number)

    def _remember_failure(self, history: History, failure: ResourceFailed, rollback_to: int | None) -> str:
        """Why it could not be kept, to be said beside the failure, which it must not hide; empty when it could."""
        reason = failure.reason.partition("\n")[0]  # without the lines of logs
        try:
            self._remember(history, self._manifests, ReleaseStatus.FAILED, None, rollback_to=rollback_to, reason=reason)
        except ReleaseError as error:
            return f" The history has no record of it: {error}."
        return ""

    def _remember(
        self,
        history: History,
        released: Sequence[Manifest],
        status: ReleaseStatus,
        deployment: Object | None,
        *,
        rollback_to: int | None = None,
        reason: str = "",
    ) -> None:
        image, config = _image_and_config(released)
        record = ReleaseRecord(
            number=history.next_number,
            environment=self._release.environment,
            status=status,
            digest=release_digest(released),
            image=image,
            image_digest=image_digest_of(self._cluster, deployment) if deployment else image.partition("@")[2],
            config_digest=content_digest(config),
            environment_file=self._environment_file,
            at=datetime.now(UTC),
            promoted_from=self._release.app.promoted_from if image == self._release.app.image else "",
            rollback_to=rollback_to,
            reason=reason,
        )
        keep = self._release.app.rollout.kept_releases
        write_record(self._cluster, history, self._release.namespace, record, bodies(released), keep)

    def _result(
        self,
        started: float,
        applied: Sequence[AppliedChange],
        unchanged: int,
        outputs: Mapping[str, OutputValue],
    ) -> UpResult:
        return UpResult(
            project=PROJECT,
            stack=self._release.environment,
            applied=tuple(applied),
            unchanged=unchanged,
            outputs=dict(outputs),
            duration=timedelta(seconds=time.monotonic() - started),
        )

    def _outputs(self, deployment: Object) -> dict[str, OutputValue]:
        namespace = self._release.namespace
        good = read_history(self._cluster, self._release.environment).last_good
        values: dict[str, Any] = {
            "namespace": namespace,
            "deployment": APP_NAME,
            "service": APP_NAME,
            "service_host": f"{APP_NAME}.{namespace}.svc.cluster.local",
            "service_port": SERVICE_PORT,
            "image": deployment["spec"]["template"]["spec"]["containers"][0]["image"],
            "replicas": deployment["spec"]["replicas"],
            "revision": deployment["metadata"].get("annotations", {}).get(REVISION, ""),
        }
        if good is not None:
            values |= {
                "release": good.record.number,
                "release_digest": good.record.digest,
                "image_digest": good.record.image_digest,
            }
        return {name: OutputValue(value=value) for name, value in values.items()}


def _check_kinds(found: Survey) -> None:
    """Raise `KindNotServed` for an object that the cluster knows no kind of."""
    for manifest in found.manifests:
        if manifest.kind in found.unserved:
            raise KindNotServed(manifest.kind.kind, manifest.kind.api_version)


def _image_and_config(released: Sequence[Manifest]) -> tuple[str, Mapping[str, str]]:
    """The application's image, and what its pods are told."""
    image, config = "", {}
    for manifest in released:
        if manifest.kind is DEPLOYMENT:
            image = str(manifest.body["spec"]["template"]["spec"]["containers"][0]["image"])
        elif manifest.kind is CONFIG_MAP:
            config = dict(manifest.body["data"])
    return image, config

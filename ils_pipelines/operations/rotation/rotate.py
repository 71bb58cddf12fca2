"""A whole rotation: both secrets are let in, pods go over to the new one, the old one is refused and that is shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ils_pipelines.engine.models import Change, EngineEvent, EventKind, Operation, OutputValue, Plan
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.operations.rotation.cache import CacheToken
from ils_pipelines.operations.rotation.database import Administrator, ApplicationLogin
from ils_pipelines.operations.rotation.models import Proof, RotationFailed, What
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.provisioning.release import ReleaseLayer
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

_SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105 a type
REASON = "secrets rotated"


@dataclass(frozen=True)
class Rotation:
    """What was done, as work on layer `secrets`, and what shows it."""

    report: LayerReport
    proofs: tuple[Proof, ...]


def rotate(
    target: Target,
    what: Iterable[What] = tuple(What),
    *,
    on_event: OnEvent = ignore_events,
    cancel: threading.Event | None = None,
) -> Rotation:
    """Raises `RotationFailed`, what a release raises when the pods do not become healthy, and botocore's ClientError.

    Interrupted at any point, pods have a secret that works, and the next rotation of the same goes on from there.
    """
    return _Run(target, frozenset(what), on_event, cancel or threading.Event()).go()


@dataclass(frozen=True)
class _Run:
    target: Target
    what: frozenset[What]
    on_event: OnEvent
    cancel: threading.Event

    def go(self) -> Rotation:
        started = time.monotonic()
        cache = self._cache() if What.CACHE in self.what else None
        login = administrator = None
        if What.DATABASE in self.what:
            login, administrator = self._login(), self._administrator()
        if login is not None and not login.own:
            login = None
        proofs: list[Proof] = []
        if cache is not None:
            cache.begin()
        if login is not None:
            login.begin()
        if administrator is not None:
            proofs.append(administrator.rotate())
        rolled = self._roll()
        if login is not None:
            proofs.append(login.finish())
        if cache is not None:
            proofs.append(cache.finish())
        for proof in proofs:
            self._note(str(proof))
        changes = tuple(self._change(proof.subject) for proof in proofs) + rolled
        name, duration = self.target.environment.name, timedelta(seconds=time.monotonic() - started)
        plan = Plan(project=f"ils-{Layer.SECRETS}", stack=name, changes=changes, unchanged=0)
        return Rotation(LayerReport(name, Layer.SECRETS, Action.ROTATE, plan, {}, duration), tuple(proofs))

    def _roll(self) -> tuple[Change, ...]:
        """Start the pods anew with the secrets that hold now: the release that serves, once more."""
        release = ReleaseLayer(self.target)
        good = release.history().last_good
        if good is None:
            return ()
        self._note("pods go over to the new secrets")
        done = release.rollback(good.record.number, reason=REASON, on_event=self.on_event, cancel=self.cancel)
        return tuple(applied.change for applied in done.applied)

    def _cache(self) -> CacheToken:
        outputs = self._outputs(Layer.CACHE)
        group, secret = (str(outputs[name].value) for name in ("replication_group_id", "auth_token_secret_arn"))
        return CacheToken(self.target, group, secret, self._note, self.cancel)

    def _login(self) -> ApplicationLogin:
        secret = str(self._outputs(Layer.SECRETS)["database_url_secret_arn"].value)
        return ApplicationLogin(self.target, self._cluster, secret, self._note, self.cancel)

    def _administrator(self) -> Administrator:
        return Administrator(self.target, self._cluster, self._note, self.cancel)

    @property
    def _cluster(self) -> str:
        return str(self._outputs(Layer.DATABASE)["cluster_identifier"].value)

    def _outputs(self, layer: Layer) -> dict[str, OutputValue]:
        found = layer_work(self.target, layer).outputs()
        if not found:
            name = self.target.environment.name
            raise RotationFailed(name, f"the layer {layer}", "none", f"Provision it first: ils up {name}")
        return dict(found)

    def _note(self, message: str) -> None:
        self._tell(EventKind.NOTE, message=message)

    def _tell(self, kind: EventKind, **more: Any) -> None:
        project, stack = f"ils-{Layer.SECRETS}", self.target.environment.name
        self.on_event(EngineEvent(kind=kind, project=project, stack=stack, **more))

    def _change(self, subject: str) -> Change:
        urn = f"urn:rotation:{self.target.environment.name}::{_SECRET}::{subject}"
        return Change(urn=urn, type=_SECRET, name=subject, operation=Operation.UPDATE)

"""The engine of environments in AWS accounts: Pulumi's command line, through its Automation API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from ils_pipelines.engine.covering import covers
from ils_pipelines.engine.errors import EngineError, PlanMismatch, ProtectedResource, StackLocked
from ils_pipelines.engine.models import Drift, LockHolder, OutputValue, Plan, Stack, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.engine.pulumi import adoption, deployment, locking
from ils_pipelines.engine.pulumi.adoption import Finder
from ils_pipelines.engine.pulumi.backend import ClientFactory, open_backend
from ils_pipelines.engine.pulumi.cli import Command
from ils_pipelines.engine.pulumi.drift import DriftRecorder
from ils_pipelines.engine.pulumi.event_recorder import EventRecorder
from ils_pipelines.engine.pulumi.failures import cancelled, explain
from ils_pipelines.engine.pulumi.installation import Installation
from ils_pipelines.engine.pulumi.lost_engine import outlive_engine
from ils_pipelines.engine.pulumi.watch import watched
from ils_pipelines.engine.pulumi.workspace import Deployment, StackHandle, opened, scratch
from ils_pipelines.settings.engine import EngineSettings


class PulumiEngine:
    """Keeps the promises of `ils_pipelines.engine.protocol.Engine`. Each operation on a stack is a process of its own."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        config: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        home: Path | None = None,
        finder: Finder,
        client: ClientFactory | None = None,
    ) -> None:
        """`config` is Pulumi's, e.g. `aws:region`; `environment` are variables for Pulumi and its providers, e.g.
        credentials; `home` is where Pulumi keeps its plugins, `~/.pulumi` unless given; `client` makes the boto3 client that
        reads the locks of an S3 backend; `finder` looks for what an interrupted create made."""
        self._settings = settings
        self._config = dict(config)
        self._home = home
        self._finder = finder
        self._client = client
        self._installation = Installation(settings, environment or {})

    def preview(self, stack: Stack, *, on_event: OnEvent = ignore_events) -> Plan:
        with self._opened(stack) as work:
            return self._preview(work, on_event)

    def up(
        self,
        stack: Stack,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        recorder = EventRecorder(stack, on_event)
        with self._opened(stack) as work:
            self._refuse_locked(stack)
            if work.before is None:
                work.handle.initialize(self._settings.secrets_provider)
                work.before = work.handle.export()
            approved_steps = self._check_approved(work, approved)
            recorder.adopted = self._recover(work, on_event)
            if recorder.adopted and approved is not None:
                approved_steps = self._plan_file(work)
            self._change(work, recorder, work.handle.up, cancel, program=work.program, plan=approved_steps)
            return self._result(work, recorder)

    def destroy(
        self, stack: Stack, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None
    ) -> UpResult:
        recorder = EventRecorder(stack, on_event)
        with self._opened(stack) as work:
            if work.before is None or not (deployment.resources(work.before) or deployment.pending(work.before)):
                return self._result(work, recorder)
            self._refuse_locked(stack)
            if kept := deployment.protected(work.before):
                raise ProtectedResource(kept)
            self._recover(work, on_event)
            self._change(work, recorder, work.handle.destroy, cancel)
            return self._result(work, recorder)

    def refresh(self, stack: Stack, *, record: bool = False, on_event: OnEvent = ignore_events) -> Drift:
        with self._opened(stack) as work:
            if record:
                self._refuse_locked(stack)
            recorder = DriftRecorder(stack, on_event, work.before)
            checked = len(deployment.managed(work.before))
            if checked:
                self._read(work, recorder, work.handle.refresh, preview_only=not record)
            return Drift(project=stack.project, stack=stack.name, checked=checked, drifted=recorder.drifted())

    def outputs(self, stack: Stack) -> Mapping[str, OutputValue] | None:
        with self._opened(stack, reveal=True) as work:
            return deployment.outputs(work.before)

    def export_state(self, stack: Stack) -> dict[str, Any]:
        with self._opened(stack) as work:
            if work.before is None:
                raise EngineError(f"there is no stack {stack} to export")
            return work.before

    def import_state(self, stack: Stack, state: dict[str, Any]) -> None:
        deployment.verify(state, stack)
        with self._opened(stack) as work, self._explaining(work, EventRecorder(stack, ignore_events)):
            self._refuse_locked(stack)
            if work.before is None:
                work.handle.initialize(self._settings.secrets_provider)
            work.handle.replace(state)

    def lock_holder(self, stack: Stack) -> LockHolder | None:
        return locking.holder(self._backend(), stack)

    def unlock(self, stack: Stack, *, force: bool = False) -> LockHolder | None:
        return locking.unlock(self._backend(), stack, force=force)

    def _preview(self, work: _Work, on_event: OnEvent, *, plan_file: str | None = None) -> Plan:
        adoptable = adoption.look(work.handle, work.before, self._finder).ids
        recorder = EventRecorder(work.stack, on_event)
        recorder.adopted = frozenset(adoptable)
        with self._somewhere(work) as handle:
            self._read(work, recorder, handle.preview, program=work.program, plan=plan_file)
        return recorder.plan()

    def _check_approved(self, work: _Work, approved: Plan | None) -> str | None:
        """The file with the steps that Pulumi is held to; None when nothing has to be approved. Raises PlanMismatch."""
        if approved is None:
            return None
        file = work.handle.plan_file
        actual = self._preview(work, ignore_events, plan_file=file)
        if not covers(approved, actual):
            raise PlanMismatch(approved, actual)
        return file

    def _plan_file(self, work: _Work) -> str:
        """Likewise, anew: what was taken over is there by now."""
        self._preview(work, ignore_events, plan_file=work.handle.plan_file)
        return work.handle.plan_file

    def _recover(self, work: _Work, on_event: OnEvent) -> frozenset[str]:
        """Look after what an interrupted run left half done; the URNs of what it made and was taken over."""
        if work.before is None or (not adoption.doubtful(work.before) and not deployment.pending(work.before)):
            return frozenset()
        recorder = EventRecorder(work.stack, on_event)
        recorder.note(f"the last operation on {work.stack} was interrupted; going on from its last record")
        adopted = adoption.adopt(work.handle, work.before, self._finder, recorder)
        work.before = work.handle.export()
        if doubtful := adoption.doubtful(work.before):
            self._read(work, EventRecorder(work.stack, ignore_events), work.handle.refresh, target=doubtful)
            work.before = work.handle.export()
        return adopted

    def _read(self, work: _Work, recorder: EventRecorder, command: Callable[..., Any], **options: Any) -> None:
        """Run a command of Pulumi that changes nothing but its record."""
        self._run(work, recorder, command, self._settings.read_timeout, threading.Event(), options)

    def _change(
        self,
        work: _Work,
        recorder: EventRecorder,
        command: Callable[..., Any],
        cancel: threading.Event | None,
        **options: Any,
    ) -> None:
        """Run a command of Pulumi that changes what is there."""
        self._run(work, recorder, command, self._settings.change_timeout, cancel or threading.Event(), options)

    def _run(
        self,
        work: _Work,
        recorder: EventRecorder,
        command: Callable[..., Any],
        timeout: timedelta,
        cancel: threading.Event,
        options: Mapping[str, Any],
    ) -> None:
        """Run Pulumi once. Raises what explains its failure, or what the listener raised."""

        def run() -> Any:
            return command(
                on_event=recorder.take,
                parallel=self._settings.parallel,
                color="never",
                suppress_outputs=True,
                suppress_progress=True,
                **options,
            )

        try:
            with self._explaining(work, recorder):
                watched(run, work.command, cancel=cancel, timeout=timeout)
        finally:
            if work.command.interrupted:
                locking.give_back(self._backend(), work.stack, work.command.pids)
        if recorder.listener_error is not None:
            raise recorder.listener_error

    @contextmanager
    def _explaining(self, work: _Work, recorder: EventRecorder) -> Iterator[None]:
        try:
            yield
        except ConcurrentUpdateError as error:
            self._refuse_locked(work.stack)
            raise EngineError(f"{work.stack} was locked for a moment; try again") from error
        except CommandError as error:
            if work.command.interrupted:
                raise cancelled(work.stack) from error
            raise explain(work.stack, error, recorder, work.before, work.program_error) from error

    def _refuse_locked(self, stack: Stack) -> None:
        holder = self.lock_holder(stack)
        if holder is not None:
            raise StackLocked(str(stack), holder)

    def _result(self, work: _Work, recorder: EventRecorder) -> UpResult:
        after = work.handle.export(reveal=True) if work.before is not None else None
        return recorder.result(deployment.outputs(after))

    @contextmanager
    def _opened(self, stack: Stack, *, reveal: bool = False) -> Iterator[_Work]:
        command = self._installation.command()
        variables = self._installation.environment()
        with opened(stack, command, config=self._config, environment=variables, home=self._home) as handle:
            work = _Work(stack, handle, command)
            with self._explaining(work, EventRecorder(stack, ignore_events)):
                work.before = handle.export(reveal=reveal)
            self._installation.check_secrets_provider(stack, work.before)
            yield work

    @contextmanager
    def _somewhere(self, work: _Work) -> Iterator[StackHandle]:
        """The stack, or, of one that does not exist yet, an empty one in a backend of its own: a preview writes nothing."""
        if work.before is not None:
            yield work.handle
        else:
            with scratch(work.stack, work.command, config=self._config, like=work.handle) as handle:
                yield handle

    def _backend(self) -> Any:
        return open_backend(self._installation.backend(), self._client or _own_client)


@dataclass
class _Work:
    """One operation under way: the stack as it is driven, and the deployment that it started from."""

    stack: Stack
    handle: StackHandle
    command: Command
    before: Deployment | None = None
    program_error: Exception | None = None

    def program(self) -> None:
        outlive_engine()
        try:
            self.stack.program()
        except Exception as error:
            self.program_error = error
            raise


def _own_client(service: str, parameters: Mapping[str, str]) -> Any:
    """By the standard chain of credentials."""
    import boto3

    session = boto3.Session(profile_name=parameters.get("profile"), region_name=parameters.get("region"))
    return session.client(service, endpoint_url=parameters.get("endpoint"))

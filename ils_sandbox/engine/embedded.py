"""The embedded engine: applies the same programs as Pulumi, in this process, with providers of the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ils_pipelines.engine.covering import covers
from ils_pipelines.engine.errors import EngineError, PlanMismatch, StackLocked
from ils_pipelines.engine.interruptible import interruptible
from ils_pipelines.engine.models import Drift, LockHolder, OutputValue, Plan, Stack, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.engine.recorder import Recorder
from ils_sandbox.engine import lock
from ils_sandbox.engine.checkpoint import Checkpoint, CheckpointFile, Journal
from ils_sandbox.engine.deployment import Deployment, Mode
from ils_sandbox.engine.providers import ProviderCache, ProviderCalls, ProviderFactory, Readers
from ils_sandbox.engine.refresh import Seen, recorded, seen
from ils_sandbox.engine.runner import run_program
from ils_sandbox.engine.secrets import PassphraseCrypter, open_crypter
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.values import to_plain

READ_THREADS = 32


class EmbeddedEngine:
    """Keeps the promises of `ils_pipelines.engine.protocol.Engine`.

    Checkpoints are `<directory>/<project>/<stack>.json`; their secrets are encrypted with the key in `<directory>/key.json`.
    """

    def __init__(self, directory: Path, *, providers: Mapping[str, ProviderFactory], config: Mapping[str, str]) -> None:
        """`providers` opens the provider of a package for a configuration; `config` is Pulumi's, e.g. `aws:region`."""
        self._directory = directory
        self._providers = ProviderCache(providers)
        self._config = dict(config)
        self._crypter: PassphraseCrypter | None = None
        self._crypter_lock = threading.Lock()
        self._files: dict[Path, CheckpointFile] = {}
        self._files_lock = threading.Lock()

    def preview(self, stack: Stack, *, on_event: OnEvent = ignore_events) -> Plan:
        checkpoint = self._file(stack).load() or Checkpoint()
        recorder = Recorder(stack, on_event)
        cancel = threading.Event()
        interruptible(lambda: self._run(stack, None, checkpoint, recorder, Mode(preview=True), cancel), cancel.set)
        return recorder.plan()

    def up(
        self,
        stack: Stack,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        cancel = cancel or threading.Event()
        recorder = Recorder(stack, on_event)
        with self._changing(stack, "up", recorder) as (file, checkpoint):
            if approved is not None:
                actual = self.preview(stack)
                if not covers(approved, actual):
                    raise PlanMismatch(approved, actual)
            mode = Mode(preview=False, approved=approved)
            interruptible(lambda: self._run(stack, file, checkpoint, recorder, mode, cancel), cancel.set)
            return recorder.result(self.outputs(stack))

    def destroy(
        self, stack: Stack, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None
    ) -> UpResult:
        cancel = cancel or threading.Event()
        recorder = Recorder(stack, on_event)
        with self._changing(stack, "destroy", recorder) as (file, checkpoint):
            interruptible(lambda: self._destroy(stack, file, checkpoint, recorder, cancel), cancel.set)
            return recorder.result(self.outputs(stack))

    def refresh(self, stack: Stack, *, record: bool = False, on_event: OnEvent = ignore_events) -> Drift:
        recorder = Recorder(stack, on_event)
        if not record:
            return _drift(stack, self._look(stack, self._file(stack).load() or Checkpoint(), recorder))
        with self._changing(stack, "refresh", recorder) as (file, checkpoint):
            found = self._look(stack, checkpoint, recorder)
            if any(each.drift for each in found):
                file.save(recorded(checkpoint, found))
            return _drift(stack, found)

    def _look(self, stack: Stack, checkpoint: Checkpoint, recorder: Recorder) -> list[Seen]:
        managed = [state for state in checkpoint.resources if state.managed and not state.delete]
        journal = Journal(None, checkpoint, self._open_crypter())
        with ProviderCalls() as calls, ThreadPoolExecutor(READ_THREADS, thread_name_prefix="refresh") as pool:
            deployment = self._deployment(stack, checkpoint, journal, calls, recorder)
            readers = Readers()

            def look(state: ResourceState) -> Seen:
                return seen(calls, readers.of(deployment.packages.provider_of(state)), state)

            return list(pool.map(look, managed))

    def outputs(self, stack: Stack) -> Mapping[str, OutputValue] | None:
        checkpoint = self._file(stack).load()
        resource = checkpoint.stack_resource() if checkpoint else None
        if resource is None:
            return None
        return {
            key: OutputValue(value=to_plain(value, reveal=True), secret=value.contains_secret())
            for key, value in resource.outputs.items()
        }

    def export_state(self, stack: Stack) -> dict[str, Any]:
        checkpoint = self._file(stack).load()
        if checkpoint is None:
            raise EngineError(f"there is no stack {stack} to export")
        return checkpoint.to_json(self._open_crypter())

    def import_state(self, stack: Stack, state: dict[str, Any]) -> None:
        checkpoint = Checkpoint.from_json(state, self._open_crypter(), source="to import")
        file = self._file(stack)
        with lock.hold(self._lock_path(stack), str(stack), "import"):
            file.back_up()
            file.save(checkpoint)

    def lock_holder(self, stack: Stack) -> LockHolder | None:
        return lock.holder(self._lock_path(stack))

    def unlock(self, stack: Stack, *, force: bool = False) -> LockHolder | None:  # noqa: ARG002 never needed here
        """There is nothing to take away: the system lets go of the lock when its process ends."""
        if holder := self.lock_holder(stack):
            raise StackLocked(str(stack), holder)
        return None

    def _run(
        self,
        stack: Stack,
        file: CheckpointFile | None,
        checkpoint: Checkpoint,
        recorder: Recorder,
        mode: Mode,
        cancel: threading.Event,
    ) -> None:
        with self._journal(file, checkpoint) as journal, ProviderCalls() as calls:
            deployment = self._deployment(stack, checkpoint, journal, calls, recorder, mode=mode, cancel=cancel)
            run_program(deployment, self._config)
            deployment.finish()

    def _destroy(
        self, stack: Stack, file: CheckpointFile, checkpoint: Checkpoint, recorder: Recorder, cancel: threading.Event
    ) -> None:
        with self._journal(file, checkpoint) as journal, ProviderCalls() as calls:
            deployment = self._deployment(
                stack, checkpoint, journal, calls, recorder, mode=Mode(preview=False), cancel=cancel
            )
            deployment.delete(deployment.everything())

    def _deployment(
        self,
        stack: Stack,
        checkpoint: Checkpoint,
        journal: Journal,
        calls: ProviderCalls,
        recorder: Recorder,
        *,
        mode: Mode = Mode(preview=True),  # noqa: B008 frozen
        cancel: threading.Event | None = None,
    ) -> Deployment:
        return Deployment(
            stack,
            checkpoint,
            journal,
            providers=self._providers,
            config=self._config,
            calls=calls,
            recorder=recorder,
            mode=mode,
            cancel=cancel or threading.Event(),
        )

    @contextmanager
    def _journal(self, file: CheckpointFile | None, checkpoint: Checkpoint) -> Iterator[Journal]:
        journal = Journal(file, checkpoint, self._open_crypter())
        try:
            yield journal
        finally:
            journal.close()

    @contextmanager
    def _changing(
        self, stack: Stack, operation: str, recorder: Recorder
    ) -> Iterator[tuple[CheckpointFile, Checkpoint]]:
        """Hold the stack's lock and give its checkpoint, with a copy of the file kept."""
        with lock.hold(self._lock_path(stack), str(stack), operation) as interrupted:
            if interrupted is not None:
                recorder.note(
                    f"{interrupted.operation} of {stack} by {interrupted.user} (process {interrupted.pid}, "
                    f"{interrupted.since:%Y-%m-%d %H:%M:%S} UTC) was interrupted; going on from its last record"
                )
            file = self._file(stack)
            checkpoint = file.load() or Checkpoint()
            file.back_up()
            yield file, checkpoint

    def _file(self, stack: Stack) -> CheckpointFile:
        path = self._directory / stack.project / f"{stack.name}.json"
        crypter = self._open_crypter()
        with self._files_lock:
            return self._files.setdefault(path, CheckpointFile(path, crypter))

    def _lock_path(self, stack: Stack) -> Path:
        return self._directory / stack.project / f"{stack.name}.lock"

    def _open_crypter(self) -> PassphraseCrypter:
        with self._crypter_lock:
            if self._crypter is None:
                self._crypter = open_crypter(self._directory / "key.json")
            return self._crypter


def _drift(stack: Stack, found: Sequence[Seen]) -> Drift:
    drifted = tuple(each.drift for each in found if each.drift is not None)
    return Drift(project=stack.project, stack=stack.name, checked=len(found), drifted=drifted)

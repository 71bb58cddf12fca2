"""Containers that run as processes of this machine: started, logged, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.container_logs import ContainerLogs

KILLED = 128 + signal.SIGKILL
NOT_STARTED = 128
_CHUNK = 65536
_SEARCH_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
PROGRAMS = "programs"
"""Folder beside those of the pods, with programs that images have and this machine may not."""

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """One run of one container."""

    started: str
    task: asyncio.Task[None] | None = None
    process: asyncio.subprocess.Process | None = None
    finished: str = ""
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    stopping: bool = False

    @property
    def ended(self) -> bool:
        return bool(self.finished)

    def end(self, exit_code: int, reason: str = "", message: str = "") -> None:
        self.finished, self.exit_code = clock.now(), exit_code
        self.reason = reason or ("Completed" if exit_code == 0 else "Error")
        self.message = message


@dataclass(frozen=True)
class Start:
    """What is to be run. The process gets these variables and no others of the server's, but for `PATH` and a home."""

    pod_uid: str
    container: str
    command: Sequence[str]
    variables: Mapping[str, str]
    working_directory: str
    hostname: str
    has_role: bool = False
    """Whether the pod's service account is one that may have a role in AWS."""


@dataclass
class HostProcesses:
    """The processes of one cluster's containers."""

    directory: Path
    """A folder for each pod's home."""
    logs: ContainerLogs
    on_exit: Callable[[str], None] = lambda _uid: None
    """Called with the pod's uid whenever a container's process has ended."""
    aws_endpoint: str | None = None
    """Of the emulated AWS, which knows one identity: pods with a service account of their own get into it."""
    _runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)

    def runs(self, pod_uid: str, container: str) -> list[Run]:
        """Every run of a container that this server started, the last one last."""
        return self._runs.get((pod_uid, container), [])

    def adopt(self, pod_uid: str, container: str, run: Run) -> None:
        """Take over a run of an earlier server."""
        self._runs[pod_uid, container] = [run]

    def start(self, what: Start) -> None:
        """Run a container's command once; `runs` tells what becomes of it."""
        run = Run(clock.now())
        self._runs.setdefault((what.pod_uid, what.container), []).append(run)
        program = what.command[0]
        if shutil.which(program, path=what.variables.get("PATH", self._path)) is None:
            problem = f'exec: "{program}": executable file not found in $PATH'
            run.end(NOT_STARTED, "StartError", problem)
            return
        run.task = asyncio.get_running_loop().create_task(self._run(what, run), name=f"container {what.container}")

    async def _run(self, what: Start, run: Run) -> None:
        log = self.logs.begin(what.pod_uid, what.container)
        reading, writing = os.pipe()
        try:
            home = self._home(what.pod_uid)
            launcher = (sys.executable, "-m", "ils_sandbox.kubernetes.container", str(reading))
            run.process = await asyncio.create_subprocess_exec(
                *launcher,
                *what.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=what.working_directory or home,
                env=self._variables(what, home),
                pass_fds=(reading,),
            )
            if run.stopping:
                run.process.send_signal(signal.SIGTERM)
            assert run.process.stdout is not None  # noqa: S101 it is a pipe
            while chunk := await run.process.stdout.read(_CHUNK):
                log.write(chunk)
            run.end(await run.process.wait())
        except OSError as problem:
            run.end(NOT_STARTED, "StartError", str(problem))
        except asyncio.CancelledError:
            run.end(KILLED)
            raise
        finally:
            os.close(reading)
            os.close(writing)
            log.end()
        self.on_exit(what.pod_uid)

    def stop(self, pod_uid: str, *, kill: bool = False) -> bool:
        """Ask the pod's processes to end, or make them. Returns whether all have ended."""
        pending = [run for (uid, _), runs in self._runs.items() if uid == pod_uid for run in runs if not run.ended]
        for run in pending:
            if kill and run.task is not None:
                run.task.cancel()  # closes the pipe, which kills the command and all that it started
            elif not run.stopping:
                run.stopping = True
                if run.process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        run.process.send_signal(signal.SIGTERM)
        return not pending

    def forget(self, pod_uid: str) -> None:
        """The pod has gone."""
        self.stop(pod_uid, kill=True)
        self._runs = {key: runs for key, runs in self._runs.items() if key[0] != pod_uid}
        self.logs.forget(pod_uid)
        shutil.rmtree(self.directory / pod_uid, ignore_errors=True)

    async def close(self) -> None:
        """End everything."""
        tasks = [run.task for runs in self._runs.values() for run in runs if run.task is not None and not run.ended]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _home(self, pod_uid: str) -> Path:
        home = self.directory / pod_uid
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return home

    def _variables(self, what: Start, home: Path) -> dict[str, str]:
        own = {"PATH": self._path, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "HOSTNAME": what.hostname}
        role = _role(self.aws_endpoint) if what.has_role and self.aws_endpoint else {}
        return own | role | dict(what.variables)

    @property
    def _path(self) -> str:
        return os.pathsep.join([str(self.directory.parent.parent / PROGRAMS), _SEARCH_PATH])


def _role(endpoint: str) -> dict[str, str]:
    """What EKS Pod Identity gives a pod, as far as the emulated AWS asks for it."""
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}

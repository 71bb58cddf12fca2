"""Pulumi's command line: where it is, which release it is, and one run of it as a process of its own."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.pulumi.backend import OPERATIONS

TOOLS_VARIABLE = "ILS_TOOLS_DIR"
VERSION_TIMEOUT_SECONDS = 60


def tools_directory() -> Path:
    """Where `make tools` and `ils doctor --install` put what they install: a folder of the user's cache."""
    given = os.environ.get(TOOLS_VARIABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else cache / "ils-pipelines" / "tools"


def installation_root(version: str) -> Path:
    """The folder of one release: its executable is `bin/pulumi` in it, as Pulumi's own installer has it."""
    return tools_directory() / f"pulumi-{version}"


def find_pulumi(version: str) -> Path | None:
    """The executable of the given release if it was installed by this project, or else what PATH has; None without."""
    installed = installation_root(version) / "bin" / "pulumi"
    if installed.is_file():
        return installed
    found = shutil.which("pulumi")
    return Path(found) if found else None


def require_pulumi(version: str) -> Path:
    """The executable, which is of this release. Raises EngineError when there is none, or another."""
    path = find_pulumi(version)
    if path is None:
        raise EngineError(
            f"expected Pulumi {version}, found no pulumi: neither in {tools_directory()} nor on PATH. "
            "Install it with `ils doctor --install`, or build it with `make tools`."
        )
    found = version_of(path)
    if found != version:
        raise EngineError(
            f"expected Pulumi {version}, found {found or 'an unknown release'} at {path}. Install the expected one with "
            "`ils doctor --install`, or name the other under engine.pulumi_version."
        )
    return path


@functools.cache
def version_of(path: Path) -> str:
    """The release that an executable says it is, without the `v`; empty for a build that does not say."""
    done = subprocess.run(
        [path, "version"],
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        timeout=VERSION_TIMEOUT_SECONDS,
        check=False,
    )
    return done.stdout.strip().removeprefix("v")


class Command(PulumiCommand):
    """Runs Pulumi once after the other for one operation, each time as a process of its own that can be interrupted.

    Its process has a session of its own, so that a Ctrl-C in the terminal reaches it once, through `interrupt`, however often
    it is pressed: a second one makes Pulumi give up what is under way, and forget that it was. Its output goes to files, not
    pipes: when this process dies, Pulumi writes on, ends what is under way, records it and gives back the lock.
    """

    def __init__(self, path: Path, version: str) -> None:
        # Not the base class's, which starts a process only to ask for the version.
        self.command = str(path)
        self.version = VersionInfo.parse(version)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._interrupted = False
        self.pids: list[int] = []
        """Of the processes that it ran, the one under way among them."""

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Any = None,  # noqa: ARG002 the base class's
        on_error: Any = None,  # noqa: ARG002
    ) -> CommandResult:
        """Raises CommandError, or one of its kinds, when the command fails, or is an operation and somebody interrupted."""
        # What only reads a record is over in a moment, and needed to tell what the operation did.
        operation = args[0] in OPERATIONS
        env = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        out, err = Path(cwd, ".stdout"), Path(cwd, ".stderr")
        with out.open("wb") as stdout, err.open("wb") as stderr:
            with self._lock:
                if self._interrupted and operation:
                    raise create_command_error(CommandResult("", "interrupted before it began", -signal.SIGINT))
                process = subprocess.Popen(
                    [self.command, "--non-interactive", *args],
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
                self.pids.append(process.pid)
                self._process = process if operation else None
            code = process.wait()
        with self._lock:
            self._process = None
        result = CommandResult(out.read_text(errors="replace"), err.read_text(errors="replace"), code)
        out.unlink()
        err.unlink()
        if code != 0:
            raise create_command_error(result)
        return result

    @property
    def interrupted(self) -> bool:
        return self._interrupted

    def interrupt(self) -> None:
        """What one Ctrl-C does: Pulumi finishes what is under way, records it and ends. Asked again, it does nothing."""
        with self._lock:
            if self._process is not None and not self._interrupted:
                self._process.send_signal(signal.SIGINT)
            self._interrupted = True

"""What goes where: results to standard output, everything on the way there to standard error."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.errors import OperationCancelled, StackLocked
from ils_pipelines.errors import IlsError
from ils_pipelines.targets.errors import TargetUnavailable

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""Columns where there is no terminal to ask, so that logs and files read like one."""


class ExitCode(IntEnum):
    """What `ils` ends with. 2 is what typer ends with when the command line is wrong."""

    SUCCESS = 0
    FAILED = 1
    USAGE = 2
    TARGET_UNAVAILABLE = 3
    BUSY = 4
    INTERRUPTED = 130


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code that tells a script what kind of error it was."""
    from ils_pipelines.provisioning.busy import EnvironmentBusy

    kinds: tuple[tuple[type[Exception], ExitCode], ...] = (
        (TargetUnavailable, ExitCode.TARGET_UNAVAILABLE),
        (StackLocked, ExitCode.BUSY),
        (EnvironmentBusy, ExitCode.BUSY),
        (OperationCancelled, ExitCode.INTERRUPTED),
    )
    return next((code for kind, code in kinds if isinstance(error, kind)), ExitCode.FAILED)


def console(*, stderr: bool = False) -> Console:
    """A rich console; 100 columns wide where the stream is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else WIDTH, highlight=False, soft_wrap=False)


def print_json(document: dict[str, Any]) -> None:
    """The one JSON object that a command with `--json` writes to standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    sys.stdout.flush()


def print_error(error: IlsError | str) -> None:
    """The message of an error, to standard error, as it is: no markup, no traceback."""
    sys.stderr.write(f"error: {error}\n")
    sys.stderr.flush()

"""Drills of dev that are killed when a step begins.

`python -m tests.operations.recovery.victim` has everything imported and every client of AWS made, though none was used. It
forks a process for each drill that a line on its input asks for (`SCENARIO STEP SET`), and answers with its id, and with
its exit code once it has ended. A process that began anew would take longer to get so far than most drills to their step.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.run import Asked, run_drill
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

STEPS = (
    "sweep what others left",
    "look at what is live",
    "look at the newest row",
    "choose a set",
    "try the keys",
    "lay the ground",
    "restore",
    "restore database",
    "restore sessions",
    "restore analytics",
    "restore cache",
    "restore objects",
    "verify",
    "verify database",
    "verify sessions",
    "verify analytics",
    "verify cache",
    "verify objects",
    "serve",
    "prove the dump",
    "clean up",
    "look at what is live again",
)
"""Of a full drill."""
STEPS_AWAY = tuple(step for step in STEPS if "objects" not in step)
"""Of the loss of a region, or of the backups in it."""
CLUSTER_STEPS = (
    "lay the ground",
    "make a control plane",
    "add nodes",
    "restore objects into it",
    "roll out the release",
    "verify the cluster",
    "serve",
    "clean up",
)
"""Of one that makes a cluster anew, beside those that every drill has."""


WARM = ("kubernetes.client", "psycopg", "pulumi", "valkey", "ils_sandbox.engine.embedded")
SERVICES = (
    "acm", "backup", "cloudwatch", "dynamodb", "ec2", "ecr", "eks", "elasticache", "elbv2", "iam", "kms", "logs", "rds", "s3",
    "secretsmanager", "sts",
)  # fmt: skip


class Victims:
    """The process that forks them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, scenario: str, step: str, backup: str) -> int:
        """Start a drill that is killed when `step` begins; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{scenario}\t{step}\t{backup}\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> int:
        """Wait for it; its exit code, or minus the signal that killed it."""
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@contextmanager
def victims(root: Path, variables: Mapping[str, str]) -> Iterator[Victims]:
    command = [sys.executable, "-m", "tests.operations.recovery.victim"]
    with subprocess.Popen(
        command, cwd=root, env=dict(variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Victims(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    environment = load_environment("dev")
    for module in WARM:
        import_module(module)
    target = open_target(environment, JobFamily.DRILL)
    for region in (environment.aws.region, environment.backup_vault.dr_region):
        for service in SERVICES:
            target.client(service, region=region)
    for line in sys.stdin:
        scenario, step, backup = line.rstrip("\n").split("\t")
        pid = os.fork()
        if pid == 0:
            _drill(target, scenario, step, backup)
        _say(pid)
        _say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _drill(target: Target, scenario: str, step: str, backup: str) -> NoReturn:
    def die(name: str, what: str) -> None:
        if (name, what) == (step, "started"):
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        run_drill(target, Asked(Scenario(scenario), Wanted(backup)), on_step=die)
    finally:
        os._exit(1)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""`python -m tests.operations.recovery.victim SCENARIO STEP SET`: a drill that is killed when STEP begins."""

from __future__ import annotations

import os
import signal
import sys

from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.run import Asked, run_drill
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

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


def main() -> None:
    scenario, step, backup = sys.argv[1:]

    def die(name: str, what: str) -> None:
        if (name, what) == (step, "started"):
            os.kill(os.getpid(), signal.SIGKILL)

    run_drill(
        open_target(load_environment("dev"), JobFamily.DRILL), Asked(Scenario(scenario), Wanted(backup)), on_step=die
    )


if __name__ == "__main__":
    main()

"""What becomes of a real Pulumi that takes longer than it may, or dies: that is said, and the next run goes on."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pulumi
import pytest

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.pulumi import PulumiEngine
from ils_pipelines.engine.pulumi.watch import TimedOut
from ils_pipelines.settings.engine import EngineSettings
from tests.contract.engine.conftest import Lab
from tests.contract.engine.lab import World
from tests.contract.engine.lab_server import LabFinder, LabServer
from tests.contract.engine.programs import PROGRAMS

pytestmark = pytest.mark.parametrize(
    "lab", [pytest.param("pulumi", marks=[pytest.mark.real_engine, pytest.mark.slow])], indirect=True
)

SIX_SECONDS = 0.1
"""In minutes, as the settings have it; an environment's file cannot ask for so little."""


def hurried(lab: Lab, **limits: float) -> PulumiEngine:
    """On the same state, with less time."""
    return PulumiEngine(
        EngineSettings(backend=f"file://{lab.directory}/state").model_copy(update=limits),
        config={"lab:zone": "a"},
        environment={
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests",
            "PULUMI_DEBUG_PROVIDERS": f"lab:{LabServer(World(lab.world.path)).port}",
        },
        home=Path(lab.directory, "home"),
        finder=LabFinder(lab.world),
    )


def test_an_up_that_takes_too_long_is_ended_says_so_and_leaves_no_lock(lab: Lab) -> None:
    stack = lab.stack(PROGRAMS["waiting"])

    with pytest.raises(TimedOut, match=r"given up after 0:00:06.*engine\.\*_timeout_minutes"):
        hurried(lab, change_timeout_minutes=SIX_SECONDS).up(stack)

    assert lab.engine.lock_holder(stack) is None
    lab.engine.destroy(stack)
    assert lab.world.names() == []


def test_a_preview_that_takes_too_long_is_ended_and_says_so(lab: Lab) -> None:
    with pytest.raises(TimedOut, match="given up after 0:00:00"):
        hurried(lab, read_timeout_minutes=0).preview(lab.stack(PROGRAMS["estate"]))

    assert len(lab.engine.preview(lab.stack(PROGRAMS["estate"])).changes) == 4


def test_a_pulumi_that_dies_while_the_program_runs_is_an_error_and_the_next_up_finishes(lab: Lab) -> None:
    """Nor does the SDK leave tasks behind, whose end is a warning that fails the test."""

    def program() -> None:
        for pid in children():
            if Path(f"/proc/{pid}/comm").read_text().strip() == "pulumi":
                os.kill(pid, signal.SIGKILL)
        PROGRAMS["estate"]()

    with pytest.raises(EngineError):
        lab.engine.up(lab.stack(program))
    gc.collect()

    lab.engine.unlock(lab.stack(PROGRAMS["estate"]))
    lab.restarted().up(lab.stack(PROGRAMS["estate"]))
    assert lab.world.names() == ["garden", "gate", "ground", "house"]


def test_outputs_that_are_not_as_planned_are_named_as_the_cause(lab: Lab) -> None:
    """Pulumi ends with an error and without a word."""

    def program() -> None:
        PROGRAMS["estate"]()
        if not pulumi.runtime.is_dry_run():
            pulumi.export("late", "nobody foresaw this")

    approved = lab.engine.preview(lab.stack(program))

    with pytest.raises(EngineError, match="outputs are not what the preview foresaw"):
        lab.engine.up(lab.stack(program), approved=approved)


def children() -> list[int]:
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

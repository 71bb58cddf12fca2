"""A drill may be killed at any step: the next sweep leaves nothing of it, and what is live never knew."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.drill.holder import holder_id, holding
from ils_pipelines.operations.drill.leftovers import left_by_drills
from ils_pipelines.operations.drill.live import fingerprint
from ils_pipelines.operations.restore.sweep import of_drills, sweep
from tests.operations.recovery.site import Site
from tests.operations.recovery.victim import STEPS

pytestmark = [pytest.mark.usefixtures("_here"), pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[3]
BEFORE_ANYTHING = 6
"""So many of the steps come before the first thing is made."""


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_left_of_a_drill_that_was_killed(site: Site, backup: Manifest, step: str) -> None:
    live, inventory = fingerprint(site.target), site.sandbox.inventory()
    command = [sys.executable, "-m", "tests.operations.recovery.victim", step, backup.set]
    died = subprocess.run(command, cwd=ROOT, env=site.sandbox.env, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    if BEFORE_ANYTHING <= STEPS.index(step) < STEPS.index("look at what is live again"):
        assert of_drills(site.target), "there is something to sweep"
    with holding("dev"):
        assert sweep(site.target, left_by_drills(site.target, orphans_of=holder_id())).failures == ()
    # A table that was being restored had no tags yet: it is swept by its age.
    young = of_drills(site.target)
    assert {made.kind for made in young} <= {"table"}
    assert sweep(site.target, young).failures == ()
    assert site.sandbox.inventory() == inventory
    assert fingerprint(site.target).digest == live.digest

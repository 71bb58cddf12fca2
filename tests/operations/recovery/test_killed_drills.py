"""A drill may be killed at any step: the next sweep leaves nothing of it, and what is live never knew."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.drill.holder import holder_id, holding
from ils_pipelines.operations.drill.leftovers import left_by_drills
from ils_pipelines.operations.drill.live import fingerprint
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.operations.restore.sweep import sweep
from tests.operations.recovery.site import Site, of_drills, until
from tests.operations.recovery.victim import CLUSTER_STEPS, STEPS, STEPS_AWAY, Victims, victims

pytestmark = [pytest.mark.usefixtures("_here"), pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[3]
BEFORE_ANYTHING = 6
"""So many of the steps come before the first thing is made."""
CASES = [
    *((Scenario.FULL, step, number >= BEFORE_ANYTHING) for number, step in enumerate(STEPS)),
    *(
        (scenario, step, True)
        for scenario in (Scenario.REGION_LOSS, Scenario.RANSOM)
        for step in STEPS_AWAY[BEFORE_ANYTHING:]
    ),
    *(
        (scenario, step, number > 0)
        for scenario in (Scenario.CLUSTER_REBUILD, Scenario.CLUSTER_REBUILD_AWAY)
        for number, step in enumerate(CLUSTER_STEPS)
    ),
]
"""A drill, the step at whose beginning it is killed, and whether it has made something by then."""


@pytest.fixture(scope="module")
def drills(site: Site) -> Iterator[Victims]:
    with victims(ROOT, site.sandbox.env) as started:
        yield started


@pytest.mark.parametrize(("scenario", "step", "made"), CASES)
def test_nothing_is_left_of_a_drill_that_was_killed(
    site: Site, backup: Manifest, drills: Victims, scenario: Scenario, step: str, made: bool
) -> None:
    live, inventory = fingerprint(site.target), site.sandbox.inventory()
    drills.begin(scenario.value, step, backup.set)
    assert drills.end() == -signal.SIGKILL
    if made and step != "look at what is live again":
        assert of_drills(site.drills), "there is something to sweep"
    with holding("dev"):
        assert sweep(site.drills, left_by_drills(site.drills, orphans_of=holder_id()).made).failures == ()
    # A table that was being restored had no tags yet: it is swept by its age.
    young = of_drills(site.drills)
    assert {each.kind for each in young} <= {"table"}
    assert sweep(site.drills, young).failures == ()
    assert site.sandbox.inventory() == inventory
    assert fingerprint(site.target).digest == live.digest


@pytest.mark.parametrize("kind", ["cluster", "node group"])
def test_a_cluster_that_was_only_being_made_is_taken_away(
    site: Site, backup: Manifest, drills: Victims, kind: str
) -> None:
    """Killed in the middle of a step: EKS deletes nothing that it is making."""
    call = {"cluster": "CreateCluster", "node group": "CreateNodegroup"}[kind]
    inventory = site.sandbox.inventory()
    site.sandbox.control("settings", {"seconds_per_minute": 0.5})
    site.sandbox.forget_requests()
    victim = drills.begin("cluster-rebuild", "nothing", backup.set)
    try:
        until(lambda: call in {each.get("operation") for each in site.sandbox.requests(mutating=True)}, call)
    finally:
        os.kill(victim, signal.SIGKILL)
        ended = drills.end()
    try:
        assert ended == -signal.SIGKILL
        with holding("dev"):
            assert sweep(site.drills, left_by_drills(site.drills, orphans_of=holder_id()).made).failures == ()
    finally:
        site.sandbox.control("settings", {"seconds_per_minute": 0})
    assert of_drills(site.drills) == ()
    assert site.sandbox.inventory() == inventory

"""As whom every engine acts: as its configuration says now, whatever the checkpoint was made as. No program is run for it."""

from __future__ import annotations

import pulumi

from tests.contract.engine.conftest import Lab
from tests.contract.engine.lab import Elsewhere, Thing
from tests.contract.engine.test_engine_interruptions import killed

DEPLOYER = {"region": "here", "profile": "deployer"}
READER = {"region": "here", "profile": "reader"}


def two_regions(profile: str = "deployer") -> None:
    there = Elsewhere("there", region="there", profile=profile)
    Thing("near", value="n")
    Thing("far", pulumi.ResourceOptions(provider=there), value="f")


def gone() -> None:
    raise LookupError("what the program looked up is gone")


def test_drift_is_looked_for_as_the_configuration_says_now_and_nothing_is_written(lab: Lab) -> None:
    lab.restarted(**DEPLOYER).up(lab.stack(two_regions))
    assert lab.world.actors("create") == {"deployer@here", "deployer@there"}
    before = lab.engine.export_state(lab.stack(gone))["deployment"]["resources"]

    drift = lab.restarted(**READER).refresh(lab.stack(gone))

    assert (drift.checked, drift.drifted) == (2, ())
    assert lab.world.actors("read") == {"reader@here", "reader@there"}
    assert lab.engine.export_state(lab.stack(gone))["deployment"]["resources"] == before


def test_what_drifted_is_found_as_somebody_else_too(lab: Lab) -> None:
    def program() -> None:
        Thing("thing", value="v", password=pulumi.Output.secret("open sesame"))

    lab.restarted(**DEPLOYER).up(lab.stack(program))
    lab.world.change("thing", value="changed")

    (found,) = lab.restarted(**READER).refresh(lab.stack(gone)).drifted

    assert [(diff.path, diff.old, diff.new) for diff in found.diffs] == [("value", "v", "changed")]


def test_drift_is_recorded_as_the_configuration_says_now(lab: Lab) -> None:
    lab.restarted(**DEPLOYER).up(lab.stack(two_regions))
    lab.world.change("far", value="changed")

    lab.restarted(**READER).refresh(lab.stack(gone), record=True)

    assert lab.world.actors("read") == {"reader@here", "reader@there"}
    assert lab.restarted(**DEPLOYER).up(lab.stack(two_regions)).plan.counts == {"same": 1, "update": 1}


def test_everything_is_deleted_as_the_configuration_says_now(lab: Lab) -> None:
    lab.restarted(**DEPLOYER).up(lab.stack(two_regions))

    lab.restarted(region="elsewhere", profile="another").destroy(lab.stack(gone))

    assert lab.world.names() == []
    assert lab.world.actors("delete") == {"another@here", "another@there"}, "where it is, as somebody else"


def test_an_up_deletes_what_is_no_longer_declared_as_the_configuration_says_now(lab: Lab) -> None:
    lab.restarted(**DEPLOYER).up(lab.stack(two_regions))

    lab.restarted(**READER).up(lab.stack(lambda: Thing("near", value="n")))

    assert lab.world.names() == ["near"]
    assert lab.world.actors("delete") == {"reader@there"}


def test_what_an_interrupted_run_left_is_looked_at_as_the_configuration_says_now(lab: Lab) -> None:
    lab.restarted(**DEPLOYER).up(lab.stack(two_regions))
    lab.world.order("delete", "far", "kill", moment="after")
    assert killed(lab, "up", "nothing")

    lab.restarted(**READER).up(lab.stack(lambda: two_regions("reader")))

    assert lab.world.names() == ["far", "near"]
    assert lab.world.actors("read") - {"reader@here"} == {"reader@there"}


def test_a_role_that_the_configuration_no_longer_names_is_not_taken_on(lab: Lab) -> None:
    lab.restarted(**DEPLOYER).up(lab.stack(two_regions))

    lab.restarted(region="here").refresh(lab.stack(gone))

    assert lab.world.actors("read") == {"@here", "@there"}

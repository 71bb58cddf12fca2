"""From the sandbox's engine to the real Pulumi and back, as a person does it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ils_pipelines.stacks.catalog import PROGRAMS
from tests.end_to_end.conftest import LocalSandbox
from tests.support.real_pulumi import needs_pulumi

pytestmark = [pytest.mark.real_engine, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    needs_pulumi()
    directory = tmp_path_factory.mktemp("graduating")
    sandbox = LocalSandbox(directory)
    sandbox.ils("sandbox", "start")
    yield sandbox
    sandbox.ils("sandbox", "stop")


def test_an_environment_graduates_changes_under_the_real_pulumi_and_comes_back(sandbox: LocalSandbox) -> None:
    sandbox.ils("up", "dev")

    moved = sandbox.ils_json("graduate", "dev")
    assert moved["real_engine"]
    assert [layer["layer"] for layer in moved["layers"]] == [str(layer) for layer in PROGRAMS]
    assert all(not set(layer["changes"]) - {"same"} for layer in moved["layers"])

    again = sandbox.ils_json("up", "dev")
    assert again["success"]
    assert not any(any(layer["changes"].values()) for layer in again["layers"])
    assert "applied by the real Pulumi already" in sandbox.ils("graduate", "dev", code=1).stderr

    back = sandbox.ils_json("graduate", "dev", "--back")
    assert not back["real_engine"]
    last = sandbox.ils_json("up", "dev")
    assert not any(any(layer["changes"].values()) for layer in last["layers"])
    sandbox.ils("down", "dev", "--confirm", "dev")

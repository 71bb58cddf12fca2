"""Promotion as a job of Dagster: the same as from a terminal, recorded with the asset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance

from ils_pipelines.defs.launch import Outcome, run_job
from ils_pipelines.operations.promotion import promotable
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from tests.operations.releases.conftest import Terminal
from tests.operations.releases.test_releases_from_a_terminal import IMAGE, released

pytestmark = pytest.mark.slow

Promote = Callable[[str, str], Outcome]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


@pytest.fixture
def promote(terminal: Terminal, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Promote:
    monkeypatch.setenv("ILS_STATE_DIR", str(terminal.sandbox.directory))
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(terminal.files))

    def run(source: str, into: str) -> Outcome:
        config = {"ops": {"promote": {"config": {"source": source}}}}
        return run_job(instance, "promote_release", into, listener=lambda _: None, run_config=config)

    return run


def test_what_runs_in_one_environment_is_released_into_another(
    terminal: Terminal, promote: Promote, instance: DagsterInstance
) -> None:
    terminal.edit("dev", IMAGE, "image: ils/app:1.4.0")
    released(terminal, "dev")
    release = promotable(terminal.target("dev"))

    assert promote("dev", "staging").success

    newest = json.loads(terminal.ils("releases", "staging", "--json").stdout)["releases"][0]
    assert (newest["image"], newest["promoted_from"]) == (release.image, release.origin)
    event = instance.get_latest_materialization_event(AssetKey(str(Layer.APP_RELEASE)))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["promoted_from"].value == release.origin


def test_into_what_asks_for_approval_it_writes_the_file_and_releases_nothing(
    terminal: Terminal, promote: Promote
) -> None:
    terminal.edit("staging", "requires_approval: false", "requires_approval: true")
    terminal.edit("dev", IMAGE, "image: ils/app:1.5.0")
    released(terminal, "dev")

    assert promote("dev", "staging").success

    assert "image: ils/app:1.5.0@sha256:" in (terminal.files / "staging.yaml").read_text()
    outputs = layer_work(terminal.target("staging"), Layer.APP_RELEASE).outputs() or {}
    assert "1.5.0" not in str(outputs["image"].value)


def test_into_itself_nothing_is_promoted(terminal: Terminal, promote: Promote) -> None:
    before = (terminal.files / "dev.yaml").read_text()

    assert not promote("dev", "dev").success

    assert (terminal.files / "dev.yaml").read_text() == before

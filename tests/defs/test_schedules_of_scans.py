"""When scans run: at the usual times, each environment at its own, or as its file says."""

from pathlib import Path

import pytest

from ils_pipelines.defs.drift import DRIFT
from ils_pipelines.defs.health import HEALTH
from ils_pipelines.defs.scans import scan_definitions
from ils_pipelines.settings.folders import DIRECTORY_VARIABLE


def test_a_file_moves_the_schedule_that_it_names_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dev.yaml").write_text('name: dev\nschedules:\n  drift: "5 4 * * 1-5"\n')
    (tmp_path / "staging.yaml").write_text("name: staging\n")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))

    drift = {each.name: each.cron_schedule for each in scan_definitions(DRIFT).schedules}
    health = {each.name: each.cron_schedule for each in scan_definitions(HEALTH).schedules}

    assert drift == {
        "drift_scan_dev": "5 4 * * 1-5",
        "drift_scan_staging": "10 6 * * *",
        "drift_scan_ephemeral": "20 6 * * *",
    }
    assert health["health_scan_dev"] == "0 * * * *"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dev copy", "name: dev"),
        ("dev.old", "name: dev.old"),
        ("a|b", "{"),
        ("ephemeral", "name: ephemeral"),
        ("right", "name: right\ntier: no such"),
    ],
)
def test_a_file_that_is_wrong_has_no_schedule_and_takes_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """A schedule of a name that Dagster does not take would keep the whole code location from loading."""
    (tmp_path / "dev.yaml").write_text("name: dev")
    (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "zeta.yaml").write_text("name: zeta")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))

    drift = [(each.name, each.cron_schedule) for each in scan_definitions(DRIFT).schedules]

    assert drift == [
        ("drift_scan_dev", "0 6 * * *"),
        ("drift_scan_zeta", "20 6 * * *"),
        ("drift_scan_ephemeral", "30 6 * * *"),
    ]

"""Where environment files are looked for, and what there is by which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ils_pipelines.settings.loading import (
    EnvironmentsDirectoryMissing,
    UnknownEnvironment,
    environment_names,
    environments_directory,
    load_environment,
    validate_all,
)


def add(directory: Path, *names: str) -> None:
    for name in names:
        (directory / f"{name}.yaml").write_text(f"name: {name}\n")


def test_the_three_tiers_come_first_and_the_others_by_name(directory: Path) -> None:
    add(directory, "zeta", "production", "alpha", "dev", "staging")
    assert environment_names() == ("dev", "staging", "production", "alpha", "zeta")


def test_names_are_known_without_reading_the_files(directory: Path) -> None:
    (directory / "dev.yaml").write_text("{ not yaml")
    assert environment_names() == ("dev",)


def test_hidden_and_other_files_are_no_environments(directory: Path) -> None:
    add(directory, "dev", ".hidden", "_draft")
    (directory / "README.md").write_text("text")
    assert environment_names() == ("dev",)


def test_adding_a_file_adds_an_environment(directory: Path) -> None:
    add(directory, "dev")
    add(directory, "feature-x")
    assert load_environment("feature-x").app.namespace == "ils-feature-x"


def test_an_unknown_environment_gets_the_list_and_a_guess(directory: Path) -> None:
    add(directory, "dev", "production")
    with pytest.raises(UnknownEnvironment) as caught:
        load_environment("prodution")
    assert "dev, production" in str(caught.value)
    assert "Did you mean 'production'?" in str(caught.value)


@pytest.mark.parametrize("name", ["../dev", "/etc/passwd", "", "dev.yaml"])
def test_a_name_never_reaches_outside_the_directory(directory: Path, name: str) -> None:
    add(directory, "dev")
    with pytest.raises(UnknownEnvironment):
        load_environment(name)


def test_a_directory_that_is_named_but_missing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(EnvironmentsDirectoryMissing, match="nowhere"):
        environment_names()


def test_the_nearest_directory_above_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ILS_ENVIRONMENTS_DIR", raising=False)
    (tmp_path / "environments").mkdir()
    add(tmp_path / "environments", "dev")
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert environments_directory() == tmp_path / "environments"


def test_a_directory_of_that_name_without_files_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ILS_ENVIRONMENTS_DIR", raising=False)
    (tmp_path / "environments").mkdir()
    add(tmp_path / "environments", "dev")
    (tmp_path / "a" / "environments").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    assert environments_directory() == tmp_path / "environments"


def test_outside_of_any_project_the_shipped_files_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ILS_ENVIRONMENTS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert environments_directory() == Path(__file__).resolve().parents[2] / "environments"


def test_validating_reports_every_file_good_or_bad(directory: Path) -> None:
    add(directory, "dev")
    (directory / "staging.yaml").write_text("name: staging\ntier: none\n")
    reports = {report.name: report for report in validate_all()}
    assert reports["dev"].environment is not None
    assert [problem.path for problem in reports["staging"].problems] == ["tier"]


def test_a_yml_file_is_reported_because_it_would_be_overlooked(directory: Path) -> None:
    (directory / "dev.yml").write_text("name: dev\n")
    (report,) = validate_all()
    assert "Rename it to .yaml." in report.problems[0].remedy

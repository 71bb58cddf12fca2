"""A bad file gets every error at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ils_pipelines.settings.loading import EnvironmentFileError, FileReport, load_environment

Read = Callable[..., FileReport]

MANY = """\
name: dev
naem: oops
tier: prodction
network:
  cidr: 10.0.0.0/33
  public_subnets: [10.0.1.0/24, 10.0.1.128/25]
  private_subnets: [10.0.11.0/24, 10.0.12.7/24]
cluster:
  version: 1.30
  node_groups:
    - max_sise: 3
    - name: b
      min_size: 7
database:
  engine_version: "15.2"
  instances: "2"
cache:
  nodes: 0
"""


def test_fields_keys_and_rules_over_several_fields_are_all_reported(read: Read) -> None:
    assert sorted((problem.path, problem.line) for problem in read(MANY).problems) == [
        ("cache.nodes", 18),
        ("cluster.node_groups[0].max_sise", 11),
        ("cluster.node_groups[0].name", 11),
        ("cluster.node_groups[1].desired_size", 12),
        ("cluster.version", 9),
        ("database.engine_version", 15),
        ("database.instances", 16),
        ("naem", 2),
        ("network.cidr", 5),
        ("network.private_subnets[1]", 7),
        ("network.public_subnets[1]", 6),
        ("tier", 3),
    ]


def test_a_misspelt_key_gets_the_key_that_was_meant(read: Read) -> None:
    (problem,) = read({"database": {"instanses": 2}}).problems
    assert problem.remedy == "Did you mean 'instances'?"


def test_a_key_like_no_other_gets_the_list_of_known_ones(read: Read) -> None:
    (problem,) = read({"encryption": {"zzz": 2}}).problems
    assert "deletion_window_days, rotation_period_days" in problem.remedy


def test_a_misspelt_key_does_not_let_its_default_break_a_rule(read: Read) -> None:
    # With max_size left at its default of 5, desired_size would seem too large.
    group = {"name": "a", "desired_size": 8, "max_sise": 10}
    problems = read({"cluster": {"node_groups": [group]}}).problems
    assert [problem.path for problem in problems] == ["cluster.node_groups[0].max_sise"]


def test_a_bad_field_does_not_let_its_default_break_a_rule(read: Read) -> None:
    sections = {
        "tier": "staging",
        "network": {"cidr": "192.168.0/16", "public_subnets": ["192.168.1.0/24", "192.168.2.0/24"]},
    }
    assert [problem.path for problem in read(sections).problems] == ["network.cidr"]


def test_an_empty_section_is_told_what_belongs_there(read: Read) -> None:
    (problem,) = read("name: dev\ndatabase:\n").problems
    assert (problem.path, problem.line) == ("database", 2)
    assert "mapping" in problem.remedy


@pytest.mark.parametrize("value", ["[]", "text", "7", "null", "[{name: [1]}]", "{a: {b: 1}}"])
@pytest.mark.parametrize(
    "section",
    ["name", "tier", "waivers", "aws", "network", "encryption", "cluster", "database", "cache", "app"],
)
def test_whatever_stands_in_a_section_is_reported_not_raised(read: Read, section: str, value: str) -> None:
    report = read(f"name: dev\n{section}: {value}\n" if section != "name" else f"name: {value}\n")
    assert report.environment is None or report.problems == ()


def test_loading_raises_all_problems_in_one_error(directory: Path) -> None:
    (directory / "dev.yaml").write_text(MANY)
    with pytest.raises(EnvironmentFileError) as caught:
        load_environment("dev")
    assert len(caught.value.problems) == 12
    for problem in caught.value.problems:
        assert f"{problem.path} (line {problem.line})" in str(caught.value)
        assert problem.remedy in str(caught.value)


def test_a_file_whose_name_is_not_its_environment_is_refused(directory: Path) -> None:
    (directory / "dev.yaml").write_text("name: staging\n")
    with pytest.raises(EnvironmentFileError, match="is not the name of the file"):
        load_environment("dev")


def test_a_file_without_a_name_is_told_to_add_one(directory: Path) -> None:
    (directory / "dev.yaml").write_text("tier: staging\n")
    with pytest.raises(EnvironmentFileError, match="name: is missing"):
        load_environment("dev")

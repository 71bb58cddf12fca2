"""Files that are not even YAML, or not the YAML one would think."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ils_pipelines.settings.loading import FileReport, read_environment

Read = Callable[..., FileReport]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_called_empty(read: Read, text: str) -> None:
    (problem,) = read(text).problems
    assert problem.message == "is empty"


def test_a_syntax_error_is_reported_with_line_and_column(read: Read) -> None:
    (problem,) = read("name: dev\nnetwork: [10.0.0.0/16\ncluster: {}\n").problems
    assert (problem.line, "line 3, column 8" in problem.message) == (3, True)


def test_a_tab_is_reported_as_what_it_is(read: Read) -> None:
    (problem,) = read("name: dev\naws:\n\tregion: us-east-1\n").problems
    assert problem.line == 3
    assert "\\t" in problem.message


def test_two_documents_in_one_file_are_refused(read: Read) -> None:
    (problem,) = read("name: dev\n---\nname: staging\n").problems
    assert problem.line == 2


@pytest.mark.parametrize("text", ["- a\n- b\n", "dev\n", "42\n"])
def test_a_file_that_is_no_mapping_is_refused(read: Read, text: str) -> None:
    (problem,) = read(text).problems
    assert problem.message == "must be a mapping of keys to values"


def test_a_key_given_twice_is_refused_with_both_lines(read: Read) -> None:
    (problem,) = read("name: dev\ndatabase:\n  instances: 1\n  instances: 3\n").problems
    assert (problem.path, problem.value, problem.line) == ("database.instances", "3", 4)
    assert "line 3" in problem.message


def test_a_key_given_twice_in_a_list_is_found(read: Read) -> None:
    problems = read("name: dev\ncluster:\n  node_groups:\n    - {name: a, name: b}\n").problems
    assert [problem.path for problem in problems] == ["cluster.node_groups[0].name"]


def test_an_unknown_tag_is_refused(read: Read) -> None:
    (problem,) = read("name: !!python/object:os.system dev\n").problems
    assert problem.line == 1


@pytest.mark.parametrize("text", ["? [a, b]\n: 1\n", "{[1, 2]: 3}\n", "? {a: 1}\n: 2\n"])
def test_a_key_that_is_no_text_is_refused(read: Read, text: str) -> None:
    assert read(f"name: dev\n{text}" if not text.startswith("{") else text).problems != ()


@pytest.mark.parametrize("key", ["~", "2026-11-26", "on", "1", "1.5"])
@pytest.mark.parametrize("place", ["{}: x", "network: {{{}: x}}"])
def test_a_key_that_yaml_takes_for_something_else_is_one_problem(read: Read, key: str, place: str) -> None:
    assert len(read(f"name: dev\n{place.format(key)}\n").problems) == 1


def test_what_is_said_of_a_key_stays_in_its_line_and_commands_no_terminal(read: Read) -> None:
    (problem,) = read('name: dev\n"\\e[31mred\\n": x\n').problems

    assert str(problem).startswith("\\x1b[31mred\\n (line 2): is not a key")
    assert str(problem).isprintable()


def test_a_date_that_does_not_exist_is_refused(read: Read) -> None:
    (problem,) = read("name: dev\nwaivers: [{expires: 2026-13-45}]\n").problems
    assert "quotes" in problem.remedy


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_bytes(b"name: d\xe9v\n")
    (problem,) = read_environment(file).problems
    assert "UTF-8" in problem.message


def test_a_control_character_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_bytes(b"name: dev\x00\n")
    (problem,) = read_environment(file).problems
    assert "YAML" in problem.message


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").mkdir()
    (problem,) = read_environment(tmp_path / "dev.yaml").problems
    assert "cannot be read" in problem.message


def test_an_alias_to_itself_is_reported_not_followed_for_ever(read: Read) -> None:
    assert read("name: dev\naws: &a\n  tags: *a\n").problems != ()


def test_a_block_is_used_again_with_something_else_in_it(read: Read) -> None:
    report = read(
        "name: dev\ncluster:\n  node_groups:\n    - &general {name: general, min_size: 2, desired_size: 2, max_size: 5}\n"
        "    - <<: *general\n      name: second\n      max_size: 9\n"
    )

    assert report.problems == ()
    assert report.environment is not None
    groups = report.environment.cluster.node_groups
    assert [(each.name, each.min_size, each.max_size) for each in groups] == [("general", 2, 5), ("second", 2, 9)]


def test_what_is_given_twice_beside_a_block_or_in_it_is_refused(read: Read) -> None:
    text = "name: dev\ndatabase:\n  <<: {instances: 1, instances: 2}\n  instances: 3\n  instances: 4\n"
    problems = read(text).problems

    assert [(each.path, each.line) for each in problems] == [
        ("database.<<.instances", 3),
        ("database.instances", 5),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("network: " + "{a: " * 900 + "1" + "}" * 900, "is nested deeper than 50 levels"),
        ("network: " + "[" * 3000 + "]" * 3000, "is nested deeper than 50 levels"),
        ("network: " + "[" * 100_000, "is nested deeper than 50 levels"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} {{b: *a{i - 1}}}\n" for i in range(1, 60)), "is nested deeper"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 20)), "stands for more"),
        ("layers: &a [*a]", "contains itself"),
        ("costs: {budget_monthly: 0x" + "f" * 5000 + "}", "more than 100 digits"),
        ("costs: {budget_monthly: " + "9" * 5000 + "}", "more than 100 digits"),
    ],
)
def test_what_is_no_settings_by_its_form_is_refused_in_a_sentence(read: Read, text: str, said: str) -> None:
    """Rather than wherever the parser, the rules or the message end at it."""
    (problem,) = read(f"name: dev\n{text}\n").problems

    assert said in str(problem)
    assert problem.line is not None

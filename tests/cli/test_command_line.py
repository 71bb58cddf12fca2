"""What `ils` says and ends with when there is nothing to do yet: bad input, a sandbox that is down, help."""

import subprocess
import sys

import pytest


def test_valid_files_are_said_to_be_valid(terminal) -> None:
    result = terminal.ils("validate")

    assert result.code == 0
    assert [line for line in result.stdout.splitlines() if line.endswith(": valid")] == [
        f"{terminal.environments / name}.yaml: valid" for name in ("dev", "staging", "production")
    ]


def test_every_problem_of_every_file_is_reported_and_the_exit_code_is_1(terminal) -> None:
    dev, staging = terminal.environments / "dev.yaml", terminal.environments / "staging.yaml"
    dev.write_text(dev.read_text() + "\nnonsense: true\n")
    staging.write_text("name: staging\nnetwork: {cidr: not-a-network}\ntarget: moon\n")

    result = terminal.ils("validate")

    assert result.code == 1
    assert f"{dev}: 1 problem" in result.stderr
    assert f"{staging}: 2 problems" in result.stderr
    for path in ("nonsense", "network.cidr", "target"):
        assert f"  {path}" in result.stderr


def test_problems_as_json_have_path_value_and_remedy(terminal) -> None:
    dev = terminal.environments / "dev.yaml"
    dev.write_text(dev.read_text() + "\nnonsense: true\n")

    result = terminal.ils("validate", "dev", "--json")

    assert result.code == 1
    [environment] = result.json["environments"]
    assert (environment["environment"], environment["valid"]) == ("dev", False)
    [problem] = environment["problems"]
    assert problem["path"] == "nonsense"
    assert problem["value"] is True
    assert problem["remedy"]


def test_a_value_that_json_does_not_have_is_text_in_it(terminal) -> None:
    dev = terminal.environments / "dev.yaml"
    dev.write_text(dev.read_text() + "\nnonsense: {2026-11-26: .nan}\n")

    result = terminal.ils("validate", "dev", "--json")

    [environment] = result.json["environments"]
    assert environment["problems"][0]["value"] == "{datetime.date(2026, 11, 26): nan}"


@pytest.mark.parametrize("command", ["validate", "plan", "up", "status"])
def test_an_unknown_environment_is_one_clear_message_and_exit_code_1(terminal, command) -> None:
    result = terminal.ils(command, "stagin")

    assert result.code == 1
    assert "there is no environment 'stagin'" in result.stderr
    assert "Did you mean 'staging'?" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["validate", "kubeconfig"])
def test_an_unknown_environment_is_one_json_object_where_that_is_asked_for(terminal, command) -> None:
    result = terminal.ils(command, "nowhere", "--json")

    assert result.code == 1
    assert result.json["success"] is False
    assert "there is no environment 'nowhere'" in result.json["error"]


def test_a_wrong_file_stops_everything_before_it_starts(terminal) -> None:
    (terminal.environments / "dev.yaml").write_text("name: dev\ntarget: moon\n")

    result = terminal.ils("up", "dev")

    assert result.code == 1
    assert "target" in result.stderr
    assert not (terminal.state / "dagster").exists()


@pytest.mark.parametrize("command", [("plan", "dev"), ("up", "dev"), ("down", "dev", "--confirm", "dev"), ("status",)])
def test_a_sandbox_that_is_down_is_exit_code_3_with_the_remedy(terminal, command) -> None:
    result = terminal.ils(*command)

    assert result.code == 3
    assert "ils sandbox start" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_is_refused_is_one_json_object_too(terminal) -> None:
    result = terminal.ils("up", "dev", "--json")

    assert result.code == 3
    assert result.json["success"] is False
    assert result.json["run_id"] is None
    assert result.json["layers"] == []
    assert "ils sandbox start" in result.json["error"]


def test_an_approval_without_a_name_or_a_reason_is_a_wrong_command_line(terminal) -> None:
    assert terminal.ils("approve", "staging", "--plan", "0" * 64, "--reason", "CHG-1").code == 2
    assert terminal.ils("approve", "staging", "--plan", "0" * 64, "--by", "alice").code == 2
    assert not terminal.state.exists()


def test_where_nothing_was_approved_the_approvals_say_so(terminal) -> None:
    result = terminal.ils("approvals", "staging")

    assert (result.code, result.stdout) == (0, "no plan of staging was ever approved\n")


def test_a_log_of_approvals_that_cannot_be_read_is_named(terminal) -> None:
    terminal.state.mkdir()
    (terminal.state / "approvals.jsonl").write_text("nonsense\n")

    result = terminal.ils("approvals", "staging")

    assert result.code == 1
    assert f"line 1 of {terminal.state / 'approvals.jsonl'}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_command_line_is_exit_code_2(terminal) -> None:
    assert terminal.ils("up").code == 2
    assert terminal.ils("fly", "dev").code == 2


def test_help_names_every_command_and_exit_code(terminal) -> None:
    result = terminal.ils("--help")

    assert result.code == 0
    for word in ("validate", "plan", "approve", "up", "status", "down", "ui", "sandbox", "Exit codes", "130"):
        assert word in result.stdout


def test_the_sandboxs_own_help_comes_from_the_sandbox(terminal) -> None:
    result = terminal.ils("sandbox", "--help")

    assert result.code == 0
    assert "ils sandbox" in result.stdout
    assert "start" in result.stdout


def test_validate_does_not_load_what_only_applying_needs() -> None:
    """Half a second that people would wait for an answer which needs none of it."""
    script = (
        "import sys; sys.argv = ['ils', 'validate']\n"
        "from ils_pipelines.cli import app\n"
        "app(standalone_mode=False)\n"
        "heavy = {'dagster', 'pulumi', 'pulumi_aws', 'boto3', 'kubernetes', 'moto'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {sorted(heavy)}' if heavy else 0)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr

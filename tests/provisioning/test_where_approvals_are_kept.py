"""Which log an environment's approvals are kept in."""

from __future__ import annotations

from pathlib import Path

import pytest

from ils_pipelines.provisioning.approval_bucket import S3ApprovalLog
from ils_pipelines.provisioning.approval_log import FileApprovalLog
from ils_pipelines.provisioning.approval_place import approvals_of
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

AWS = "target: aws\nengine:\n  backend: {backend}\n"


def kept(environments: Path, addition: str) -> FileApprovalLog | S3ApprovalLog:
    file = environments / "staging.yaml"
    text = file.read_text()
    if "target: aws" in addition:
        text = text.replace("target: sandbox", "", 1).replace(
            "\nload_balancer:\n", "\nload_balancer:\n  zone: example.com\n", 1
        )
        text = text.replace("\naws:\n", '\naws:\n  account_id: "123456789012"\n', 1)
    file.write_text(f"{text}\n{addition}")
    log = approvals_of(open_target(load_environment("staging")))
    assert isinstance(log, FileApprovalLog | S3ApprovalLog)
    return log


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))


def test_in_the_state_folder_of_this_machine_by_default(environments: Path, tmp_path: Path) -> None:
    log = kept(environments, "")

    assert isinstance(log, FileApprovalLog)
    assert log.path == tmp_path / "state" / "approvals.jsonl"


def test_in_aws_beside_pulumis_state(environments: Path) -> None:
    log = kept(environments, AWS.format(backend='"s3://ils-state/of/us?region=us-east-1&awssdk=v2"'))

    assert isinstance(log, S3ApprovalLog)
    assert log.place == "s3://ils-state/of/us/ils-approvals"


def test_in_aws_with_state_on_this_machine_there_too(environments: Path) -> None:
    assert isinstance(kept(environments, AWS.format(backend='"file:///var/lib/ils"')), FileApprovalLog)


def test_where_the_file_says_before_anything_else(environments: Path) -> None:
    said = AWS.format(backend='"s3://ils-state"') + 'approvals: "s3://ils-evidence/approvals/"\n'

    log = kept(environments, said)

    assert isinstance(log, S3ApprovalLog)
    assert log.place == "s3://ils-evidence/approvals"

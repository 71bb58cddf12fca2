"""The file in which approvals are kept: nothing is lost, nothing counts twice, nothing is read that is not there."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ils_pipelines.engine.models import Change, Operation, Plan
from ils_pipelines.provisioning.approval_log import (
    Approval,
    ApprovalLogCorrupt,
    ApprovalTaken,
    FileApprovalLog,
    Use,
)
from ils_pipelines.provisioning.code_version import CodeVersion

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CODE = CodeVersion(package="1.0.0", commit="c" * 40, sources="a" * 64, environment_file="b" * 64)
PLAN = Plan(
    project="ils-vpc",
    stack="production",
    changes=(Change(urn="urn:vpc", type="aws:ec2/vpc:Vpc", name="vpc", operation=Operation.CREATE),),
    unchanged=0,
)


def approval(number: str = "1", environment: str = "production") -> Approval:
    return Approval(
        id=number,
        environment=environment,
        digest=number * 64,
        code=CODE,
        by="alice",
        reason="CHG-1",
        at=NOW,
        expires=NOW + timedelta(hours=24),
        plans=(PLAN,),
    )


def use(number: str = "1", run: str = "run") -> Use:
    return Use(approval=number, environment="production", run=run, at=NOW)


@pytest.fixture
def log(tmp_path: Path) -> FileApprovalLog:
    return FileApprovalLog(tmp_path / "state")


def test_an_approval_is_read_back_as_it_was_recorded(log: FileApprovalLog) -> None:
    log.record(approval())

    [found] = FileApprovalLog(log.path.parent).of("production")

    assert (found.approval, found.use) == (approval(), None)


def test_the_newest_approval_of_the_environment_comes_first(log: FileApprovalLog) -> None:
    for each in (approval("1"), approval("2", "staging"), approval("3")):
        log.record(each)

    assert [found.approval.id for found in log.of("production")] == ["3", "1"]


def test_nothing_recorded_is_nothing_approved(log: FileApprovalLog) -> None:
    assert log.of("production") == []


def test_an_approval_is_used_once_and_the_second_run_is_told_by_whom(log: FileApprovalLog) -> None:
    log.record(approval())
    log.use(use(run="first"))

    with pytest.raises(ApprovalTaken, match="was used by run first at 2026-11-23 12:00:00 UTC"):
        log.use(use(run="second"))

    [found] = log.of("production")
    assert found.use == use(run="first")


def test_what_was_never_approved_cannot_be_used(log: FileApprovalLog) -> None:
    log.record(approval("1", "staging"))

    with pytest.raises(ApprovalTaken, match="expected approval 1 of production"):
        log.use(use())

    assert log.of("production") == []


def test_of_many_that_ask_at_once_exactly_one_gets_it(log: FileApprovalLog) -> None:
    log.record(approval())

    def ask(number: int) -> bool:
        try:
            FileApprovalLog(log.path.parent).use(use(run=f"run-{number}"))
        except ApprovalTaken:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(64))) == 1
    assert len(log.path.read_text().splitlines()) == 2


_RECORD = """
import sys
from pathlib import Path
from ils_pipelines.provisioning.approval_log import Approval, FileApprovalLog
log = FileApprovalLog(Path(sys.argv[1]))
template = Approval.model_validate_json(sys.argv[2])
for number in range(20):
    log.record(template.model_copy(update={"id": f"{sys.argv[3]}-{number}"}))
"""


def test_processes_that_record_at_once_lose_nothing(log: FileApprovalLog) -> None:
    text = approval().model_dump_json()
    writers = [
        subprocess.Popen([sys.executable, "-c", _RECORD, str(log.path.parent), text, str(number)])
        for number in range(3)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]

    assert len({found.approval.id for found in log.of("production")}) == 60


def test_what_a_killed_writer_left_unfinished_counts_for_nothing_and_is_in_nobodys_way(log: FileApprovalLog) -> None:
    log.record(approval("1"))
    whole = log.path.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        log.path.write_bytes(whole + whole[:cut])
        assert [found.approval.id for found in log.of("production")] == ["1"]

    log.record(approval("2"))

    assert [found.approval.id for found in log.of("production")] == ["2", "1"]


@pytest.mark.parametrize(
    "line", ["{}", "nonsense", '{"kind": "approved"}', '{"kind": "other"}', ""], ids=lambda line: line or "empty"
)
def test_a_log_with_a_wrong_line_approves_nothing_names_it_and_stays_as_it_is(log: FileApprovalLog, line: str) -> None:
    log.record(approval())
    log.path.write_text(log.path.read_text() + line + "\n")
    before = log.path.read_bytes()

    for touch in (lambda: log.of("production"), lambda: log.use(use()), lambda: log.record(approval("2"))):
        with pytest.raises(ApprovalLogCorrupt, match=rf"line 2 of {log.path}"):
            touch()

    assert log.path.read_bytes() == before


def test_only_its_owner_may_read_the_log(log: FileApprovalLog) -> None:
    log.record(approval())

    assert log.path.stat().st_mode & 0o077 == 0


def test_the_code_is_another_when_the_file_or_the_sources_are_and_not_for_another_commit() -> None:
    assert CODE.differences(CODE.model_copy(update={"commit": None, "package": "1.0.1"})) == ()
    [file] = CODE.differences(CODE.model_copy(update={"environment_file": "f" * 64}))
    [sources] = CODE.differences(CODE.model_copy(update={"sources": "f" * 64}))
    assert "environment's file changed" in file
    assert "code changed" in sources

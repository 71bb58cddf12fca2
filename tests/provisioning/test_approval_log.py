"""The file in which approvals are kept, beside what every log keeps: killed writers, wrong lines, several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ils_pipelines.provisioning.approval_log import ApprovalLogCorrupt, FileApprovalLog
from tests.support.approvals import CODE, approval, use


@pytest.fixture
def log(tmp_path: Path) -> FileApprovalLog:
    return FileApprovalLog(tmp_path / "state")


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


def test_an_approval_from_before_identities_were_kept_is_read(log: FileApprovalLog) -> None:
    log.record(approval())
    log.path.write_text(log.path.read_text().replace('"identity":null,', ""))

    assert [found.approval.identity for found in log.of("production")] == [None]


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

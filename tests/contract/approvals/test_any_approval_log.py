"""What every log of approvals keeps: nothing is lost, nothing counts twice, nothing is read that is not there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from ils_pipelines.provisioning.approval_bucket import ApprovalLogUnreachable, S3ApprovalLog
from ils_pipelines.provisioning.approval_log import ApprovalLog, ApprovalLogCorrupt, ApprovalTaken
from tests.contract.approvals.conftest import Open
from tests.support.approvals import NOW, approval, completion, use


def test_an_approval_is_read_back_as_it_was_recorded(log: ApprovalLog, open_log: Open) -> None:
    log.record(approval())

    [found] = open_log().of("production")

    assert (found.approval, found.use, found.completion) == (approval(), None, None)


def test_the_newest_approval_of_the_environment_comes_first(log: ApprovalLog) -> None:
    for each in (approval("1"), approval("2", "staging"), approval("3", at=NOW + timedelta(seconds=1))):
        log.record(each)

    assert [found.approval.id for found in log.of("production")] == ["3", "1"]


def test_an_environment_whose_name_begins_with_anothers_is_another(log: ApprovalLog) -> None:
    log.record(approval("1", "production-2"))

    assert log.of("production") == []


def test_nothing_recorded_is_nothing_approved(log: ApprovalLog) -> None:
    assert log.of("production") == []


def test_an_approval_is_used_once_and_the_second_run_is_told_by_whom(log: ApprovalLog) -> None:
    log.record(approval())
    log.use(use(run="first"))

    with pytest.raises(ApprovalTaken, match="was used by run first at 2026-11-23 12:00:00 UTC"):
        log.use(use(run="second"))

    [found] = log.of("production")
    assert found.use == use(run="first")


def test_two_steps_of_one_run_may_both_say_that_it_is_used(log: ApprovalLog) -> None:
    log.record(approval())
    for _step in range(2):
        log.use(use(run="first"))

    [found] = log.of("production")
    assert found.use == use(run="first")


def test_what_was_carried_out_to_the_end_is_told(log: ApprovalLog, open_log: Open) -> None:
    for number in ("1", "2"):
        log.record(approval(number))
        log.use(use(number))
    for _of_two_runs_that_finished in range(2):
        log.complete(completion("2"))

    assert {found.approval.id: found.completion for found in open_log().of("production")} == {
        "1": None,
        "2": completion("2"),
    }


def test_what_was_never_approved_cannot_be_used(log: ApprovalLog) -> None:
    log.record(approval("1", "staging"))

    with pytest.raises(ApprovalTaken, match="expected approval 1 of production"):
        log.use(use())

    assert log.of("production") == []


def test_of_many_that_ask_at_once_exactly_one_gets_it(log: ApprovalLog, open_log: Open) -> None:
    log.record(approval())

    def ask(number: int) -> bool:
        try:
            open_log().use(use(run=f"run-{number}"))
        except ApprovalTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(32))) == 1
    [found] = log.of("production")
    assert found.use is not None


def test_what_many_record_at_once_is_all_kept(log: ApprovalLog, open_log: Open) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: open_log().record(approval(str(number))), range(10, 40)))

    assert len({found.approval.id for found in log.of("production")}) == 30


def test_an_object_that_is_no_approval_approves_nothing_and_is_named(s3: Any, bucket: str) -> None:
    log = S3ApprovalLog(s3, bucket, "log")
    log.record(approval())
    s3.put_object(Bucket=bucket, Key="log/production/zz.json", Body=b"{}")

    for touch in (lambda: log.of("production"), lambda: log.use(use())):
        with pytest.raises(ApprovalLogCorrupt, match=f"s3://{bucket}/log/production/zz.json"):
            touch()

    assert s3.get_object(Bucket=bucket, Key="log/production/zz.json")["Body"].read() == b"{}"


def test_what_is_recorded_in_a_bucket_is_never_written_over(s3: Any, bucket: str) -> None:
    log = S3ApprovalLog(s3, bucket)
    log.record(approval())
    before = {each["Key"]: each["ETag"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}

    with pytest.raises(ApprovalTaken, match="expected no approval 1 yet"):
        log.record(approval().model_copy(update={"by": "mallory"}))

    assert {each["Key"]: each["ETag"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]} == before


def test_a_use_whose_answer_was_lost_on_the_way_counts_for_the_run_that_made_it(s3: Any, bucket: str) -> None:
    """As when the client sends the same request once more after a timeout."""
    log = S3ApprovalLog(s3, bucket)
    log.record(approval())
    log.use(use(run="first"))

    log.use(use(run="first"))

    with pytest.raises(ApprovalTaken):
        log.use(use(run="second"))


def test_a_bucket_that_cannot_be_reached_approves_nothing(s3: Any) -> None:
    log = S3ApprovalLog(s3, "not-there-at-all")

    for touch in (lambda: log.of("production"), lambda: log.use(use()), lambda: log.record(approval())):
        with pytest.raises(ApprovalLogUnreachable, match="expected the approvals in s3://not-there-at-all/"):
            touch()

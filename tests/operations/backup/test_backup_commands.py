"""`ils backup` as a person uses it, also when it is killed."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from ils_pipelines.operations.backup.bucket import Restorability, SetBucket
from ils_pipelines.operations.backup.manifest import Manifest
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.backup.conftest import Calls, new_id


@pytest.mark.slow
@pytest.mark.parametrize("line", ["table-backup-analytics     done", "database-dump              says dumping"])
def test_a_set_whose_run_was_killed_is_finished_by_the_next(sandbox: LocalSandbox, mutating: Calls, line: str) -> None:
    set_id = new_id()
    process = sandbox.start("backup", "run", "dev", "--set", set_id.name, start_new_session=True)
    assert process.stderr is not None
    for said in process.stderr:
        if line in said:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    found = sandbox.ils_json("backup", "run", "dev", "--set", set_id.name)
    assert (found["success"], found["status"], found["failures"]) == (True, "complete", {})
    made = Counter(operation for _, operation in mutating())
    assert made["CreateBackup"] == 2
    assert [made[each] for each in ("CreateDBClusterSnapshot", "CopyDBClusterSnapshot", "CreateSnapshot")] == [1, 1, 1]
    assert made["CompleteMultipartUpload"] == len(found["pieces"]) - 5


def test_sets_are_listed_with_how_the_environment_stands(whole: Manifest, sandbox: LocalSandbox) -> None:
    found = sandbox.ils_json("backup", "list", "dev", code=1)

    assert whole.set in {each["set"] for each in found["sets"]}
    assert found["standing"]["age"]["answer"] == "bad"  # these sets are of months ago
    assert set(found["standing"]) == {"age", "completeness", "signature", "restorable"}


def test_what_no_drill_restored_is_unknown_and_no_pass(
    whole: Manifest, sandbox: LocalSandbox, bucket: SetBucket
) -> None:
    before = sandbox.ils_json("backup", "list", "dev", code=1)["standing"]["restorable"]
    word = Restorability(
        environment="dev",
        set=whole.set,
        drill="drill-1",
        passed=True,
        at=whole.finished,
        manifest_sha256=whole.digest,
    )
    bucket.write_restorability(word)
    after = sandbox.ils_json("backup", "list", "dev", code=1)["standing"]["restorable"]

    assert (before["answer"], after["answer"]) == ("unknown", "good")


def test_a_set_is_shown_with_its_manifest(whole: Manifest, sandbox: LocalSandbox) -> None:
    found = sandbox.ils_json("backup", "show", "dev", whole.set)

    assert Manifest.model_validate(found["manifest"]) == whole


def test_a_set_is_verified_from_a_terminal(whole: Manifest, sandbox: LocalSandbox) -> None:
    assert "everything is sound" in sandbox.ils("backup", "verify", "dev", whole.set).stdout


def test_a_set_that_there_is_not_is_told(sandbox: LocalSandbox) -> None:
    assert "ils backup list dev" in sandbox.ils("backup", "verify", "dev", "2020-01-01T000000Z", code=1).stderr
    assert "such as 2026-11-25T043000Z" in sandbox.ils("backup", "show", "dev", "yesterday", code=1).stderr


def test_pruning_can_be_tried_first(whole: Manifest, sandbox: LocalSandbox, mutating: Calls) -> None:
    found = sandbox.ils_json("backup", "prune", "dev", "--dry-run")

    assert found["dry_run"]
    assert {each["set"] for each in found["sets"]} >= {whole.set}
    assert mutating() == []

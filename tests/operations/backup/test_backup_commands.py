"""`ils backup` as a person uses it, also when it is killed."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from ils_pipelines.operations.backup.bucket import Restorability, SetBucket
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.overview import find_set
from ils_pipelines.operations.backup.standing import Answer, age, restorable
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.backup.conftest import Calls, new_id
from tests.operations.watch.site import Site


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
    # The two snapshots, the backups of tables and the snapshot of the cache are no objects; an export of a table is three.
    # What was uploaded, and not recorded before the run died, is uploaded anew, in a version of its own.
    assert made["CompleteMultipartUpload"] >= len(found["pieces"]) - 5 + 2 * 2


def test_sets_are_listed_with_how_the_environment_stands(whole: Manifest, sandbox: LocalSandbox) -> None:
    process = sandbox.start("backup", "list", "dev", "--json")
    found = json.loads(process.communicate()[0])

    assert whole.set in {each["set"] for each in found["sets"]}
    assert set(found["standing"]) == {"age", "completeness", "signature", "restorable"}
    good = {each["answer"] for each in found["standing"].values()} == {"good"}
    assert process.returncode == (0 if good else 1)


def test_a_set_is_too_old_after_the_hours_that_the_file_allows(whole: Manifest, site: Site) -> None:
    settings, mine = site.target.environment.backup, (find_set(site.backups, whole.set),)
    limit = whole.id.moment + timedelta(hours=settings.max_age_hours)

    assert age(mine, settings, limit).answer is Answer.GOOD
    assert age(mine, settings, limit + timedelta(seconds=1)).answer is Answer.BAD


def test_what_no_drill_restored_is_unknown_and_no_pass(whole: Manifest, site: Site, bucket: SetBucket) -> None:
    settings, now = site.target.environment.backup, datetime.now(UTC)
    before = restorable((find_set(site.backups, whole.set),), settings, now)
    word = Restorability(
        environment="dev",
        set=whole.set,
        drill="drill-1",
        passed=True,
        at=whole.finished,
        manifest_sha256=whole.digest,
    )
    bucket.write_restorability(word)
    after = restorable((find_set(site.backups, whole.set),), settings, now)

    assert (before.answer, after.answer) == (Answer.UNKNOWN, Answer.GOOD)


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

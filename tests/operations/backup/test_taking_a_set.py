"""A set of a real environment: everything is in it, and nothing is done twice."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter

import pytest

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.cache_state import read_file
from ils_pipelines.operations.backup.context import SetCancelled
from ils_pipelines.operations.backup.details import (
    CacheExport,
    DatabaseDump,
    DatabaseSnapshotCopy,
    KubernetesObjects,
    ObjectRef,
    Piece,
    PieceKind,
    TableBackup,
    TableExport,
)
from ils_pipelines.operations.backup.items import items_of_table
from ils_pipelines.operations.backup.manifest import Manifest, SetStatus
from ils_pipelines.operations.backup.places import BackupPlaces
from ils_pipelines.operations.backup.run import PieceEvent, Progress, take_set
from ils_pipelines.operations.backup.verify import verify_set
from ils_pipelines.settings.layers import Layer
from tests.end_to_end.conftest import LocalSandbox
from tests.iam.evaluation import allowed_actions
from tests.operations.backup.conftest import Calls, new_id
from tests.operations.watch.site import Site
from tools.iam.actions import actions


def objects(bucket: SetBucket, manifest: Manifest, name: str) -> bytes:
    piece = manifest.piece(name)
    assert piece is not None
    assert piece.object is not None
    return gzip.decompress(b"".join(bucket.chunks(piece.object)))


FILES_OF_AN_EXPORT = 3
"""The two lists that DynamoDB makes, and one file with the items of a table of this size."""


def objects_of(piece: Piece) -> list[ObjectRef]:
    files = piece.details.files if isinstance(piece.details, TableExport) else ()
    return [*([piece.object] if piece.object else []), *(each.object for each in files)]


def test_a_set_has_every_kind_of_piece(whole: Manifest) -> None:
    assert whole.status is SetStatus.COMPLETE
    kinds = Counter(piece.kind for piece in whole.pieces)
    assert kinds == {
        PieceKind.DATABASE_SNAPSHOT: 1,
        PieceKind.DATABASE_SNAPSHOT_COPY: 1,
        PieceKind.DATABASE_DUMP: 1,
        PieceKind.TABLE_BACKUP: 2,
        PieceKind.TABLE_EXPORT: 2,
        PieceKind.CACHE_SNAPSHOT: 1,
        PieceKind.CACHE_EXPORT: 1,
        PieceKind.KUBERNETES_OBJECTS: 1,
        PieceKind.STACK_STATE: len(Layer) - 1,
    }


def test_the_manifest_is_signed_and_reads_back(whole: Manifest, bucket: SetBucket) -> None:
    assert bucket.manifest(whole.id) == whole


def test_the_copy_of_the_snapshot_lies_in_the_other_region_under_its_key(whole: Manifest, places: BackupPlaces) -> None:
    (copy,) = whole.of_kind(PieceKind.DATABASE_SNAPSHOT_COPY)
    assert isinstance(copy.details, DatabaseSnapshotCopy)
    assert (copy.region, copy.details.key_arn) == (places.there.region, places.there.key_arn)


def test_every_object_is_locked_encrypted_and_copied_to_the_other_region(
    whole: Manifest, site: Site, places: BackupPlaces
) -> None:
    refs = [ref for piece in whole.pieces for ref in objects_of(piece)]
    assert len(refs) == len(Layer) + 2 + 2 * FILES_OF_AN_EXPORT
    for side in (places.here, places.there):
        for ref in refs:
            head = SetBucket(site.target, side).head(ref)
            assert head is not None
            assert (head.key_arn, head.version) == (side.key_arn, ref.version)
            assert head.locked_until is not None


def test_a_dump_says_what_the_database_held(whole: Manifest) -> None:
    (dump,) = whole.of_kind(PieceKind.DATABASE_DUMP)
    assert isinstance(dump.details, DatabaseDump)
    rows = {table.name: table.rows for table in dump.details.state.tables}
    assert rows["ils.customers"] >= 4000
    assert rows["ils.lims_messages"] > 30_000


def test_a_table_s_backup_remembers_what_a_restored_table_has_lost(whole: Manifest) -> None:
    found = {piece.details.table: piece.details for piece in whole.pieces if isinstance(piece.details, TableBackup)}
    analytics = found["ils-dev-analytics"]
    assert [index.keys[0] for index in analytics.indexes] == ["userId HASH"]
    assert found["ils-dev-sessions"].ttl_attribute == "expiresAt"
    assert dict(analytics.table_tags)["environment"] == "dev"


def test_an_export_holds_the_items_of_its_table_and_what_the_table_is(
    whole: Manifest, site: Site, bucket: SetBucket
) -> None:
    dynamodb = site.client("dynamodb")
    found = {piece.details.table: piece.details for piece in whole.pieces if isinstance(piece.details, TableExport)}
    assert set(found) == {"ils-dev-sessions", "ils-dev-analytics"}
    for name, details in found.items():
        digest = items_of_table(dynamodb, name)
        assert (details.items, details.checksum) == (digest.count, digest.checksum)
        assert details.items > 0
        data = [each.object for each in details.files if each.object.key.startswith(details.data)]
        lines = b"".join(gzip.decompress(b"".join(bucket.chunks(ref))) for ref in data).splitlines()
        assert len(lines) == details.items
    assert found["ils-dev-analytics"].keys == ("eventType HASH", "timestamp RANGE")
    assert dict(found["ils-dev-analytics"].attributes)["userId"] == "S"


def test_the_export_of_the_cache_is_of_the_moment_of_its_snapshot(whole: Manifest, bucket: SetBucket) -> None:
    (snapshot,), (export,) = (whole.of_kind(kind) for kind in (PieceKind.CACHE_SNAPSHOT, PieceKind.CACHE_EXPORT))
    assert export.object is not None
    assert export.consistency_point == snapshot.consistency_point
    assert isinstance(export.details, CacheExport)
    assert export.details.state == read_file(bucket.chunks(export.object), snapshot.consistency_point)
    assert sum(each.count for each in export.details.state.keys) == 501


def test_nothing_is_left_on_the_way_into_a_set(whole: Manifest, site: Site, places: BackupPlaces) -> None:
    for side in (places.here, places.there):
        s3 = site.target.client("s3", region=side.region)
        found = s3.list_objects_v2(Bucket=side.transfers).get("Contents", [])
        assert [
            each["Key"] for each in found if whole.id.resource_name in each["Key"] or whole.set in each["Key"]
        ] == []


def test_what_runs_in_the_cluster_is_listed_without_what_is_secret(
    whole: Manifest, site: Site, bucket: SetBucket
) -> None:
    lines = [json.loads(line) for line in objects(bucket, whole, "kubernetes-objects").splitlines()]
    (piece,) = whole.of_kind(PieceKind.KUBERNETES_OBJECTS)
    assert isinstance(piece.details, KubernetesObjects)
    assert dict(piece.details.counts) == Counter(each["kind"] for each in lines)
    assert {"Deployment", "ConfigMap", "NetworkPolicy", "TargetGroupBinding"} <= {each["kind"] for each in lines}
    secrets = [each for each in lines if each["kind"] == "Secret" and each["metadata"]["name"] == "ils-secrets"]
    assert [set(each["data"].values()) for each in secrets] == [{""}]
    assert "DATABASE_URL" in secrets[0]["data"]


def test_no_secret_of_the_environment_is_in_a_set(whole: Manifest, site: Site, bucket: SetBucket) -> None:
    manager = site.client("secretsmanager")
    values = [
        manager.get_secret_value(SecretId=arn)["SecretString"]
        for arn in (
            site.output(Layer.DATABASE, "master_secret_arn"),
            site.output(Layer.CACHE, "auth_token_secret_arn"),
        )
    ]
    secrets = [json.loads(values[0])["password"], values[1]]
    for key in bucket.keys(whole.id.prefix):
        content = bucket.read(key) or b""
        text = (gzip.decompress(content) if key.endswith(".gz") else content).decode(errors="replace")
        assert not [secret for secret in secrets if secret in text], key


def test_taking_and_verifying_makes_only_calls_that_the_policy_allows(site: Site, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()
    verify_set(site.backups, take_set(site.backups, new_id(), run_cluster_job).id)
    calls: dict[str, set[str]] = {}
    for request in sandbox.control("requests"):
        calls.setdefault(request["service"], set()).add(request["operation"])

    assert actions(calls) <= allowed_actions(["backup"])


def test_a_second_run_of_a_complete_set_changes_nothing(whole: Manifest, site: Site, mutating: Calls) -> None:
    assert take_set(site.backups, whole.id, run_cluster_job) == whole
    assert mutating() == []


def test_a_set_that_was_stopped_is_finished_by_the_next_run_and_repeats_nothing(site: Site, mutating: Calls) -> None:
    set_id, cancel, told = new_id(), threading.Event(), []

    def stop(progress: Progress) -> None:
        told.append(progress)
        if progress.event is PieceEvent.DONE and progress.piece == "table-backup-analytics":
            cancel.set()

    with pytest.raises(SetCancelled):
        take_set(site.backups, set_id, run_cluster_job, on_progress=stop, cancel=cancel)
    done = {each.piece for each in told if each.event is PieceEvent.DONE}
    events: list[Progress] = []
    manifest = take_set(site.backups, set_id, run_cluster_job, on_progress=events.append)

    assert manifest.status is SetStatus.COMPLETE
    assert {each.piece for each in events if each.event is PieceEvent.FOUND} >= done
    made = Counter(operation for _, operation in mutating())
    assert made["CreateBackup"] == 2
    once = ("CreateDBClusterSnapshot", "CopyDBClusterSnapshot", "CreateSnapshot", "CopySnapshot")
    assert [made[each] for each in once] == [1, 1, 1, 1]


def test_a_set_is_known_of_before_anything_of_it_is_made(site: Site, bucket: SetBucket, mutating: Calls) -> None:
    set_id, cancel = new_id(), threading.Event()
    cancel.set()

    with pytest.raises(SetCancelled):
        take_set(site.backups, set_id, run_cluster_job, cancel=cancel)

    assert set_id in bucket.sets()
    assert mutating() == [("s3", "PutObject")]


def test_an_export_whose_files_went_before_it_was_recorded_is_made_again(site: Site, bucket: SetBucket) -> None:
    """As when a run is killed in between: DynamoDB answers the old export, whose files are gone."""
    before = take_set(site.backups, new_id(), run_cluster_job)
    for key in ("manifest.json", "pieces/table-export-sessions.json"):
        site.client("s3").delete_object(Bucket=bucket.side.bucket, Key=before.id.prefix + key)
    after = take_set(site.backups, before.id, run_cluster_job)

    assert after.status is SetStatus.COMPLETE
    again, first = after.piece("table-export-sessions"), before.piece("table-export-sessions")
    assert again is not None
    assert first is not None
    assert again.arn != first.arn


def test_a_piece_that_fails_is_named_and_the_others_are_taken(site: Site, sandbox: LocalSandbox) -> None:
    fault = {"service": "elasticache", "operation": "CreateSnapshot", "error_code": "SnapshotQuotaExceededFault"}
    sandbox.control("faults", {**fault, "status": 400, "times": 1}, method="POST")
    set_id = new_id()
    partial = take_set(site.backups, set_id, run_cluster_job)
    whole = take_set(site.backups, set_id, run_cluster_job)

    assert partial.status is SetStatus.PARTIAL
    assert [failure.name for failure in partial.failures] == ["cache-export", "cache-snapshot"]
    assert "SnapshotQuotaExceeded" in partial.failures[1].reason
    assert whole.status is SetStatus.COMPLETE
    assert set(partial.pieces) < set(whole.pieces)


def test_a_piece_that_is_made_from_a_failed_one_fails_with_it(site: Site, sandbox: LocalSandbox) -> None:
    fault = {"service": "rds", "operation": "CreateDBClusterSnapshot", "error_code": "SnapshotQuotaExceeded"}
    sandbox.control("faults", {**fault, "status": 400, "times": 1}, method="POST")
    partial = take_set(site.backups, new_id(), run_cluster_job)

    assert [failure.name for failure in partial.failures] == ["database-snapshot", "database-snapshot-copy"]

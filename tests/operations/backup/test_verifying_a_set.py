"""Every piece of a set, broken in turn: looking at the set again names it, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.bucket import MANIFEST, SetBucket
from ils_pipelines.operations.backup.details import ObjectRef, Piece, PieceKind, TableExport
from ils_pipelines.operations.backup.errors import ManifestCorrupt, SignatureInvalid
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.overview import find_set
from ils_pipelines.operations.backup.places import BackupPlaces
from ils_pipelines.operations.backup.run import set_to_run, take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.standing import Answer, signature
from ils_pipelines.operations.backup.verify import MANIFEST_PIECE, Verdict, verify_set
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.backup.conftest import new_id
from tests.operations.watch.site import Site


@pytest.fixture(scope="module")
def doomed(site: Site) -> Manifest:
    """A set that these tests break."""
    return take_set(site.backups, new_id(), run_cluster_job)


def test_a_whole_set_is_sound(whole: Manifest, site: Site) -> None:
    found = verify_set(site.backups, whole.id)

    assert found.sound
    assert len(found.pieces) == len(whole.pieces) + 1
    assert find_set(site.backups, whole.set).verified == found.at


def _break_object(site: Site, piece: Piece) -> None:
    """The version that the manifest names goes, another takes its place: S3 lets nobody change one."""
    assert piece.object is not None
    _replace(site, piece.object, piece.size)


def _break_export(site: Site, piece: Piece) -> None:
    """Its last file, which holds items."""
    assert isinstance(piece.details, TableExport)
    _replace(site, piece.details.files[-1].object, piece.details.files[-1].size)


def _replace(site: Site, ref: ObjectRef, size: int) -> None:
    s3, where = site.client("s3"), {"Bucket": ref.bucket, "Key": ref.key}
    s3.delete_object(**where, VersionId=ref.version, BypassGovernanceRetention=True)
    s3.put_object(**where, Body=b"x" * size)


def _break_database_snapshot(site: Site, piece: Piece) -> None:
    site.target.client("rds", region=piece.region).delete_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=piece.details.snapshot  # type: ignore[union-attr]
    )


def _break_table_backup(site: Site, piece: Piece) -> None:
    site.client("dynamodb").delete_backup(BackupArn=piece.arn)


def _break_cache_snapshot(site: Site, piece: Piece) -> None:
    site.client("elasticache").delete_snapshot(SnapshotName=piece.details.snapshot)  # type: ignore[union-attr]


BREAK: dict[PieceKind, Callable[[Site, Piece], None]] = {
    PieceKind.DATABASE_SNAPSHOT: _break_database_snapshot,
    PieceKind.DATABASE_SNAPSHOT_COPY: _break_database_snapshot,
    PieceKind.DATABASE_DUMP: _break_object,
    PieceKind.TABLE_BACKUP: _break_table_backup,
    PieceKind.TABLE_EXPORT: _break_export,
    PieceKind.CACHE_SNAPSHOT: _break_cache_snapshot,
    PieceKind.CACHE_EXPORT: _break_object,
    PieceKind.KUBERNETES_OBJECTS: _break_object,
    PieceKind.STACK_STATE: _break_object,
}


def test_every_piece_that_is_broken_is_named_and_no_other(doomed: Manifest, site: Site) -> None:
    assert set(BREAK) == set(PieceKind)
    broken: set[str] = set()
    for piece in doomed.pieces:
        BREAK[piece.kind](site, piece)
        broken.add(piece.name)
        found = verify_set(site.backups, doomed.id)
        assert {each.piece for each in found.wrong} == broken
        assert {each.verdict for each in found.wrong} == {Verdict.BROKEN}
    assert find_set(site.backups, doomed.set).verified is None


def test_an_object_whose_copy_is_gone_is_named(site: Site, places: BackupPlaces) -> None:
    manifest = take_set(site.backups, new_id(), run_cluster_job)
    piece = manifest.of_kind(PieceKind.KUBERNETES_OBJECTS)[0]
    assert piece.object is not None
    site.target.client("s3", region=places.there.region).delete_object(
        Bucket=places.there.bucket,
        Key=piece.object.key,
        VersionId=piece.object.version,
        BypassGovernanceRetention=True,
    )
    (wrong,) = verify_set(site.backups, manifest.id).wrong

    assert wrong.piece == piece.name
    assert places.there.bucket in wrong.problems[0]


def test_snapshots_that_lost_their_tags_are_no_longer_ours(site: Site) -> None:
    manifest = take_set(site.backups, new_id(), run_cluster_job)
    (snapshot,) = manifest.of_kind(PieceKind.DATABASE_SNAPSHOT)
    site.client("rds").remove_tags_from_resource(ResourceName=snapshot.arn, TagKeys=["ils:backup-set"])
    (wrong,) = verify_set(site.backups, manifest.id).wrong

    assert (wrong.piece, wrong.verdict) == (snapshot.name, Verdict.BROKEN)


def test_what_cannot_be_looked_at_is_unknown_and_no_pass(whole: Manifest, site: Site, sandbox: LocalSandbox) -> None:
    fault = {"service": "elasticache", "operation": "DescribeSnapshots", "error_code": "AccessDenied", "status": 403}
    sandbox.control("faults", fault, method="POST")
    found = verify_set(site.backups, whole.id)

    assert [(each.piece, each.verdict) for each in found.wrong] == [("cache-snapshot", Verdict.UNKNOWN)]
    assert not found.sound


def test_what_s3_has_not_copied_yet_is_unknown_and_the_same_set_is_taken_up_again(
    site: Site, slow_copies: Callable[[], None]
) -> None:
    manifest = take_set(site.backups, SetId("dev", datetime.now(UTC)), run_cluster_job)
    early = verify_set(site.backups, manifest.id)
    again = set_to_run(site.backups, manifest.id.moment)
    standing = signature(find_set(site.backups, manifest.set), manifest.id)
    slow_copies()
    late = verify_set(site.backups, manifest.id)

    copied = {each.name for each in manifest.pieces if each.object or each.kind is PieceKind.TABLE_EXPORT}
    assert {each.piece for each in early.wrong} == copied | {MANIFEST_PIECE}
    assert {each.verdict for each in early.wrong} == {Verdict.UNKNOWN}
    assert (again, standing.answer) == (manifest.id, Answer.UNKNOWN)
    assert late.sound


def test_what_is_broken_is_so_before_it_is_copied(site: Site, slow_copies: Callable[[], None]) -> None:
    manifest = take_set(site.backups, new_id(), run_cluster_job)
    piece = manifest.of_kind(PieceKind.TABLE_EXPORT)[0]
    _break_export(site, piece)
    found = {each.piece: each.verdict for each in verify_set(site.backups, manifest.id).pieces}

    assert found[piece.name] is Verdict.BROKEN
    assert found["kubernetes-objects"] is Verdict.UNKNOWN


def test_what_s3_failed_to_copy_is_broken(site: Site, places: BackupPlaces, slow_copies: Callable[[], None]) -> None:
    manifest = take_set(site.backups, new_id(), run_cluster_job)
    replication = site.client("s3").get_bucket_replication(Bucket=places.here.bucket)["ReplicationConfiguration"]
    (rule,) = replication["Rules"]
    nowhere = {**rule, "Destination": {**rule["Destination"], "Bucket": "arn:aws:s3:::ils-nowhere"}}
    for rules in ([nowhere], [rule]):
        site.client("s3").put_bucket_replication(
            Bucket=places.here.bucket, ReplicationConfiguration={**replication, "Rules": rules}
        )
        slow_copies()
    found = {each.piece: each for each in verify_set(site.backups, manifest.id).wrong}

    assert {each.verdict for each in found.values()} == {Verdict.BROKEN}
    assert "S3 failed to copy" in found["kubernetes-objects"].problems[0]
    assert "S3 failed to copy" in found[MANIFEST_PIECE].problems[0]


@pytest.fixture
def tampered(site: Site, bucket: SetBucket) -> Iterator[Manifest]:
    """A set whose manifest says something else than what was signed."""
    manifest = take_set(site.backups, new_id(), run_cluster_job)
    changed = json.loads(manifest.canonical())
    changed["pieces"][0]["size"] += 1
    bucket.write(manifest.id.prefix + MANIFEST, Manifest.model_validate(changed).canonical())
    return manifest


def test_a_tampered_manifest_is_refused(tampered: Manifest, site: Site, bucket: SetBucket) -> None:
    with pytest.raises(SignatureInvalid, match=tampered.set):
        bucket.manifest(tampered.id)
    found = verify_set(site.backups, tampered.id)
    assert MANIFEST_PIECE in {each.piece for each in found.wrong}
    assert find_set(site.backups, tampered.set).says == "not to be trusted"


def test_a_tampered_set_is_not_signed_again_by_taking_it(tampered: Manifest, site: Site) -> None:
    with pytest.raises(SignatureInvalid):
        take_set(site.backups, tampered.id, run_cluster_job)


def test_a_manifest_of_another_set_is_refused_although_it_was_signed(
    whole: Manifest, site: Site, bucket: SetBucket
) -> None:
    other = new_id()
    for key in bucket.keys(whole.id.prefix):
        if MANIFEST in key or "signatures/" in key:
            bucket.write(key.replace(whole.set, other.name), bucket.read(key) or b"")

    with pytest.raises((SignatureInvalid, ManifestCorrupt)):
        bucket.manifest(other)

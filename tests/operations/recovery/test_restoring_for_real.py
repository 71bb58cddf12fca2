"""`ils restore` brings data back beside what is live, to stay; `ils switch` has the application use them, and goes back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ils_pipelines.operations.backup.details import CacheSnapshot, Piece, PieceKind, TableExport
from ils_pipelines.operations.backup.items import items_of_table
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.drill.live import fingerprint
from ils_pipelines.operations.restore.approving import approve_restore, approved
from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.kinds import KINDS, Made
from ils_pipelines.operations.restore.real import Request, RestorePlan, Store, carry_out, plan_restore
from ils_pipelines.operations.restore.sweep import sweep
from ils_pipelines.operations.restore.switch import switch_back, switch_to
from ils_pipelines.provisioning.application_secrets import NotReady
from ils_pipelines.provisioning.approval import ApprovalRefused, NotApproved
from ils_pipelines.provisioning.approval_log import Approval, ApprovalLog, FileApprovalLog
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.objects import CONFIG_MAP, Ref
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from tests.operations.recovery.sets import altered
from tests.operations.recovery.site import Site, site_for

pytestmark = [pytest.mark.usefixtures("_here"), pytest.mark.timeout(600)]


@pytest.fixture
def into(site: Site, drill: str) -> Iterator[str]:
    """A name for something restored, which is taken away afterwards."""
    name = f"r{drill}"
    yield name
    assert sweep(site.target, made_under(site, name)).failures == ()


def made_under(site: Site, into: str) -> list[Made]:
    region = site.environment.aws.region
    return [made for kind in KINDS for made in kind.list(site.target, region, f"{site.live}-{into}")]


def in_files(site: Site, backup: Manifest) -> Manifest:
    """The set once DynamoDB and ElastiCache have lost what they kept."""

    def gone(piece: Piece) -> Piece:
        if isinstance(piece.details, CacheSnapshot):
            return piece.model_copy(update={"details": piece.details.model_copy(update={"snapshot": "gone"})})
        return piece.model_copy(update={"arn": f"{piece.arn}-gone"})

    return altered(site, backup, (PieceKind.TABLE_BACKUP, PieceKind.CACHE_SNAPSHOT), gone)


def test_a_plan_says_what_is_restored_from_what_and_makes_nothing(site: Site, backup: Manifest, into: str) -> None:
    plan = plan_restore(site.applies, Request(into, set=backup.set))
    assert {item.name for item in plan.items} == {
        f"{site.live}-{into}",
        f"{site.live}-{into}-sessions",
        f"{site.live}-{into}-analytics",
    }
    assert plan.manifest_sha256 == backup.digest
    assert plan.digest == plan_restore(site.applies, Request(into, set=backup.set)).digest
    assert plan.digest != plan_restore(site.applies, Request(f"{into}x", set=backup.set)).digest
    assert made_under(site, into) == []


def test_a_set_is_restored_beside_what_is_live(site: Site, backup: Manifest, into: str) -> None:
    before = fingerprint(site.target)
    plan = plan_restore(site.applies, Request(into, set=backup.set, stores=frozenset({Store.TABLES, Store.CACHE})))
    for _interrupted_before in range(2):
        carry_out(site.applies, plan)
    kinds = sorted(made.kind for made in made_under(site, into))
    assert kinds == ["cache", "security group", "table", "table"]
    assert fingerprint(site.target).digest == before.digest


def test_what_has_the_name_already_is_left_alone(site: Site, backup: Manifest, into: str) -> None:
    rds, name = site.client("rds"), f"{site.live}-{into}"
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="somebody",
        MasterUserPassword="long-enough",
    )
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=name, WaiterConfig={"Delay": 0.1})
    with pytest.raises(RestoreFailed, match="Nothing was done to it"):
        plan_restore(site.applies, Request(into, set=backup.set, stores=frozenset({Store.DATABASE})))


def test_what_was_restored_from_something_else_is_not_handed_back(site: Site, backup: Manifest, into: str) -> None:
    moment = site.sql("SELECT clock_timestamp()")[0][0]
    earlier = Request(into, moment=moment - timedelta(seconds=2), stores=frozenset({Store.DATABASE, Store.TABLES}))
    carry_out(site.applies, plan_restore(site.applies, earlier))
    others = [replace(earlier, moment=moment), replace(earlier, moment=None, set=backup.set)]
    for other in [replace(each, stores=frozenset({store})) for each in others for store in earlier.stores]:
        with pytest.raises(RestoreFailed, match=r"found it made from (cluster|table) ils-dev\S* as of .*--into"):
            plan_restore(site.applies, other)
    carry_out(site.applies, plan_restore(site.applies, earlier))


def test_a_cache_and_tables_of_files_are_of_one_set(site: Site, backup: Manifest, into: str) -> None:
    stores = frozenset({Store.TABLES, Store.CACHE})
    carry_out(site.applies, plan_restore(site.applies, Request(into, set=in_files(site, backup).set, stores=stores)))
    for store in stores:
        with pytest.raises(RestoreFailed, match=r"found it made from (export|file) s3://"):
            plan_restore(site.applies, Request(into, set=backup.set, stores=frozenset({store})))


def test_what_cannot_go_back_to_a_moment_is_named(site: Site, into: str) -> None:
    moment = site.sql("SELECT clock_timestamp()")[0][0]
    table = f"{site.live}-sessions"
    recovery = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": site.environment.tables.recovery_days}
    site.client("dynamodb").update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    try:
        plan = plan_restore(site.applies, Request(into, moment=moment))
    finally:
        site.client("dynamodb").update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
    assert [item.name for item in plan.items] == [f"{site.live}-{into}", f"{site.live}-{into}-analytics"]
    assert [each.partition(":")[0] for each in plan.left_out] == [f"table {table}", "cache"]


def test_exports_are_restored_where_the_backups_are_gone(site: Site, backup: Manifest, into: str) -> None:
    poor = in_files(site, backup)
    plan = plan_restore(site.applies, Request(into, set=poor.set, stores=frozenset({Store.TABLES, Store.CACHE})))
    assert [str(item.source).partition(" ")[0] for item in plan.items] == ["export", "export", "file"]
    for _interrupted_before in range(2):
        carry_out(site.applies, plan)
    assert sorted(made.kind for made in made_under(site, into)) == ["cache", "security group", "table", "table"]
    dynamodb = site.client("dynamodb")
    for piece in backup.of_kind(PieceKind.TABLE_EXPORT):
        assert isinstance(piece.details, TableExport)
        name = f"{site.live}-{into}-{piece.name.removeprefix('table-export-')}"
        found = items_of_table(dynamodb, name)
        assert (found.count, found.checksum) == (piece.details.items, piece.details.checksum)


@pytest.mark.parametrize("request_", [Request("x"), Request("x", set="2001-01-01T000000Z", moment=None)])
def test_what_is_not_there_cannot_be_restored(site: Site, request_: Request) -> None:
    from ils_pipelines.errors import IlsError

    with pytest.raises(IlsError, match="expected"):
        plan_restore(site.applies, request_)


@pytest.fixture
def strict(site: Site) -> Site:
    """Dev, where restores ask for approval."""
    return site_for(site.environment.model_copy(update={"requires_approval": True}), site.sandbox)


def begin(site: Site, log: ApprovalLog, plan: RestorePlan) -> Approval | None:
    with approved(site.target, log, plan) as approval:
        return approval


def test_a_restore_is_carried_out_as_it_was_approved_and_once(
    site: Site, strict: Site, backup: Manifest, into: str, tmp_path: Path
) -> None:
    log = FileApprovalLog(tmp_path)
    plan = plan_restore(strict.applies, Request(into, set=backup.set))
    other = plan_restore(strict.applies, Request(into, set=backup.set, stores=frozenset({Store.CACHE})))
    with pytest.raises(NotApproved, match=plan.digest[:16]):
        begin(strict, log, plan)
    with pytest.raises(ApprovalRefused):
        approve_restore(strict.target, log, plan, digest=other.digest, by="Ada", reason="the disk is gone")
    approve_restore(strict.target, log, plan, digest=plan.digest[:16], by="Ada", reason="the disk is gone")
    with pytest.raises(NotApproved):
        begin(strict, log, other)
    used = begin(strict, log, plan)
    assert used is not None
    assert used.by == "Ada"
    with pytest.raises(NotApproved):
        begin(strict, log, plan)
    assert begin(site, log, plan) is None, "dev asks for none"


def test_an_interrupted_restore_is_finished_with_the_same_approval(
    strict: Site, backup: Manifest, into: str, tmp_path: Path
) -> None:
    def interrupt(_name: str, _what: str) -> None:
        raise KeyboardInterrupt

    log = FileApprovalLog(tmp_path)
    plan = plan_restore(strict.applies, Request(into, set=backup.set, stores=frozenset({Store.CACHE})))
    approve_restore(strict.target, log, plan, digest=plan.digest, by="Ada", reason="the disk is gone")
    with pytest.raises(KeyboardInterrupt), approved(strict.target, log, plan):
        carry_out(strict.applies, plan, on_item=interrupt)
    with approved(strict.target, log, plan):
        carry_out(strict.applies, plan)
    [found] = log.of(strict.environment.name)
    assert found.use is not None
    assert found.completion is not None
    with pytest.raises(NotApproved, match="neither carried out nor expired"):
        begin(strict, log, plan)


@pytest.fixture
def files(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment files, to be written to."""
    folder = tmp_path / "environments"
    shutil.copytree(Path(__file__).resolve().parents[3] / "environments", folder)
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(folder))
    return folder


@pytest.mark.slow
def test_the_application_is_switched_over_and_back(site: Site, backup: Manifest, into: str, files: Path) -> None:
    written = (files / "dev.yaml").read_text()
    carry_out(
        site.applies, plan_restore(site.applies, Request(into, set=backup.set, stores=frozenset({Store.DATABASE})))
    )
    own = host_of_the_application(site)
    switch_to(site.applies, into)
    switched = site_for(load_environment("dev"), site.sandbox)
    assert switched.environment.database.serves_from == into
    layer_work(switched.target, Layer.APP_RELEASE).up()
    cluster = site.client("rds").describe_db_clusters(DBClusterIdentifier=f"{site.live}-{into}")["DBClusters"][0]
    assert host_of_the_application(site) == cluster["Endpoint"] != own
    live = site.client("rds").describe_db_clusters(DBClusterIdentifier=site.live)["DBClusters"][0]
    assert cluster["VpcSecurityGroups"] == live["VpcSecurityGroups"], "the application is let in"

    assert switch_back(switched.applies) == into
    back = site_for(load_environment("dev"), site.sandbox)
    layer_work(back.target, Layer.APP_RELEASE).up()
    assert host_of_the_application(site) == own
    assert "serves_from" not in written
    (files / "dev.yaml").write_text(written)


def test_nothing_is_switched_over_to_what_was_not_restored(site: Site, files: Path) -> None:
    before = (files / "dev.yaml").read_text()
    with pytest.raises(NotReady, match="ils restore dev --into never"):
        switch_to(site.applies, "never")
    assert (files / "dev.yaml").read_text() == before
    assert switch_back(site.applies) == ""


def host_of_the_application(site: Site) -> str:
    cluster = Cluster(site.target.kubernetes(site.live))
    namespace = site.environment.app.namespace
    found = cluster.get(Ref(CONFIG_MAP.api_version, CONFIG_MAP.kind, namespace, "ils-config"))
    assert found is not None
    return str(found["data"]["DATABASE_HOST"])


@pytest.mark.long
def test_a_restore_from_a_terminal(site: Site, backup: Manifest, into: str) -> None:
    arguments = ("restore", "dev", "--into", into, "--set", backup.set, "--only", "cache")
    planned = site.sandbox.ils_json(*arguments, "--plan")
    assert planned["done"] == ""
    assert made_under(site, into) == []
    done = site.sandbox.ils_json(*arguments)
    assert done["digest"] == planned["digest"]
    assert {made.kind for made in made_under(site, into)} == {"cache", "security group"}


@pytest.mark.long
def test_a_restore_as_a_job(site: Site, backup: Manifest, into: str) -> None:
    from dagster import DagsterInstance

    from ils_pipelines.definitions import defs
    from ils_pipelines.defs.environments import register_environments

    with DagsterInstance.ephemeral() as instance:
        register_environments(instance)
        config = {"into": into, "set": backup.set, "only": ["cache"]}
        result = defs.resolve_job_def("restore_environment").execute_in_process(
            instance=instance, partition_key="dev", run_config={"ops": {"restore": {"config": config}}}
        )
    assert result.success
    assert {made.kind for made in made_under(site, into)} == {"cache", "security group"}

"""What the documents have people type by hand works: every line of kubectl, AWS CLI, helm and psql is run in a sandbox."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from ils_sandbox.control.recording import RECORD_VARIABLE
from tests.docs.by_hand import NotHere, Outcome, Shell, Values, run_all, scripts, shell
from tests.end_to_end.conftest import LocalSandbox
from tests.support import helm

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ACCOUNT = "123456789012"

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

NOT_HERE = (
    NotHere("kubectl top", "nothing runs in the sandbox that could be measured", "Metrics API not available"),
    NotHere(
        "kubectl port-forward", "pods of the sandbox are reached through their Services", "error upgrading connection"
    ),
    NotHere(
        "aws rds describe-db-cluster-automated-backups",
        "the emulated RDS keeps what it restores a moment from with the cluster",
        "unsupported in the sandbox",
    ),
    NotHere("aws configure sso", "asks a person, in a browser"),
    NotHere("aws sso login", "asks a person, in a browser"),
    NotHere("ils bootstrap", "the sandbox keeps its state in a folder", "The sandbox needs no bootstrapping"),
    NotHere("helm repo add", "fetches a list from the web"),
)
"""Lines that cannot be run in the sandbox."""


def with_all_that_is_told(file: str) -> str:
    """With what the file of dev leaves out and the guide has commands for."""
    document = yaml.safe_load(file)
    document["app"]["autoscaling"]["enabled"] = True
    document["monitoring"]["container_insights"] = True
    document["cluster"]["autoscaler"] = {"enabled": True}
    return yaml.safe_dump(document, sort_keys=False)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    """With `dev`, whose pods follow the load and whose application was released twice, and with `platform`."""
    folder = tmp_path_factory.mktemp("by-hand")
    environments = folder / "environments"
    environments.mkdir()
    shutil.copy(ROOT / "deploy" / "platform.yaml", environments)
    written = (ROOT / "environments" / "dev.yaml").read_text()
    dev = environments / "dev.yaml"
    dev.write_text(with_all_that_is_told(written))
    sandbox = LocalSandbox(folder / "state")
    sandbox.env["ILS_ENVIRONMENTS_DIR"] = str(environments)
    # People's kubectl and helm come with the deployer's token here: what they do is no family's.
    del sandbox.env[RECORD_VARIABLE]
    try:
        sandbox.ils("sandbox", "start")
        sandbox.ils("up", "dev")
        dev.write_text(dev.read_text().replace("  log_level: debug", "  log_level: info"))
        sandbox.ils("up", "dev")
        sandbox.ils("up", "platform")
        yield sandbox
    finally:
        sandbox.ils("sandbox", "stop")


@pytest.fixture
def around(sandbox: LocalSandbox, tmp_path: Path) -> Shell:
    made = shell(tmp_path, sandbox.env, sandbox.endpoints["aws"], ROOT)
    (made.folder / "environments").symlink_to(sandbox.env["ILS_ENVIRONMENTS_DIR"])
    return made


@pytest.fixture
def with_helm(around: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The real helm, and an empty chart in the place of those on the web, which nothing here reaches.

    It says what it would do, and does nothing: what it did it keeps as Protobuf, which is not spoken here.
    """
    real = helm.helm(tmp_path_factory.getbasetemp().parent)
    program = around.folder.parent / "bin" / "helm"
    program.write_text(f'#!/bin/sh\nexec {real} "$@" --dry-run=server\n')
    program.chmod(0o755)
    for name in ("cache", "config", "data"):
        around.env[f"HELM_{name.upper()}_HOME"] = str(around.folder.parent / name)
    chart = around.folder / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "empty", "version": "1.0.0"}))
    return around


def small_server(name: str) -> dict[str, Any]:
    """A deployment named as Dagster's chart names its own (see tests/deploy)."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": small_pod()}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def small_run(name: str) -> dict[str, Any]:
    spec = {"template": {"spec": {**small_pod(), "restartPolicy": "Never"}}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def small_pod() -> dict[str, Any]:
    """One that Pod Security takes."""
    closed = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    nobody = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "securityContext": nobody,
        "containers": [{"name": "main", "image": "server:1.0.0", "securityContext": closed}],
    }


def client(sandbox: LocalSandbox, service: str) -> Any:
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=sandbox.endpoints["aws"], **keys)


def values_of_dev(sandbox: LocalSandbox, around: Shell) -> Values:
    """What the guides' placeholders stand for in `dev`."""
    now = datetime.now(UTC)
    rds, logs, iam = (client(sandbox, name) for name in ("rds", "logs", "iam"))
    snapshot = f"ils-dev-before-{now:%H%M%S}"
    rds.create_db_cluster_snapshot(DBClusterIdentifier="ils-dev", DBClusterSnapshotIdentifier=snapshot)
    span = {"startTime": int((now - timedelta(hours=1)).timestamp()), "endTime": int(now.timestamp())}
    group = "/aws/eks/ils-dev/cluster"
    query = logs.start_query(logGroupName=group, queryString="fields @message", **span)["queryId"]
    provider = iam.create_open_id_connect_provider(Url="https://oidc.example.org", ThumbprintList=["a" * 40])
    [groups] = [client(sandbox, "elbv2").describe_target_groups(Names=["ils-dev-app"])["TargetGroups"]]
    numbers = itertools.count(1)
    return {
        "ENV": "dev",
        "POD": lambda: around.run("kubectl get pods -o jsonpath='{.items[0].metadata.name}'").stdout,
        "HOST": "database.example.org",
        "START": str(span["startTime"]),
        "END": str(span["endTime"]),
        "QUERY_ID": query,
        "NEW": lambda: f"by-hand-{next(numbers)}",
        "SNAPSHOT": snapshot,
        "TIME": rds.describe_db_clusters(DBClusterIdentifier="ils-dev")["DBClusters"][0][
            "LatestRestorableTime"
        ].isoformat(),
        "TARGET_GROUP_ARN": groups[0]["TargetGroupArn"],
        "CERTIFICATE_ARN": client(sandbox, "acm").list_certificates()["CertificateSummaryList"][0]["CertificateArn"],
        "PROVIDER_ARN": provider["OpenIDConnectProviderArn"],
        "THUMBPRINT": "b" * 40,
        "ACCOUNT_ID": ACCOUNT,
    }


def expect_no_trouble(outcomes: list[Outcome]) -> None:
    said = "\n\n".join(text for outcome in outcomes for text in (*outcome.failed, *outcome.not_refused))
    assert not said, said


def test_every_line_that_is_left_out_stands_in_a_document() -> None:
    lines = [line.strip() for page in DOCS.rglob("*.md") for script in scripts(page) for line in script.splitlines()]

    assert [row.starts for row in NOT_HERE if not any(line.startswith(row.starts) for line in lines)] == []


def test_those_of_the_operations_guide_and_the_runbooks(sandbox: LocalSandbox, around: Shell) -> None:
    around.run("ils kubeconfig dev --file dev.kubeconfig\nexport KUBECONFIG=$PWD/dev.kubeconfig")
    (around.folder / "auth.json").write_text(json.dumps({"client_id": "ils", "client_secret": "not a real one"}))
    values = values_of_dev(sandbox, around)
    documents = (DOCS / "operations-guide.md", *sorted((DOCS / "runbooks").glob("*.md")))

    try:
        outcomes = [run_all(document, around, values, NOT_HERE) for document in documents]
    finally:
        sandbox.ils("up", "dev", "--take-over")

    expect_no_trouble(outcomes)
    assert sum(outcome.ran for outcome in outcomes) > 30


def test_those_of_the_way_to_production(sandbox: LocalSandbox, around: Shell) -> None:
    """With dev in the place of production, as an administrator of the account, who has made what step 3 needs."""
    iam, kms, acm = (client(sandbox, name) for name in ("iam", "kms", "acm"))
    iam.create_role(RoleName="ils-engineers", AssumeRolePolicyDocument="{}")
    state = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/ils-pulumi", TargetKeyId=state)
    deleted = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=deleted)
    values = {
        "production": "dev",
        "CERTIFICATE_ARN": acm.list_certificates()["CertificateSummaryList"][0]["CertificateArn"],
        "KEY_ID": deleted,
        "/tmp/ils-policies": str(around.folder / "policies"),
    }
    rds, secrets = (client(sandbox, name) for name in ("rds", "secretsmanager"))
    [cluster] = rds.describe_db_clusters(DBClusterIdentifier="ils-dev")["DBClusters"]
    master = json.loads(secrets.get_secret_value(SecretId=cluster["MasterUserSecret"]["SecretArn"])["SecretString"])
    login = {"host": cluster["Endpoint"], "port": cluster["Port"], "dbname": cluster["DatabaseName"], **master}
    (around.folder / "database-login.json").write_text(json.dumps(login))
    (around.folder / "auth-provider.json").write_text(json.dumps({"client_id": "ils", "client_secret": "not real"}))
    (around.folder / "lims-api-key.txt").write_text("not a real one")
    outcome = run_all(DOCS / "production.md", around, values, NOT_HERE)

    expect_no_trouble([outcome])
    made = (*iam.list_policies(Scope="Local")["Policies"], *iam.list_roles()["Roles"])
    names = {each.get("PolicyName") or each["RoleName"] for each in made}
    assert {
        name for name in names if name.endswith("-dev") or "-operators-dev-" in name
    } == set()  # as the teardown left it


def test_those_that_install_a_program_in_a_cluster(sandbox: LocalSandbox, with_helm: Shell) -> None:
    with_helm.run("ils kubeconfig dev --file dev.kubeconfig\nexport KUBECONFIG=$PWD/dev.kubeconfig")
    [vpc] = client(sandbox, "ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["ils-dev"]}])["Vpcs"]
    values = {
        "ENV": "dev",
        "REGION": "us-east-1",
        "VPC_ID": vpc["VpcId"],
        "autoscaler/cluster-autoscaler": "chart",
        "eks/aws-load-balancer-controller": "chart",
    }
    outcomes = [
        run_all(DOCS / f"{name}.md", with_helm, values, NOT_HERE)
        for name in ("cluster-autoscaler", "load-balancer-controller")
    ]

    expect_no_trouble(outcomes)


def test_those_that_put_dagster_on_eks(sandbox: LocalSandbox, with_helm: Shell) -> None:
    """In the cluster of `platform`, whose database Dagster's own login then opens."""
    [status] = sandbox.ils_json("status", "platform")["environments"]
    [database] = [each["outputs"] for each in status["layers"] if each["layer"] == "database"]
    secret = client(sandbox, "secretsmanager").get_secret_value(SecretId=database["master_secret_arn"])
    with_helm.env["PGPASSWORD"] = json.loads(secret["SecretString"])["password"]
    state = json.loads((sandbox.directory / "sandbox" / "sandbox.json").read_text())
    shutil.copy(state["data"]["ca_file"], with_helm.folder / "global-bundle.pem")
    for name in ("OAUTH2_PROXY_CLIENT_ID", "OAUTH2_PROXY_CLIENT_SECRET", "clientID", "clientSecret"):
        for file in (name, f"look-{name}"):
            (with_helm.folder / file).write_text("not a real one")
    values = {
        "DATABASE_ENDPOINT": database["endpoint"],
        "MASTER_USERNAME": database["master_username"],
        "RUN_ID": "7f3a",
        "dagster/dagster": "chart",
    }
    with_helm.run("ils kubeconfig platform --file platform.kubeconfig")
    servers = [small_server(name) for name in ("dagster-webserver", "dagster-daemon")]
    (with_helm.folder / "there.yaml").write_text(yaml.safe_dump_all([*servers, small_run("dagster-run-7f3a")]))
    made = with_helm.run(
        "export KUBECONFIG=$PWD/platform.kubeconfig\nkubectl apply --server-side -f deploy/kubernetes/access.yaml"
        "\nkubectl -n dagster apply --server-side -f there.yaml"
    )
    assert made.returncode == 0, made.stdout

    outcome = run_all(DOCS / "dagster-for-a-team.md", with_helm, values, NOT_HERE)
    place = f"host={database['endpoint']} dbname=dagster user=dagster sslmode=verify-full sslrootcert=global-bundle.pem"
    opened = with_helm.run(f"PGPASSWORD=$(cat PASSWORD_FILE) psql '{place}' --command='CREATE TABLE runs ()'")

    expect_no_trouble([outcome])
    assert opened.returncode == 0, opened.stdout

"""`ils doctor` finds what is wrong and says how to put it right. Each test plants one mistake in a machine that is ready."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ils_pipelines.operations.doctor.account import clock
from ils_pipelines.operations.doctor.files import calendar
from ils_pipelines.operations.doctor.models import Verdict
from ils_pipelines.settings.engine import PULUMI_VERSION
from ils_pipelines.settings.versions import TABLE_DATE
from tests.operations.doctor.conftest import ALIAS, BUCKET, Machine

Plant = Callable[[Machine], Any]


def _another_bucket(machine: Machine) -> None:
    machine.file(lambda document: document["engine"].update(backend="s3://ils-nowhere?region=us-east-1"))


def _deny(service: str, operation: str, code: str = "AccessDenied", times: int = 1) -> Plant:
    def plant(machine: Machine) -> None:
        fault = {"service": service, "operation": operation, "error_code": code, "status": 403, "times": times}
        machine.account.sandbox.control("faults", fault, method="POST")

    return plant


def _s3(operation: str, **parameters: Any) -> Plant:
    return lambda machine: getattr(machine.account.client("s3"), operation)(Bucket=BUCKET, **parameters)


def _key_waits_for_its_end(machine: Machine) -> None:
    kms = machine.account.client("kms")
    kms.schedule_key_deletion(KeyId=kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"], PendingWindowInDays=7)


def _in_the_file(**changes: Any) -> Plant:
    return lambda machine: machine.file(lambda document: _merge(document, changes))


def _merge(document: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict):
            _merge(document.setdefault(name, {}), value)
        else:
            document[name] = value


def _variable(name: str, value: str | None) -> Plant:
    def plant(machine: Machine) -> None:
        machine.variables.pop(name, None)
        if value is not None:
            machine.variables[name] = value

    return plant


def _broken_dagster_yaml(machine: Machine) -> None:
    home = machine.root / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false\n")
    machine.variables["DAGSTER_HOME"] = str(home)


def _file_for_a_folder(variable: str) -> Plant:
    def plant(machine: Machine) -> None:
        (machine.root / "occupied").write_text("")
        machine.variables[variable] = str(machine.root / "occupied" / "inside")

    return plant


PLANTED: dict[str, tuple[Plant, str, str, str]] = {
    "no pulumi": (
        lambda machine: (machine.programs / "pulumi").unlink(),
        "pulumi",
        "none, neither in .* nor on PATH",
        "ils doctor --install",
    ),
    "another pulumi": (
        lambda machine: machine.program("pulumi", "echo v3.1.0"),
        "pulumi",
        "3.1.0 at .*bin/pulumi",
        "engine.pulumi_version",
    ),
    "pulumi that does not run": (
        lambda machine: machine.program("pulumi", "exit 1"),
        "pulumi",
        "unknown release",
        "ils doctor --install",
    ),
    "old kubectl": (
        lambda machine: machine.program("kubectl", """echo '{"clientVersion": {"gitVersion": "v1.20.0"}}'"""),
        "kubectl",
        "1.20.0",
        "Install kubectl 1.35",
    ),
    "kubectl that says nothing": (
        lambda machine: machine.program("kubectl", "exit 1"),
        "kubectl",
        "does not say its version",
        "anew",
    ),
    "no credentials": (_variable("AWS_ACCESS_KEY_ID", None), "dev: credentials", "one part|none", "Log in"),
    "expired credentials": (
        _deny("sts", "GetCallerIdentity", "ExpiredToken"),
        "dev: credentials",
        "have expired",
        "Log in again",
    ),
    "a profile that is not there": (
        _in_the_file(aws={"profile": "nobody"}),
        "dev: credentials",
        "none",
        "aws configure --profile nobody",
    ),
    "no way to AWS": (
        _variable("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        "dev: credentials",
        "no way there",
        "Check the network",
    ),
    "another account": (
        _in_the_file(aws={"account_id": "210987654321"}),
        "dev: account",
        "account 123456789012",
        "profile or role of 210987654321",
    ),
    "a region that is off": (
        _in_the_file(aws={"region": "ap-east-1"}),
        "dev: region",
        "not enabled",
        "aws account enable-region --region-name ap-east-1",
    ),
    "a region that does not exist": (
        _in_the_file(aws={"region": "us-east-7"}),
        "dev: region",
        "no such region",
        "Use one of .*us-east-1",
    ),
    "no state bucket": (_another_bucket, "dev: state bucket", "none of that name", "ils bootstrap dev"),
    "a state bucket of somebody else": (
        _deny("s3", "HeadBucket"),
        "dev: state bucket",
        "no permission",
        "Attach the policy",
    ),
    "a state bucket that forgets": (
        _s3("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
        "dev: state bucket",
        "it is not",
        "Turn versioning on",
    ),
    "a state bucket without a key": (
        _s3("delete_bucket_encryption"),
        "dev: state bucket",
        "it is not",
        "KMS key as its default",
    ),
    "a state bucket open to the public": (
        _s3("delete_public_access_block"),
        "dev: state bucket",
        "it is not",
        "Block public access",
    ),
    "no bucket for Dagster's logs": (
        _in_the_file(dagster={"image": "registry.example.com/ils:1.0.0", "logs_bucket": "ils-dagster-nowhere"}),
        "dev: logs bucket",
        "none of that name",
        "ils bootstrap dev",
    ),
    "no key": (
        _in_the_file(engine={"secrets_provider": "awskms://alias/nothing?region=us-east-1"}),
        "dev: KMS key",
        "NotFoundException",
        "ils bootstrap dev",
    ),
    "a key that waits for its end": (
        _key_waits_for_its_end,
        "dev: KMS key",
        "PendingDeletion",
        "cancel-key-deletion",
    ),
    "a key that may not be used": (
        _deny("kms", "Encrypt", "AccessDeniedException"),
        "dev: KMS key",
        "AccessDeniedException",
        "Allow kms:Encrypt and kms:Decrypt",
    ),
    "no passphrase": (
        _in_the_file(engine={"secrets_provider": "passphrase"}),
        "dev: passphrase",
        "none",
        "PULUMI_CONFIG_PASSPHRASE",
    ),
    "a passphrase file that is not there": (
        _in_the_file(engine={"secrets_provider": "passphrase", "passphrase_file": "/nowhere/passphrase"}),
        "dev: passphrase",
        "nothing that can be read in /nowhere/passphrase",
        "KMS key",
    ),
    "no authorities of the database": (
        _variable("ILS_DATA_AUTHORITIES", None),
        "dev: data authorities",
        "none that ILS_DATA_AUTHORITIES names",
        "global-bundle.pem",
    ),
    "a state folder that cannot be": (_file_for_a_folder("ILS_STATE_DIR"), "state folder", "occupied", "ILS_STATE_DIR"),
    "a Dagster home that cannot be": (_file_for_a_folder("DAGSTER_HOME"), "Dagster home", "occupied", "DAGSTER_HOME"),
    "a dagster.yaml that is none": (
        _broken_dagster_yaml,
        "Dagster home",
        r"no YAML \(line 2\)",
        "Correct .*dagster.yaml",
    ),
    "a version past support": (
        _in_the_file(cluster={"version": "1.28"}),
        "dev: file",
        "can no longer be created",
        'Use "1.3',
    ),
    "a version in extended support": (
        _in_the_file(cluster={"version": "1.33"}),
        "dev: file",
        "extended support",
        "Plan the upgrade",
    ),
    "a network that is none": (
        _in_the_file(network={"cidr": "ten"}),
        "dev: file",
        "not an IPv4 network",
        "Write for example",
    ),
    "a sandbox that is down": (_in_the_file(target="sandbox"), "sandbox", "is down", "ils sandbox start"),
}


def test_nothing_is_wrong_with_a_machine_that_is_ready(ready: Machine) -> None:
    found = ready.findings()

    assert [each for each in found if each.verdict is not Verdict.OK] == []
    assert {each.subject for each in found} >= {
        *("python", "packages", "pulumi", "kubectl", "state folder", "Dagster home", "version calendar", "dev: file"),
        *("dev: credentials", "dev: account", "dev: clock", "dev: region", "dev: state bucket", "dev: KMS key"),
    }


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found_with_its_remedy(ready: Machine, mistake: str) -> None:
    plant, subject, found, remedy = PLANTED[mistake]
    plant(ready)
    wrong = ready.wrong()

    about = [each for each in wrong if each.subject == subject]
    assert about, f"found only {wrong}"
    assert re.search(found, about[0].found), about[0]
    assert re.search(remedy, about[0].remedy), about[0]
    assert about[0].expected


def test_looking_changes_nothing(ready: Machine) -> None:
    ready.account.sandbox.control("requests", method="DELETE")
    ready.findings()

    assert [each["operation"] for each in ready.account.sandbox.control("requests") if each["mutating"]] == []
    assert not (ready.root / "state").exists()


def test_a_person_reads_the_remedy_below_the_finding(ready: Machine) -> None:
    (ready.programs / "pulumi").unlink()
    done = ready.ils("doctor", "dev")

    assert done.returncode == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    start = lines.index("problem  pulumi")
    assert lines[start + 1].startswith(f"expected Pulumi {PULUMI_VERSION}, found none")
    assert any(line.startswith("-> Install it: ils doctor --install") for line in lines[start:])


def test_an_unknown_environment_is_named(ready: Machine) -> None:
    done = ready.ils("doctor", "prod")

    assert done.returncode == 1
    assert "there is no environment 'prod'" in done.stderr


def test_pulumi_that_is_there_is_not_installed_again(ready: Machine) -> None:
    installed = ready.root / "tools" / f"pulumi-{PULUMI_VERSION}" / "bin"
    installed.mkdir(parents=True)
    (ready.programs / "pulumi").rename(installed / "pulumi")
    done = ready.ils("doctor", "dev", "--install", "--json")

    assert done.returncode == 0, done.stderr
    assert f"Pulumi {PULUMI_VERSION}: {installed / 'pulumi'}" in done.stderr
    answer = json.loads(done.stdout)
    assert answer["success"] is True
    assert {each["subject"]: each["found"] for each in answer["findings"]}["pulumi"] == str(installed / "pulumi")


def test_an_installer_that_cannot_be_reached_is_named(ready: Machine) -> None:
    (ready.programs / "pulumi").unlink()
    ready.variables |= {
        "https_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1",
    }
    done = ready.ils("doctor", "dev", "--install")

    assert done.returncode == 1
    assert "Pulumi's installer (https://get.pulumi.com)" in done.stderr
    assert "make tools" in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def _late_aws(minutes: int) -> Iterator[str]:
    """An STS whose clock is that far from this machine's, and which refuses signatures that it finds too old."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            error = b"<Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error>"
            body = b"<ErrorResponse>" + error + b"</ErrorResponse>"
            self.send_response_only(403)
            self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed in tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_clock_that_is_wrong_is_found_although_aws_lets_nobody_in(ready: Machine) -> None:
    with _late_aws(minutes=20) as endpoint:
        ready.variables["AWS_ENDPOINT_URL_STS"] = endpoint
        wrong = {each.subject: each for each in ready.wrong()}

    assert "clock" in wrong["dev: credentials"].remedy
    assert wrong["dev: clock"].verdict is Verdict.PROBLEM
    assert wrong["dev: clock"].found.endswith("s behind")
    assert "NTP" in wrong["dev: clock"].remedy


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, Verdict.OK), (59, Verdict.OK), (61, Verdict.WARNING), (-239, Verdict.WARNING), (241, Verdict.PROBLEM)],
)
def test_a_clock_is_judged_by_how_far_it_is_away(seconds: int, verdict: Verdict) -> None:
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

    assert [each.verdict for each in clock("dev", now, now + timedelta(seconds=seconds))] == [verdict]


@pytest.mark.parametrize(("age", "verdict"), [(0, Verdict.OK), (180, Verdict.OK), (181, Verdict.WARNING)])
def test_an_old_table_of_versions_is_said_to_be_old(age: int, verdict: Verdict) -> None:
    today: date = TABLE_DATE + timedelta(days=age)

    assert [each.verdict for each in calendar(today)] == [verdict]

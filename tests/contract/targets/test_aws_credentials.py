"""Whose credentials an AWS target uses, and what it says when they are not the right ones."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from botocore.exceptions import ReadTimeoutError

from ils_pipelines.provisioning.approval import logged_in_as
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.targets import sessions
from ils_pipelines.targets.errors import TargetUnavailable, WrongAccount
from tests.contract.targets.conftest import ACCOUNT, Opener, Place

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ils-deployer"


def write_profiles(folder: Path, text: str) -> None:
    (folder / "config").write_text(text)


def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def test_the_account_of_the_file_is_accepted(aws_target: Opener) -> None:
    aws_target().preflight()


def test_another_account_is_refused_and_both_are_named(aws_target: Opener) -> None:
    target = aws_target(account_id="210987654321")

    with pytest.raises(
        WrongAccount, match=rf"dev belongs into .* 210987654321, but .* {ACCOUNT} .*Nothing was done"
    ) as e:
        target.preflight()
    assert (e.value.expected, e.value.found) == ("210987654321", ACCOUNT)


def test_pulumis_provider_refuses_another_account_too(aws_target: Opener) -> None:
    config = aws_target(account_id="210987654321").provider_config("us-east-1")

    assert json.loads(config["allowedAccountIds"]) == ["210987654321"]


def test_a_role_is_assumed_before_any_other_call(aws_target: Opener, place: Place) -> None:
    place.sandbox.forget_requests()
    caller = aws_target(assume_role=ROLE, session_name="nightly").caller()  # type: ignore[attr-defined]

    assert caller.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/ils-deployer/nightly"
    assert [each["operation"] for each in place.sandbox.requests()] == ["AssumeRole", "GetCallerIdentity"]


def test_an_approval_is_of_who_is_logged_in_and_not_of_the_role(aws_target: Opener) -> None:
    """The role is everybody's who works on the environment."""
    found = logged_in_as(aws_target(assume_role=ROLE, session_name="nightly"))

    assert found == aws_target().caller().arn  # type: ignore[attr-defined]
    assert "ils-deployer" not in found


@pytest.mark.parametrize(
    ("family", "role"), [(JobFamily.COSTS, "ils-costs"), (JobFamily.BACKUP, "ils-deployer"), (None, "ils-deployer")]
)
def test_a_family_of_jobs_takes_on_its_own_role_where_the_file_names_one(
    aws_target: Opener, family: JobFamily | None, role: str
) -> None:
    roles = {JobFamily.COSTS: f"arn:aws:iam::{ACCOUNT}:role/ils-costs"}
    caller = aws_target(family, assume_role=ROLE, roles=roles, session_name="nightly").caller()  # type: ignore[attr-defined]

    assert caller.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/nightly"


@pytest.mark.timeout(40)
def test_who_is_in_a_hurry_does_not_wait_for_the_role_either(
    aws_target: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "HURRIED_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{silent.getsockname()[1]}")

        with pytest.raises(ReadTimeoutError):
            aws_target(assume_role=ROLE).client("ec2", hurried=True).describe_vpcs()


def test_a_role_is_assumed_once_for_all_clients(aws_target: Opener, place: Place) -> None:
    target = aws_target(assume_role=ROLE)
    place.sandbox.forget_requests()
    target.client("ec2").describe_vpcs()
    target.client("eks").list_clusters()
    target.client("ec2", region="eu-west-1").describe_vpcs()

    assert [each["operation"] for each in place.sandbox.requests()].count("AssumeRole") == 1


def test_the_role_is_for_pulumis_provider_as_well(aws_target: Opener) -> None:
    config = aws_target(assume_role=ROLE, external_id="their-id", session_minutes=30, profile="ils").provider_config(
        "r"
    )

    assert json.loads(config["assumeRoles"]) == [
        {"roleArn": ROLE, "sessionName": "ils-pipelines", "duration": "30m", "externalId": "their-id"}
    ]
    assert config["profile"] == "ils"


def test_a_profile_of_the_file_is_used(aws_target: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_keys(monkeypatch)
    write_profiles(tmp_path, "[profile ils]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = hush\n")
    target = aws_target(profile="ils")
    target.preflight()

    assert "AKIDPROFILE" in target.client("s3").generate_presigned_url("list_buckets")


def test_a_role_may_be_assumed_with_a_profile(
    aws_target: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_keys(monkeypatch)
    write_profiles(tmp_path, "[profile ils]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = hush\n")

    aws_target(profile="ils", assume_role=ROLE).preflight()


def test_a_profile_that_is_not_there_is_named(aws_target: Opener) -> None:
    with pytest.raises(
        TargetUnavailable, match=r"the AWS profile 'nobody' .*found none.*aws configure --profile nobody"
    ):
        aws_target(profile="nobody").preflight()


@pytest.mark.parametrize("account", [{}, {"assume_role": ROLE}], ids=["plain", "role"])
def test_without_credentials_somebody_is_told_to_log_in(
    aws_target: Opener, monkeypatch: pytest.MonkeyPatch, account: dict[str, str]
) -> None:
    no_keys(monkeypatch)

    with pytest.raises(TargetUnavailable, match=r"expected AWS credentials .*found none.*Log in"):
        aws_target(**account).preflight()


def test_half_of_a_key_is_not_a_key(aws_target: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(TargetUnavailable, match="one part is missing"):
        aws_target().preflight()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "have expired.*Log in again"),
        ("InvalidClientTokenId", "ones that it refuses.*clock"),
        ("SignatureDoesNotMatch", "ones that it refuses.*clock"),
        ("RegionDisabledException", "GetCallerIdentity was refused"),
    ],
)
def test_refused_credentials_are_explained(aws_target: Opener, place: Place, code: str, said: str) -> None:
    fault = {"service": "sts", "operation": "GetCallerIdentity", "error_code": code, "status": 403}
    place.sandbox.control("faults", fault, method="POST")

    with pytest.raises(TargetUnavailable, match=said):
        aws_target().preflight()


def test_a_role_that_lets_nobody_in_is_named(aws_target: Opener, place: Place) -> None:
    fault = {"service": "sts", "operation": "AssumeRole", "error_code": "AccessDenied", "status": 403}
    place.sandbox.control("faults", fault, method="POST")

    with pytest.raises(TargetUnavailable, match=rf"let into the role {ROLE}.*trust policy"):
        aws_target(assume_role=ROLE).preflight()


@contextmanager
def overheard() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An STS that writes down what it is asked for, and refuses."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))
            body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed in tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_sts_is_told_the_external_id_and_how_long_the_session_lasts(
    aws_target: Opener, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with overheard() as (endpoint, heard):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        target = aws_target(assume_role=ROLE, external_id="their-id", session_minutes=30, session_name="nightly")
        with pytest.raises(TargetUnavailable):
            target.preflight()

    assert heard[0]["Action"] == "AssumeRole"
    assert (heard[0]["RoleArn"], heard[0]["ExternalId"]) == (ROLE, "their-id")
    assert (heard[0]["RoleSessionName"], heard[0]["DurationSeconds"]) == ("nightly", "1800")

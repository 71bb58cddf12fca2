"""Who AWS takes us for, and what to do when it takes us for nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.targets.errors import TargetUnavailable

if TYPE_CHECKING:
    from ils_pipelines.settings.account import AwsAccount

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
LOG_IN = "Log in again (e.g. `aws sso login`), or name another profile as aws.profile."


@dataclass(frozen=True)
class Caller:
    """The identity behind a target's calls."""

    account_id: str
    arn: str
    answered_at: datetime | None
    """AWS's clock when it answered; None when the answer carried no date."""


def caller_identity(client: Callable[[str], Any], account: AwsAccount) -> Caller:
    """Ask STS. `client` makes boto3 clients. Raises `TargetUnavailable`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client("sts").get_caller_identity()
    except ClientError as error:
        raise TargetUnavailable(_refused(error, account)) from error
    except BotoCoreError as error:
        raise TargetUnavailable(_not_reached(error, account)) from error
    return Caller(answer["Account"], answer["Arn"], _date(answer["ResponseMetadata"]["HTTPHeaders"]))


def _date(headers: dict[str, str]) -> datetime | None:
    text = headers.get("date")
    return parsedate_to_datetime(text) if text else None


def _refused(error: Any, account: AwsAccount) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    if error.operation_name == "AssumeRole" and code in _DENIED:
        return (
            f"expected to be let into the role {account.assume_role}, found that STS refuses ({message}). Check that its "
            "trust policy names who you are logged in as, and asks for the same external id as aws.external_id."
        )
    if code in _EXPIRED:
        return f"expected AWS credentials that are in force, found that they have expired. {LOG_IN}"
    if code in _UNKNOWN_KEY:
        return (
            f"expected AWS credentials that AWS knows, found ones that it refuses ({code}). {LOG_IN} "
            "If the credentials are right, look at this machine's clock: signatures hold for five minutes."
        )
    return f"{error.operation_name} was refused ({code}: {message}). Check the permissions of these credentials."


def _not_reached(error: Exception, account: AwsAccount) -> str:
    from botocore.exceptions import (
        ConnectionError as NoConnection,
    )
    from botocore.exceptions import (
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        SSOError,
        TokenRetrievalError,
    )

    if isinstance(error, NoCredentialsError):
        place = (
            f"the profile {account.profile!r}" if account.profile else "the environment, a profile or an instance role"
        )
        return f"expected AWS credentials from {place}, found none. {LOG_IN}"
    if isinstance(error, PartialCredentialsError):
        return f"expected whole AWS credentials, found that one part is missing ({error}). {LOG_IN}"
    if isinstance(error, (SSOError, TokenRetrievalError)):
        return f"expected a single sign-on session that is in force, found that it has ended ({error}). {LOG_IN}"
    if isinstance(error, (NoConnection, HTTPClientError)):
        return (
            f"expected AWS to answer in {account.region}, found no way there ({error}). Check the network, the proxy and "
            "AWS_ENDPOINT_URL, and that the region is enabled in this account."
        )
    return f"AWS could not be asked who we are ({error}). {LOG_IN}"

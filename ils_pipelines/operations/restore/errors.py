"""What goes wrong with restores, with the cause in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ils_pipelines.errors import IlsError

_GONE = ("NotFound", "NoSuch", "BackupNotFoundException")
_KEY = ("KMS", "AccessDenied", "DisabledException", "InvalidGrant", "IncorrectKey", "NotAuthorized")
_TIME = ("InvalidRestoreTime", "PointInTimeRecoveryUnavailable", "PointInTimeRestoreNotEnabled")


class RestoreFailed(IlsError):
    """Something could not be restored."""


@contextmanager
def restoring(what: str, source: str) -> Iterator[None]:
    """Turn what AWS answers into a `RestoreFailed` that names the cause. `source` is what `what` is restored from."""
    from botocore.exceptions import BotoCoreError, ClientError, WaiterError

    try:
        yield
    except WaiterError as error:
        raise RestoreFailed(
            f"{what} did not become available: {error}. The events of {source} and of its key say why."
        ) from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise RestoreFailed(f"{what} could not be restored: {_cause(code, source)} ({error})") from error
    except BotoCoreError as error:
        raise RestoreFailed(f"{what} could not be restored: AWS cannot be reached ({error})") from error


def _cause(code: str, source: str) -> str:
    if any(part in code for part in _TIME):
        return f"{source} does not reach back to that moment. Choose one inside its window"
    if any(part in code for part in _KEY):
        return (
            f"the key of {source} may not be used: a grant or permission is missing, or the key is disabled. Give whoever "
            "restores kms:CreateGrant and kms:Decrypt on it, and look at the key's state"
        )
    if any(part in code for part in _GONE):
        return (
            f"{source} is gone: it expired or was deleted. Use another recovery point, or the copy in the other region"
        )
    return f"AWS refuses {source}"

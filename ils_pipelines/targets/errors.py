"""What can be wrong with a target."""

from ils_pipelines.errors import IlsError


class TargetUnavailable(IlsError):
    """The target does not answer, or is not what the environment file says."""


class WrongAccount(TargetUnavailable):
    """The credentials are of another account than the environment's file names. Nothing was done."""

    def __init__(self, environment: str, expected: str, found: str, caller: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(
            f"environment {environment} belongs into the AWS account {expected}, but these credentials are of {found} "
            f"({caller}). Nothing was done. Use the profile or role of {expected} (aws.profile, aws.assume_role, or "
            f"AWS_PROFILE), or correct aws.account_id in its file if {found} is meant."
        )

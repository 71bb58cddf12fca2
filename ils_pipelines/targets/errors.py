"""What can be wrong with a target."""

from ils_pipelines.errors import IlsError


class TargetUnavailable(IlsError):
    """The target does not answer, or is not what the environment file says."""

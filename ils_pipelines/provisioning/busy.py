"""The error of a second run on an environment that is being worked on."""

from ils_pipelines.errors import IlsError


class EnvironmentBusy(IlsError):
    """Another run is working on the environment."""

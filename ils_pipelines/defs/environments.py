"""Every environment is a partition, named after its file."""

from dagster import StaticPartitionsDefinition

from ils_pipelines.settings.loading import environment_names

ENVIRONMENTS = StaticPartitionsDefinition(list(environment_names()))
"""Read when the code location is loaded: reload it after adding or removing a file."""

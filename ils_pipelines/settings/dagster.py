"""Dagster itself, where it runs in the cluster of an environment of ours: the platform that provisions the others."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.app import Image
from ils_pipelines.settings.section import Days, Section, text

NAMESPACE = "dagster"
"""Where deploy/kubernetes and the chart put it."""

BucketName = Annotated[
    str,
    text(
        r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
        "is not a name of a bucket",
        'Use lower-case letters, digits and "-", 3 to 63 characters, for example "ils-dagster-logs-123456789012".',
    ),
]


class DagsterHome(Section):
    """What Dagster needs beside cluster and database. `ils bootstrap` makes the bucket, `ils export` the chart's values."""

    image: Image = Field(
        description="Image of webserver, daemon, code server and runs: what deploy/Dockerfile builds.",
        examples=["123456789012.dkr.ecr.us-east-1.amazonaws.com/ils-pipelines:1.0.0"],
    )
    logs_bucket: BucketName = Field(
        description="Bucket for what runs print.", examples=["ils-dagster-logs-123456789012"]
    )
    logs_days: Days = Field(default=90, description="Days after which what a run printed is deleted.")

"""The real Pulumi, driven through its Automation API: what applies environments in AWS accounts."""

from ils_pipelines.engine.pulumi.engine import PulumiEngine

__all__ = ["PulumiEngine"]

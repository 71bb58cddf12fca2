"""More parts of pulumi_aws, for programs that use them in some environments only: loading them takes half a second.

To be imported where they are used; see `ils_pipelines.stacks.aws` for why they are loaded completely.
"""

from __future__ import annotations

from pulumi_aws import route53, wafv2

__all__ = ["route53", "wafv2"]

for _part in (route53, wafv2):
    hasattr(_part, "loaded")  # asking for anything loads the part

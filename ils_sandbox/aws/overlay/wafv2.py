"""AWS WAF: a resource has one web ACL; with moto it would have both, the old one and the new."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World


def associate_web_acl(call: Call, world: World) -> Result:
    """The new association takes the place of the old one."""
    result = world.forward(call)
    taken, guarded = call.params["WebACLArn"], call.params["ResourceArn"]
    for arn, acl in world.backend(call, "wafv2").wacls.items():
        acl.associated_resources[:] = [each for each in acl.associated_resources if arn == taken or each != guarded]
    return result


ROUTES: Routes = {"AssociateWebACL": associate_web_acl}

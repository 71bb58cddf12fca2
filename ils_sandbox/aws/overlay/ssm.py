"""Systems Manager: the parameters in which EKS publishes the newest images of nodes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks.versions import BY_NAME, node_release
from ils_sandbox.aws.overlay.world import Result, Routes, World

_IMAGE = re.compile(
    r"/aws/service/eks/optimized-ami/(?P<version>\d\.\d+)/amazon-linux-2023/(x86_64|arm64)/standard/recommended/release_version"
)


def get_parameter(call: Call, world: World) -> Result:
    name = call.params["Name"]
    found = _IMAGE.fullmatch(name)
    if found is None or found["version"] not in BY_NAME:
        return world.forward(call)
    parameter = {
        "Name": name,
        "Type": "String",
        "Value": node_release(BY_NAME[found["version"]]),
        "Version": 1,
        "LastModifiedDate": datetime.now(UTC),
        "ARN": f"arn:aws:ssm:{call.region}::parameter{name}",
        "DataType": "text",
    }
    return {"Parameter": parameter}


ROUTES: Routes = {"GetParameter": get_parameter}

"""Types of objects that an add-on brings, in the form of the published definitions, which do not have them.

As of the AWS Load Balancer Controller 2.x (API elbv2.k8s.aws/v1beta1). In a cluster of the sandbox it is installed.
"""

from __future__ import annotations

from typing import Any

TARGET_GROUP_BINDING = "aws.k8s.elbv2.v1beta1.TargetGroupBinding"

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _text(*choices: str) -> dict[str, Any]:
    return {"type": ["string", "null"], **({"enum": list(choices)} if choices else {})}


def _struct(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": properties, **({"required": list(required)} if required else {})}


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": item}


_PORT = _ref("io.k8s.apimachinery.pkg.util.intstr.IntOrString")
_PEER = _struct(ipBlock=_struct(("cidr",), cidr=_text()), securityGroup=_struct(("groupID",), groupID=_text()))
_SPEC = _struct(
    ("serviceRef", "targetGroupARN"),
    targetGroupARN=_text(),
    targetType=_text("instance", "ip"),
    serviceRef=_struct(("name", "port"), name=_text(), port=_PORT),
    ipAddressType=_text("ipv4", "ipv6"),
    vpcID=_text(),
    multiClusterTargetGroup={"type": ["boolean", "null"]},
    nodeSelector=_ref(_META + "LabelSelector"),
    networking=_struct(
        ingress=_list_of(
            _struct(
                ("from", "ports"),
                **{"from": _list_of(_PEER)},
                ports=_list_of(_struct(protocol=_text("TCP", "UDP"), port=_PORT)),
            )
        )
    ),
)

DEFINITIONS: dict[str, Any] = {
    TARGET_GROUP_BINDING: {
        **_struct(
            apiVersion=_text("elbv2.k8s.aws/v1beta1"),
            kind=_text("TargetGroupBinding"),
            metadata=_ref(_META + "ObjectMeta"),
            spec=_SPEC,
            status=_struct(observedGeneration={"type": ["integer", "null"]}),
        ),
        "x-kubernetes-group-version-kind": [
            {"group": "elbv2.k8s.aws", "kind": "TargetGroupBinding", "version": "v1beta1"}
        ],
    }
}

"""Cases of load balancers and certificates."""

from __future__ import annotations

from tests.sandbox.provider.bench import Made, Surroundings
from tests.sandbox.provider.case import Case, name

_REDIRECT = {"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}


def _let_invalid_headers_pass(around: Surroundings, made: Made) -> object:
    return around.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=made.id,
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"}],
    )


CASES = (
    Case(
        "aws:lb/loadBalancer:LoadBalancer",
        lambda around: {
            "name": name(),
            "internal": False,
            "loadBalancerType": "application",
            "securityGroups": [around.security_group()],
            "subnets": around.subnets[:2],
            "ipAddressType": "ipv4",
            "accessLogs": {"enabled": True, "bucket": around.log_bucket(), "prefix": "alb"},
            "dropInvalidHeaderFields": True,
            "desyncMitigationMode": "strictest",
            "idleTimeout": 120,
            "enableDeletionProtection": False,
            "enableHttp2": True,
            "enableWafFailOpen": True,
            "preserveHostHeader": True,
            "tags": {"team": "lens"},
        },
        edit=lambda around: {
            "securityGroups": [around.security_group()],
            "subnets": around.subnets,
            "accessLogs": None,
            "idleTimeout": None,
            "enableWafFailOpen": False,
            "tags": {"team": "platform"},
        },
        replacement=lambda _: {"internal": True},
        drift=_let_invalid_headers_pass,
        drifted="dropInvalidHeaderFields",
    ),
    Case(
        "aws:lb/targetGroup:TargetGroup",
        lambda around: {
            "name": name(),
            "port": 5000,
            "protocol": "HTTP",
            "protocolVersion": "HTTP1",
            "vpcId": around.vpc,
            "targetType": "ip",
            "ipAddressType": "ipv4",
            "healthCheck": {
                "enabled": True,
                "path": "/health",
                "port": "traffic-port",
                "protocol": "HTTP",
                "matcher": "200",
                "interval": 15,
                "timeout": 5,
                "healthyThreshold": 2,
                "unhealthyThreshold": 3,
            },
            "stickiness": {"type": "lb_cookie", "cookieDuration": 3600},
            "deregistrationDelay": 30,
            "slowStart": 30,
            "loadBalancingAlgorithmType": "least_outstanding_requests",
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "healthCheck": {"path": "/ready", "interval": 30},
            "stickiness": {"type": "lb_cookie", "enabled": False},
            "deregistrationDelay": None,
            "slowStart": None,
            "loadBalancingAlgorithmType": "round_robin",
        },
        replacement=lambda _: {"port": 5001},
        drift=lambda around, made: around.client("elbv2").modify_target_group(
            TargetGroupArn=made.id, HealthCheckPath="/drifted"
        ),
        drifted="healthCheck.path",
    ),
    Case(
        "aws:lb/listener:Listener",
        lambda around: {
            "loadBalancerArn": around.load_balancer(),
            "port": 443,
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificateArn": around.certificate(),
            "defaultActions": [{"type": "forward", "targetGroupArn": around.target_group()}],
            "routingHttpResponseStrictTransportSecurityHeaderValue": "max-age=31536000",
            "routingHttpResponseServerEnabled": False,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "port": 80,
            "protocol": "HTTP",
            "sslPolicy": None,
            "certificateArn": None,
            "defaultActions": [_REDIRECT],
        },
        replacement=lambda around: {"loadBalancerArn": around.load_balancer()},
        drift=lambda around, made: around.client("elbv2").modify_listener(
            ListenerArn=made.id, SslPolicy="ELBSecurityPolicy-2016-08"
        ),
        drifted="sslPolicy",
    ),
    Case(
        "aws:acm/certificate:Certificate",
        lambda _: {
            "domainName": "ils.example.org",
            "subjectAlternativeNames": ["*.ils.example.org", "www.example.org"],
            "validationMethod": "DNS",
            "keyAlgorithm": "EC_prime256v1",
            "options": {"certificateTransparencyLoggingPreference": "ENABLED"},
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "options": {"certificateTransparencyLoggingPreference": "DISABLED"},
            "tags": {"team": "platform"},
        },
        replacement=lambda _: {"domainName": "other.example.org"},
        drift=lambda around, made: around.client("acm").add_tags_to_certificate(
            CertificateArn=made.id, Tags=[{"Key": "team", "Value": "drifted"}]
        ),
        drifted="tags.team",
    ),
    Case(
        "aws:acm/certificateValidation:CertificateValidation",
        lambda around: {"certificateArn": around.certificate()},
        replacement=lambda around: {"certificateArn": around.certificate()},
        survives_delete=True,
        shares_identity=True,
        makes_nothing=True,
    ),
)

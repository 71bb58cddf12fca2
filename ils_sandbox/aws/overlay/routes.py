"""The table of what the overlay answers."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import (
    acm,
    amp,
    backup,
    cloudwatch,
    cost_advice,
    cost_explorer,
    dynamodb,
    ec2,
    elbv2,
    kms,
    logs,
    pricing,
    route53,
    s3,
    s3_objects,
    secretsmanager,
    sns,
    ssm,
    tagging,
    wafv2,
    xray,
)
from ils_sandbox.aws.overlay.client_tokens import ClientTokens
from ils_sandbox.aws.overlay.eks import routes as eks
from ils_sandbox.aws.overlay.elasticache import routes as elasticache
from ils_sandbox.aws.overlay.key_use import CHECKS
from ils_sandbox.aws.overlay.rds import routes as rds
from ils_sandbox.aws.overlay.world import Handler, MotoRefusedError, Routes, World
from ils_sandbox.aws.requests import Response
from ils_sandbox.aws.responses import AwsError, error_response, result_response

SERVICES: dict[str, Routes] = {
    "acm": acm.ROUTES,
    "amp": amp.ROUTES,
    "backup": backup.ROUTES,
    "ce": {**cost_explorer.ROUTES, **cost_advice.ROUTES},
    "cloudwatch": cloudwatch.ROUTES,
    "dynamodb": dynamodb.ROUTES,
    "ec2": ec2.ROUTES,
    "eks": eks.ROUTES,
    "elasticache": elasticache.ROUTES,
    "elbv2": elbv2.ROUTES,
    "kms": kms.ROUTES,
    "logs": logs.ROUTES,
    "pricing": pricing.ROUTES,
    "rds": rds.ROUTES,
    "resourcegroupstaggingapi": tagging.ROUTES,
    "route53": route53.ROUTES,
    "s3": s3.ROUTES,
    "secretsmanager": secretsmanager.ROUTES,
    "sns": sns.ROUTES,
    "ssm": ssm.ROUTES,
    "wafv2": wafv2.ROUTES,
    "xray": xray.ROUTES,
}

TABLE: dict[tuple[str, str], Handler] = {
    (service, operation): handler for service, routes in SERVICES.items() for operation, handler in routes.items()
}


class Overlay:
    """Answers a call by the table, or else by moto."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens = ClientTokens(world.store)

    def answer(self, call: Call) -> Response:
        earlier = self._tokens.answer(call)
        if earlier is not None:
            return earlier
        response = self._carry_out(call)
        self._tokens.remember(call, response)
        return response

    def _carry_out(self, call: Call) -> Response:
        handler = TABLE.get((call.service, call.operation))
        check = CHECKS.get((call.service, call.operation))
        try:
            if call.service == "s3":
                s3_objects.copy_what_is_due(call, self._world)
            if check is not None:
                check(call, self._world)
            if handler is None:
                return self._world.moto.answer(call)
            return result_response(call, handler(call, self._world))
        except AwsError as error:
            return error_response(call, error.code, error.message, error.status)
        except MotoRefusedError as refused:
            return refused.response

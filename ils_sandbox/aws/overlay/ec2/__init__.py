"""EC2: what moto gets wrong about networks. Each module has its own routes."""

from ils_sandbox.aws.overlay.ec2 import dependencies, launch_templates, nat_gateways, networks, security_groups
from ils_sandbox.aws.overlay.world import Routes

ROUTES: Routes = {
    **dependencies.ROUTES,
    **launch_templates.ROUTES,
    **nat_gateways.ROUTES,
    **networks.ROUTES,
    **security_groups.ROUTES,
}

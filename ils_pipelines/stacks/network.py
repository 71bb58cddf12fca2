"""Subnets, gateways and routes of a VPC."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.network import NatMode, Network
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class VpcNetworkArgs:
    """What the network needs."""

    naming: Naming
    network: Network
    region: str


class VpcNetwork(pulumi.ComponentResource):
    """A VPC with a public and a private subnet in every availability zone."""

    vpc_id: pulumi.Output[str]
    public_subnet_ids: pulumi.Output[list[str]]
    private_subnet_ids: pulumi.Output[list[str]]
    nat_public_ips: pulumi.Output[list[str]]

    def __init__(self, name: str, args: VpcNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:vpc:Network", name, None, opts)
        self._naming = args.naming
        self._inside = pulumi.ResourceOptions(parent=self)
        network = args.network
        zones = network.zone_names(args.region)

        vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=str(network.cidr),
            enable_dns_support=True,
            # EKS's private endpoint and the host names of database and cache resolve only with it.
            enable_dns_hostnames=True,
            tags=args.naming.tags(args.naming.name()),
            opts=pulumi.ResourceOptions(parent=self, protect=args.naming.protected),
        )
        self.vpc_id = vpc.id
        # Whoever forgets to name a security group gets this one: it lets nothing in or out.
        aws.ec2.DefaultSecurityGroup(
            "default", vpc_id=vpc.id, tags=args.naming.tags(args.naming.name("default-unused")), opts=self._inside
        )
        gateway = aws.ec2.InternetGateway(
            "internet", vpc_id=vpc.id, tags=args.naming.tags(args.naming.name()), opts=self._inside
        )

        public = self._subnets("public", zones, tuple(map(str, network.public_subnets)), "kubernetes.io/role/elb")
        private = self._subnets(
            "private", zones, tuple(map(str, network.private_subnets)), "kubernetes.io/role/internal-elb"
        )
        public_table = self._route_table("public")
        aws.ec2.Route(
            "public-internet",
            route_table_id=public_table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._inside,
        )
        # One table per zone even with a single gateway: going to one gateway per zone then replaces only routes.
        private_tables = {zone: self._route_table(f"private-{zone[-1]}") for zone in zones}
        for zone in zones:
            self._associate(f"public-{zone[-1]}", public[zone].id, public_table.id)
            self._associate(f"private-{zone[-1]}", private[zone].id, private_tables[zone].id)

        nat_zones = {NatMode.NONE: (), NatMode.SINGLE: zones[:1], NatMode.PER_AZ: zones}[network.nat]
        gateways, addresses = {}, []
        for zone in nat_zones:
            gateways[zone], address = self._nat_gateway(zone[-1], public[zone].id, gateway)
            addresses.append(address.public_ip)
        for zone in zones if gateways else ():
            aws.ec2.Route(
                f"private-{zone[-1]}-internet",
                route_table_id=private_tables[zone].id,
                destination_cidr_block=EVERYWHERE,
                nat_gateway_id=gateways.get(zone, gateways[nat_zones[0]]).id,
                opts=self._inside,
            )

        for service in network.gateway_endpoints:
            aws.ec2.VpcEndpoint(
                service.value,
                vpc_id=vpc.id,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{args.region}.{service.value}",
                route_table_ids=[public_table.id, *(table.id for table in private_tables.values())],
                tags=args.naming.tags(args.naming.name(service.value)),
                opts=self._inside,
            )

        self.public_subnet_ids = pulumi.Output.all(*(public[zone].id for zone in zones))
        self.private_subnet_ids = pulumi.Output.all(*(private[zone].id for zone in zones))
        self.nat_public_ips = pulumi.Output.all(*addresses)
        self.register_outputs({"vpc_id": self.vpc_id})

    def _subnets(
        self, kind: str, zones: tuple[str, ...], ranges: tuple[str, ...], role: str
    ) -> dict[str, aws.ec2.Subnet]:
        # `role` is the tag by which the AWS load balancer controller finds the subnets it may use.
        return {
            zone: aws.ec2.Subnet(
                f"{kind}-{zone[-1]}",
                vpc_id=self.vpc_id,
                cidr_block=block,
                availability_zone=zone,
                # Nothing gets a public address by being started: load balancers and gateways ask for theirs.
                map_public_ip_on_launch=False,
                tags=self._naming.tags(self._naming.name(kind, zone[-1]), **{role: "1"}),
                opts=self._inside,
            )
            for zone, block in zip(zones, ranges, strict=True)
        }

    def _route_table(self, name: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            name, vpc_id=self.vpc_id, tags=self._naming.tags(self._naming.name(name)), opts=self._inside
        )

    def _associate(self, name: str, subnet_id: pulumi.Output[str], table_id: pulumi.Output[str]) -> None:
        aws.ec2.RouteTableAssociation(name, subnet_id=subnet_id, route_table_id=table_id, opts=self._inside)

    def _nat_gateway(
        self, letter: str, subnet_id: pulumi.Output[str], internet: aws.ec2.InternetGateway
    ) -> tuple[aws.ec2.NatGateway, aws.ec2.Eip]:
        tags = self._naming.tags(self._naming.name("nat", letter))
        # Neither works before the VPC is connected, which no property of theirs says.
        connected = pulumi.ResourceOptions(parent=self, depends_on=[internet])
        address = aws.ec2.Eip(f"nat-{letter}", domain="vpc", tags=tags, opts=connected)
        gateway = aws.ec2.NatGateway(
            f"nat-{letter}", allocation_id=address.id, subnet_id=subnet_id, tags=tags, opts=connected
        )
        return gateway, address

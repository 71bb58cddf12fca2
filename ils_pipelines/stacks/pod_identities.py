"""AWS roles of service accounts, by EKS Pod Identity: no identity provider to trust, no annotation in the cluster."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.backup import BACKUP_ACCOUNT, backup_namespace
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.pod_identities import ROLE_PREFIX
from ils_pipelines.stacks import aws, pod_policies, policies
from ils_pipelines.stacks.addons import ServiceAccount
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.tables import KINDS

APPLICATION_ACCOUNT = "ils"
"""The service account that the release gives the application's pods."""
CONTROLLER_ACCOUNT = ServiceAccount("kube-system", "aws-load-balancer-controller")
AUTOSCALER_ACCOUNT = ServiceAccount("kube-system", "cluster-autoscaler")
_SERVICE = "pods.eks.amazonaws.com"


@dataclass(frozen=True)
class PodIdentityArgs:
    """What the identity needs."""

    naming: Naming
    description: str
    cluster_name: str
    cluster: pulumi.Output[str]
    """The same name, known once the cluster is there."""
    account: ServiceAccount
    partition: str
    managed_policies: tuple[str, ...] = ()
    policy: pulumi.Input[str] | None = None
    """What the pods may do beyond the managed policies."""
    untagged_in: pulumi.Output[str] | None = None
    """The account whose EKS asks for sessions without tags. By default sessions have tags, by which the role knows them."""


class PodIdentity(pulumi.ComponentResource):
    """The role `ils-<environment>-<name>`, which pods of one service account of one cluster have, and nobody else."""

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: PodIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cluster:PodIdentity", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        full_name = args.naming.name(name)
        role = aws.iam.Role(
            name,
            name=full_name,
            description=args.description,
            assume_role_policy=_trust(args),
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        for managed in args.managed_policies:
            aws.iam.RolePolicyAttachment(
                f"{name}-{managed}",
                role=role.name,
                policy_arn=policies.managed_policy(args.partition, managed),
                opts=inside,
            )
        if args.policy is not None:
            aws.iam.RolePolicy(name, name=full_name, role=role.name, policy=args.policy, opts=inside)
        aws.eks.PodIdentityAssociation(
            name,
            cluster_name=args.cluster,
            namespace=args.account.namespace,
            service_account=args.account.name,
            role_arn=role.arn,
            disable_session_tags=True if args.untagged_in is not None else None,
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn})


def _trust(args: PodIdentityArgs) -> pulumi.Input[str]:
    """EKS names cluster and service account in the tags of the session that it asks for. Without tags it is known by its
    account alone: who gets the role is then said by who may pass it to EKS.
    """
    if args.untagged_in is not None:
        return args.untagged_in.apply(lambda account: _asked_by_eks({"aws:SourceAccount": account}))
    wanted = {
        "eks-cluster-name": args.cluster_name,
        "kubernetes-namespace": args.account.namespace,
        "kubernetes-service-account": args.account.name,
    }
    return _asked_by_eks({f"aws:RequestTag/{key}": value for key, value in wanted.items()})


def _asked_by_eks(equals: dict[str, str]) -> str:
    return policies.document(
        {
            "Effect": "Allow",
            "Principal": {"Service": _SERVICE},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {"StringEquals": equals},
        }
    )


@dataclass(frozen=True)
class PodIdentitiesArgs:
    """What the roles of an environment's pods need."""

    naming: Naming
    environment: Environment
    cluster: pulumi.Output[str]
    account_id: pulumi.Output[str]
    tables_key_arn: pulumi.Output[str]


class PodIdentities(pulumi.ComponentResource):
    """The roles of the application, the controller that registers its pods, what scales the nodes, and jobs of backups; and
    of those that the file names.
    """

    application_role_arn: pulumi.Output[str]
    controller_role_arn: pulumi.Output[str]
    autoscaler_role_arn: pulumi.Output[str]
    """Empty where nodes are people's to scale."""
    backup_role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: PodIdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cluster:PodIdentities", name, None, opts)
        self._args = args
        naming, region, partition = args.naming, args.environment.aws.region, args.environment.aws.partition

        def application(known: list[str]) -> str:
            account, key = known
            tables = [
                f"arn:{partition}:dynamodb:{region}:{account}:table/{naming.name(kind)}" for kind in sorted(KINDS)
            ]
            return pod_policies.application(tables, key, region)

        def controller(account: str) -> str:
            weighed = args.environment.app.canary.by_load_balancer
            names = [naming.name(purpose) for purpose in ("app", *(("canary",) if weighed else ()))]
            groups = f"arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup"
            return pod_policies.target_registration([f"{groups}/{name}/*" for name in names])

        def backup(account: str) -> str:
            sides = [(region, "backups"), (args.environment.backup_vault.dr_region, "copies")]
            buckets = [f"arn:{partition}:s3:::{naming.name(name, account, where)}" for where, name in sides]
            keys = [f"arn:{partition}:kms:{where}:{account}:key/*" for where, _ in sides]
            aliases = [f"alias/{naming.name('backups')}", f"alias/{naming.name('backup-copies')}"]
            services = [f"s3.{where}.amazonaws.com" for where, _ in sides]
            return pod_policies.backups(buckets, keys, aliases, services)

        self.application_role_arn = self._identity(
            "app",
            "Lets the application use its tables",
            ServiceAccount(args.environment.app.namespace, APPLICATION_ACCOUNT),
            policy=pulumi.Output.all(args.account_id, args.tables_key_arn).apply(application),
        )
        self.backup_role_arn = self._identity(
            "backup-jobs",
            "Lets the jobs of backups and drills keep dumps and read them",
            ServiceAccount(backup_namespace(args.environment.name), BACKUP_ACCOUNT),
            policy=args.account_id.apply(backup),
        )
        self.controller_role_arn = self._identity(
            "load-balancer-controller",
            "Lets the controller register pods with the load balancer",
            CONTROLLER_ACCOUNT,
            policy=args.account_id.apply(controller),
        )
        self.autoscaler_role_arn = pulumi.Output.from_input("")
        if args.environment.cluster.autoscaler.enabled:
            self.autoscaler_role_arn = self._identity(
                "cluster-autoscaler",
                "Lets the Cluster Autoscaler change the number of nodes",
                AUTOSCALER_ACCOUNT,
                policy=pod_policies.node_scaling(naming.name()),
            )
        for identity in args.environment.cluster.pod_identities:
            self._identity(
                f"{ROLE_PREFIX}-{identity.name}",
                f"Pods of {identity.namespace}/{identity.service_account}, as the file of the environment says",
                ServiceAccount(identity.namespace, identity.service_account),
                policy=pod_policies.as_written(identity.allows),
                session_tags=identity.session_tags,
            )
        self.register_outputs({})

    def _identity(
        self,
        name: str,
        description: str,
        account: ServiceAccount,
        policy: pulumi.Input[str],
        *,
        session_tags: bool = True,
    ) -> pulumi.Output[str]:
        args = self._args
        return PodIdentity(
            name,
            PodIdentityArgs(
                naming=args.naming,
                description=description,
                cluster_name=args.naming.name(),
                cluster=args.cluster,
                account=account,
                partition=args.environment.aws.partition,
                policy=policy,
                untagged_in=None if session_tags else args.account_id,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        ).role_arn

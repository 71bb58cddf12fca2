"""Layer secrets: a place for each secret that only a person can know.

The program makes the secrets and a first version that says what is missing. People put the values in; they reach neither
a program nor a state: the version's value is ignored from then on.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.secrets import PLACEHOLDER, Secrets
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import EncryptionOutputs, SecretsOutputs
from ils_pipelines.stacks.upstream import Upstream

DATABASE_URL = "database-url"
AUTH_PROVIDER = "auth-provider"
LIMS_API_KEY = "lims-api-key"

# What a person is told to put in. The master login is not among them: RDS makes and rotates that one itself.
CONTENTS = {
    DATABASE_URL: "The application's own database login, JSON: host, port, dbname, username, password",
    AUTH_PROVIDER: "The application's credentials at the sign-in provider, JSON: client_id, client_secret",
    LIMS_API_KEY: "The key to the API of the LIMS, as plain text",
}


@dataclass(frozen=True)
class EntrustedSecretArgs:
    """What a secret needs."""

    naming: Naming
    settings: Secrets
    content: str
    key_arn: pulumi.Output[str]


class EntrustedSecret(pulumi.ComponentResource):
    """A secret whose value comes from a person."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EntrustedSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:secrets:EntrustedSecret", name, None, opts)
        full_name = args.naming.name(name)
        secret = aws.secretsmanager.Secret(
            name,
            name=full_name,
            description=args.content,
            kms_key_id=args.key_arn,
            recovery_window_in_days=args.settings.recovery_window_days,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.naming.protected),
        )
        aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(PLACEHOLDER),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The value is the person's who put it in, and with it goes the mark of the current version.
                ignore_changes=["secretString", "versionStages"],
                additional_secret_outputs=["secretString"],
            ),
        )
        self.arn = secret.arn
        self.register_outputs({"arn": self.arn})


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of encryption."""
    key_arn = EncryptionOutputs.read(upstream).secrets_key_arn
    naming = Naming.of(environment, Layer.SECRETS)
    arns = {
        name: EntrustedSecret(name, EntrustedSecretArgs(naming, environment.secrets, content, key_arn)).arn
        for name, content in CONTENTS.items()
    }
    SecretsOutputs(
        database_url_secret_arn=arns[DATABASE_URL],
        auth_provider_secret_arn=arns[AUTH_PROVIDER],
        lims_api_key_secret_arn=arns[LIMS_API_KEY],
    ).export()

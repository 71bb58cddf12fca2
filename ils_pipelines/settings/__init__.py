"""The environment model and the files it is read from. Knows no AWS client, no Pulumi, no Dagster."""

"""What exists: one Pulumi program per layer. Knows the settings and Pulumi, and neither Dagster nor boto3."""

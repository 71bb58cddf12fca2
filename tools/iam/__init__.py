"""Least-privilege policies: generated from the AWS calls that this code really makes, into `deploy/iam`."""

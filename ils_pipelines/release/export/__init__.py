"""A release as files for others: plain YAML, and a Helm chart with values for each environment."""

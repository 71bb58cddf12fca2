"""Bringing a cluster to another Kubernetes version, one minor at a time, and its nodes to the newest image."""

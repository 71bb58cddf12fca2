"""Valkey as ElastiCache: servers, the way in, tokens, snapshots."""

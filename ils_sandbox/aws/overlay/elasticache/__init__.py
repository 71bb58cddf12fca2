"""ElastiCache: replication groups and their members, subnet groups, parameter groups, versions, tags, snapshots.

moto gives a group one member whatever is asked for, never ends a deletion and lacks parameter groups, so these are kept
here. Users, user groups, serverless caches and clusters that belong to no group are moto's.
"""

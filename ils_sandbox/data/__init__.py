"""The data plane: a real PostgreSQL behind every emulated Aurora cluster, a real Valkey behind every replication group.

One process, owned by the sandbox's supervisor. It listens on each endpoint that RDS and ElastiCache describe, ends TLS
there as the services do, and starts a server when the first client connects: a cluster nobody looks into costs nothing.
The AWS server tells it through a control API what was created, copied, restored and deleted.

Unsupported in the sandbox: other versions than the wheels' (PostgreSQL 18, Valkey 9, whatever version RDS and ElastiCache
describe), extensions that need OpenSSL (pgcrypto), IAM logins, replicas of their own (a reader's session is a read-only
one on the writer's server; a cache's reader endpoint takes writes), and the data of groups in cluster mode.
"""

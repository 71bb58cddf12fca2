"""How operations get into the databases and caches of an environment: one way, on AWS and in the sandbox.

The address comes from RDS or ElastiCache, the password from Secrets Manager, the certificate authorities from the target.
"""

"""A small believable data set for an environment in the sandbox, and somebody who keeps writing to it.

The same seed gives the same rows in PostgreSQL; what expires in DynamoDB and Redis does so from the time of seeding on.
"""

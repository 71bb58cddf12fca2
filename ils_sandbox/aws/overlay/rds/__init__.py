"""RDS: engine versions, intermediate states, and what moto drops or gets wrong of clusters, instances and their groups."""

"""The releases there have been, kept in the cluster beside what they released."""

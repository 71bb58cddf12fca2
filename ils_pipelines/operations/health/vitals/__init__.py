"""What database, cache and application say of themselves, to a job inside the cluster that asks as the application does."""

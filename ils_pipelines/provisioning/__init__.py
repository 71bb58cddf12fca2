"""What can be done with one layer of one environment, whatever brings it about. Knows no Dagster."""
